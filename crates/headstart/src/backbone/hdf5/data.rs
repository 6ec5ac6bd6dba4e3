//! A dataset: its shape, its numbers and where they lie.

use super::bytes::Bytes;
use super::chunks::{Chunks, Filter, filters};
use super::group::NOWHERE;
use super::header::{DATASPACE, DATATYPE, FILTERS, Header, LAYOUT};
use super::{File, Found};
use crate::backbone::weights::Tensor;

/// Axes of a tensor, at most.
const MOST_AXES: usize = 8;

/// Numbers with a point, the lowest byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    F16,
    F32,
    F64,
}

/// Where the bytes are.
enum Place<'a> {
    /// Nowhere: nothing was written.
    Nowhere,
    Within(Bytes<'a>),
    At {
        address: usize,
        length: usize,
    },
    Chunked {
        tree: usize,
        sides: Vec<usize>,
    },
}

/// A dataset's header, understood.
pub(super) struct Dataset<'a> {
    shape: Vec<usize>,
    /// None of another kind.
    number: Option<Number>,
    place: Place<'a>,
    filters: Vec<Filter>,
}

impl Number {
    fn width(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => bytes.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
            Self::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Self::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        }
    }
}

impl<'a> Dataset<'a> {
    /// What a header says, if it is that of a dataset.
    pub(super) fn of(header: &Header<'a>) -> Found<Option<Self>> {
        let parts = (header.message(DATASPACE), header.message(DATATYPE), header.message(LAYOUT));
        let (Some(space), Some(kind), Some(layout)) = parts else { return Ok(None) };
        let number = number(kind)?;
        if number.is_none() {
            // What is not read need not be understood.
            return Ok(Some(Self { shape: vec![], number, place: Place::Nowhere, filters: vec![] }));
        }
        let filters = header.message(FILTERS).map_or_else(|| Ok(vec![]), filters)?;
        Ok(Some(Self { shape: shape(space)?, number, place: place(layout)?, filters }))
    }

    /// The numbers, the last axis fastest; `None` of others than numbers with a point.
    pub(super) fn read(&self, file: &mut File<'a>) -> Found<Option<Tensor>> {
        let Some(number) = self.number else { return Ok(None) };
        let length = self.shape.iter().try_fold(number.width(), |length, side| length.checked_mul(*side));
        let length = length.filter(|length| *length <= file.room);
        let length = length.ok_or_else(|| format!("the shape {:?}, too large for the file", self.shape))?;
        file.room -= length;
        let stated = |bytes: Bytes<'a>| match bytes.0.len() == length {
            true => Ok(bytes.0.to_vec()),
            false => Err(format!("{} bytes, where the shape {:?} takes {length}", bytes.0.len(), self.shape)),
        };
        let bytes = match &self.place {
            Place::Nowhere if length == 0 => vec![],
            Place::Nowhere => return Err("no values".into()),
            Place::Within(bytes) => stated(*bytes)?,
            Place::At { length: 0, .. } if length == 0 => vec![],
            Place::At { address, length } => stated(file.bytes.part(*address, *length)?)?,
            Place::Chunked { tree, sides } => {
                let chunks =
                    Chunks { shape: &self.shape, sides, width: number.width(), filters: &self.filters };
                chunks.read(file, *tree, length)?
            }
        };
        Ok(Some(Tensor { shape: self.shape.clone(), values: number.decode(&bytes) }))
    }
}

/// The kind of numbers, if they have a point.
fn number(message: Bytes<'_>) -> Found<Option<Number>> {
    const FLOATING_POINT: u8 = 1;
    if message.u8(0)? & 0xf != FLOATING_POINT {
        return Ok(None);
    }
    if message.u8(1)? & 0x41 != 0 {
        return Err("numbers whose highest byte comes first".into());
    }
    // Width in bytes, and bits of the exponent.
    match (message.u32(4)?, message.u8(13)?) {
        (2, 5) => Ok(Some(Number::F16)),
        (4, 8) => Ok(Some(Number::F32)),
        (8, 11) => Ok(Some(Number::F64)),
        (width, exponent) => Err(format!("numbers of {width} bytes with {exponent} bits of exponent")),
    }
}

fn shape(message: Bytes<'_>) -> Found<Vec<usize>> {
    let (version, axes) = (message.u8(0)?, usize::from(message.u8(1)?));
    let start = match version {
        1 => 8,
        2 => 4,
        other => return Err(format!("a dataspace of version {other}")),
    };
    if axes > MOST_AXES {
        return Err(format!("a tensor of {axes} axes"));
    }
    (0..axes).map(|axis| message.address(start + 8 * axis)).collect()
}

fn place(message: Bytes<'_>) -> Found<Place<'_>> {
    match (message.u8(0)?, message.u8(1)?) {
        (3 | 4, 0) => Ok(Place::Within(message.part(4, message.u16(2)?.into())?)),
        (3 | 4, 1) => Ok(match message.address(2)? {
            NOWHERE => Place::Nowhere,
            address => Place::At { address, length: message.address(10)? },
        }),
        (3, 2) => {
            // The last side is the width of a number.
            let axes = usize::from(message.u8(2)?).checked_sub(1).ok_or("chunks without axes")?;
            let sides = (0..axes).map(|axis| Ok(message.u32(11 + 4 * axis)? as usize));
            Ok(Place::Chunked { tree: message.address(3)?, sides: sides.collect::<Found<_>>()? })
        }
        (version, class) => Err(format!("a layout of version {version} and class {class}")),
    }
}
