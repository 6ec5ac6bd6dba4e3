//! Values in chunks of one shape, each packed by itself, found through a tree.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::bytes::Bytes;
use super::group::NOWHERE;
use super::header::at;
use super::{File, Found};

/// Levels of a tree, at most.
const MOST_LEVELS: u8 = 16;
/// Filters one after the other, at most.
const MOST_FILTERS: usize = 8;
const DEFLATE: u16 = 1;
const SHUFFLE: u16 = 2;
const CHECKSUM: u16 = 3;

/// What was done to the bytes of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// Packed, as gzip packs.
    Deflate,
    /// The first bytes of all numbers, then the second ones, and so on.
    Shuffle,
    /// A checksum of four bytes behind them, which is not compared.
    Checksum,
}

/// The filters of a dataset, in the order in which they were applied.
pub(super) fn filters(message: Bytes<'_>) -> Found<Vec<Filter>> {
    let (version, count) = (message.u8(0)?, usize::from(message.u8(1)?));
    if count > MOST_FILTERS || !(1..=2).contains(&version) {
        return Err(format!("{count} filters of version {version}"));
    }
    let mut place = if version == 1 { 8 } else { 2 };
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        let kind = message.u16(place)?;
        found.push(match kind {
            DEFLATE => Filter::Deflate,
            SHUFFLE => Filter::Shuffle,
            CHECKSUM => Filter::Checksum,
            other => return Err(format!("values packed by the filter {other}, which is not read")),
        });
        // The second version leaves out the names of the filters that all know.
        let (name, head) = if version == 1 { (usize::from(message.u16(place + 2)?), 8) } else { (0, 6) };
        let values = usize::from(message.u16(place + head - 2)?);
        let padding = if version == 1 { values % 2 } else { 0 };
        place += head + name.next_multiple_of(8) + 4 * (values + padding);
    }
    Ok(found)
}

/// How values lie in chunks.
pub(super) struct Chunks<'d> {
    pub(super) shape: &'d [usize],
    /// Of a chunk.
    pub(super) sides: &'d [usize],
    /// Of a number, in bytes.
    pub(super) width: usize,
    pub(super) filters: &'d [Filter],
}

impl Chunks<'_> {
    /// The values of all chunks in their places, `length` bytes. Chunks that are not there hold zeros.
    pub(super) fn read(&self, file: &mut File<'_>, tree: usize, length: usize) -> Found<Vec<u8>> {
        let fits = |(side, whole): (&usize, &usize)| *side > 0 && side <= whole;
        if self.sides.len() != self.shape.len() || !self.sides.iter().zip(self.shape).all(fits) {
            return Err(format!("chunks of {:?} in the shape {:?}", self.sides, self.shape));
        }
        let mut values = vec![0; length];
        let mut left = self.shape.iter().zip(self.sides).map(|(whole, side)| whole.div_ceil(*side)).product();
        if tree != NOWHERE {
            self.node(file, (tree, MOST_LEVELS), &mut left, &mut values)?;
        }
        Ok(values)
    }

    /// Bytes of an entry's key: length, mask, and the place along each axis and within a number.
    fn key(&self) -> usize {
        8 + 8 * (self.shape.len() + 1)
    }

    /// Reads the chunks below a node, of which `left` may come.
    fn node(
        &self,
        file: &mut File<'_>,
        (node, below): (usize, u8),
        left: &mut usize,
        values: &mut [u8],
    ) -> Found<()> {
        file.step()?;
        let bytes = file.bytes;
        bytes.expect(node, b"TREE")?;
        let (kind, level, count) =
            (bytes.u8(at(node, 4)?)?, bytes.u8(at(node, 5)?)?, bytes.u16(at(node, 6)?)?);
        if kind != 1 || level >= below {
            return Err(format!("a node of kind {kind} and level {level} in a tree of chunks"));
        }
        for entry in 0..usize::from(count) {
            let key = at(node, 24 + (self.key() + 8) * entry)?;
            let child = bytes.address(at(key, self.key())?)?;
            match level {
                0 => {
                    *left = left.checked_sub(1).ok_or("more chunks than the shape has")?;
                    file.step()?;
                    self.chunk(bytes, bytes.part(key, self.key())?, child, values)?;
                }
                level => self.node(file, (child, level), left, values)?,
            }
        }
        Ok(())
    }

    /// Unpacks a chunk and puts its rows where they belong.
    fn chunk(&self, bytes: Bytes<'_>, key: Bytes<'_>, address: usize, values: &mut [u8]) -> Found<()> {
        if key.u32(4)? != 0 {
            return Err("a chunk that some filters left out".into());
        }
        let length = self.sides.iter().product::<usize>() * self.width;
        let packed = bytes.part(address, key.u32(0)? as usize)?;
        let chunk = unpacked(packed.0, self.filters, self.width, length)?;
        let axes = 0..self.shape.len();
        let corner = axes.map(|axis| key.address(8 + 8 * axis)).collect::<Found<Vec<usize>>>()?;
        let within = |(place, (side, whole)): (&usize, (&usize, &usize))| place < whole && place % side == 0;
        if !corner.iter().zip(self.sides.iter().zip(self.shape)).all(within) {
            return Err(format!("a chunk at {corner:?} in the shape {:?}", self.shape));
        }
        self.copy(&chunk, &corner, values);
        Ok(())
    }

    /// Copies the rows of a chunk, as far as they lie within the shape.
    fn copy(&self, chunk: &[u8], corner: &[usize], values: &mut [u8]) {
        let Some(last) = self.shape.len().checked_sub(1) else { return values.copy_from_slice(chunk) };
        let row = self.sides[last] * self.width;
        let kept = self.sides[last].min(self.shape[last] - corner[last]) * self.width;
        'rows: for (number, row) in chunk.chunks_exact(row).enumerate() {
            let (mut rest, mut place, mut stride) = (number, corner[last], self.shape[last]);
            for axis in (0..last).rev() {
                let along = corner[axis] + rest % self.sides[axis];
                if along >= self.shape[axis] {
                    continue 'rows;
                }
                rest /= self.sides[axis];
                place += along * stride;
                stride *= self.shape[axis];
            }
            values[place * self.width..][..kept].copy_from_slice(&row[..kept]);
        }
    }
}

/// The bytes before the filters, of which there must be `length`.
fn unpacked(packed: &[u8], filters: &[Filter], width: usize, length: usize) -> Found<Vec<u8>> {
    let mut bytes = packed.to_vec();
    for filter in filters.iter().rev() {
        bytes = match filter {
            Filter::Deflate => inflated(&bytes, length)?,
            Filter::Shuffle => {
                let count = bytes.len() / width;
                let place = |index: usize| (index % width) * count + index / width;
                (0..count * width).map(|index| bytes[place(index)]).collect()
            }
            Filter::Checksum => {
                let kept = bytes.len().checked_sub(4).ok_or("a chunk that is shorter than its checksum")?;
                bytes.truncate(kept);
                bytes
            }
        };
    }
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(format!("a chunk of {} bytes, where its shape takes {length}", bytes.len())),
    }
}

/// At most the bytes of a chunk and a checksum.
fn inflated(packed: &[u8], length: usize) -> Found<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = length as u64 + 4;
    let read = ZlibDecoder::new(packed).take(most + 1).read_to_end(&mut bytes);
    match read {
        Ok(count) if count as u64 <= most => Ok(bytes),
        Ok(_) => Err("a chunk that is longer than its shape".into()),
        Err(why) => Err(format!("a damaged chunk ({why})")),
    }
}
