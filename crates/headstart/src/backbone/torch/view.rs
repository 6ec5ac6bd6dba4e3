//! A tensor as PyTorch keeps it: a view of a storage, with an offset and strides.

use super::Found;

/// Axes of a tensor, at most.
const MOST_AXES: usize = 8;

/// Types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    F16,
    Bf16,
    F32,
    F64,
    I64,
}

/// Values that tensors share, by the key of what holds them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storage<'a> {
    pub(super) kind: Kind,
    pub(super) key: &'a str,
    pub(super) count: usize,
}

/// A tensor without its values. All of its places lie in the storage, and there are no more of them than of values.
#[derive(Debug)]
pub(super) struct View<'a> {
    storage: Storage<'a>,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl Kind {
    /// Bytes of a value.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => bytes.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
            Self::Bf16 => {
                bytes.as_chunks().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect()
            }
            Self::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Self::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
            Self::I64 => bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f32).collect(),
        }
    }
}

impl<'a> View<'a> {
    /// A view whose places were checked to lie in its storage.
    pub(super) fn new(
        storage: Storage<'a>,
        offset: usize,
        shape: Vec<usize>,
        strides: Vec<usize>,
    ) -> Found<Self> {
        let found = || format!("a tensor of shape {shape:?} in a storage of {} values", storage.count);
        if shape.len() != strides.len() || shape.len() > MOST_AXES {
            return Err(format!("a tensor of {} axes and {} strides", shape.len(), strides.len()));
        }
        let count = shape.iter().try_fold(1, |count: usize, side| count.checked_mul(*side));
        let count = count.filter(|count| *count <= storage.count).ok_or_else(found)?;
        // The place of the last value; strides are never negative.
        let last = shape.iter().zip(&strides).try_fold(offset, |place, (side, stride)| {
            side.saturating_sub(1).checked_mul(*stride)?.checked_add(place)
        });
        match count == 0 || last.is_some_and(|last| last < storage.count) {
            true => Ok(Self { storage, offset, shape, strides }),
            false => Err(found()),
        }
    }

    pub(super) fn key(&self) -> &'a str {
        self.storage.key
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    pub(super) fn is_of_integers(&self) -> bool {
        self.storage.kind == Kind::I64
    }

    /// The values, the last axis fastest, from the storage's bytes.
    pub(super) fn values(&self, storage: &[u8]) -> Found<Vec<f32>> {
        let Storage { kind, count, .. } = self.storage;
        let width = kind.width();
        // What a pickle states may be anything.
        if count.checked_mul(width) != Some(storage.len()) {
            return Err(format!("a storage of {} bytes, where {count} values are stated", storage.len()));
        }
        Ok(match self.count() {
            0 => Vec::new(),
            count if self.is_contiguous() => kind.decode(&storage[self.offset * width..][..count * width]),
            count => {
                let places = (0..count).flat_map(|index| &storage[self.place(index) * width..][..width]);
                kind.decode(&places.copied().collect::<Vec<u8>>())
            }
        })
    }

    fn is_contiguous(&self) -> bool {
        let mut axes = self.shape.iter().zip(&self.strides).rev();
        let after = axes.try_fold(1, |expected, (side, stride)| {
            (*side == 1 || *stride == expected).then(|| expected * side)
        });
        after.is_some()
    }

    /// Where the value `index` of the tensor lies in its storage.
    fn place(&self, mut index: usize) -> usize {
        let axes = self.shape.iter().zip(&self.strides).rev();
        axes.fold(self.offset, |place, (side, stride)| {
            let along = index % side;
            index /= side;
            place + along * stride
        })
    }
}
