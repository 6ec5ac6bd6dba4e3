//! HDF5 files as Keras writes them: groups of datasets of floating-point numbers. What is read is what h5py makes for it:
//! superblocks 0 to 3, groups of either kind with few links, values that lie in one piece or in chunks that are packed with
//! gzip. Everything else is an error that says so. Every address, length and count is checked before it is used, and all
//! work is counted, because a file may state anything.
//!
//! The format: HDF5 File Format Specification 3.0, by The HDF Group.

mod bytes;
mod chunks;
mod data;
mod group;
mod header;

use self::bytes::Bytes;
use self::data::Dataset;
use self::header::{Header, Message};
use super::weights::Tensor;

/// What was found instead of what was expected, in words.
type Found<T> = Result<T, String>;

/// What every file begins with.
pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Groups in groups, at most.
const MOST_DEPTH: usize = 16;
/// Nodes, headers and messages that are looked at, at most; Keras's largest nets have some ten thousand.
const MOST_STEPS: usize = 1_000_000;
/// The values may take so many times the room of the file; weights hardly shrink when they are packed.
const MOST_TIMES: usize = 16;
/// And this room in any case, in bytes.
const ALWAYS_ROOM: usize = 1 << 20;

/// A file in memory.
struct File<'a> {
    bytes: Bytes<'a>,
    /// Steps that may still be taken.
    steps: usize,
    /// Bytes that values may still take.
    room: usize,
}

/// The tensors in a file by their paths, such as `conv1/kernel:0`, in the order of the names. What holds no numbers of
/// 16, 32 or 64 bits with a point is left out.
///
/// # Errors
/// In words, what cannot be read.
pub(super) fn read(bytes: &[u8]) -> Found<Vec<(String, Tensor)>> {
    let room = bytes.len().saturating_mul(MOST_TIMES).saturating_add(ALWAYS_ROOM);
    let mut file = File { bytes: Bytes(bytes), steps: MOST_STEPS, room };
    let root = file.root()?;
    let mut tensors = Vec::new();
    file.walk(root, &mut Vec::new(), &mut tensors)?;
    Ok(tensors)
}

impl<'a> File<'a> {
    /// The address of the root group's header.
    fn root(&self) -> Found<usize> {
        let bytes = self.bytes;
        if !bytes.0.starts_with(SIGNATURE) {
            return Err("no HDF5 signature".into());
        }
        let (sizes, base, root) = match bytes.u8(8)? {
            0 => (13, 24, 64),
            1 => (13, 28, 68),
            2 | 3 => (9, 12, 36),
            other => return Err(format!("a superblock of version {other}")),
        };
        if [bytes.u8(sizes)?, bytes.u8(sizes + 1)?] != [8, 8] {
            return Err("addresses of another length than 8 bytes".into());
        }
        match bytes.address(base)? {
            0 => bytes.address(root),
            base => Err(format!("a file that begins at byte {base}")),
        }
    }

    /// Counts a step.
    fn step(&mut self) -> Found<()> {
        self.steps =
            self.steps.checked_sub(1).ok_or("more parts than a net's weights have, or parts in a circle")?;
        Ok(())
    }

    /// Reads what lies below the object at `address`.
    fn walk(
        &mut self,
        address: usize,
        path: &mut Vec<String>,
        tensors: &mut Vec<(String, Tensor)>,
    ) -> Found<()> {
        if path.len() > MOST_DEPTH {
            return Err("groups in groups, and no end of them".into());
        }
        let header = Header::read(self, address)?;
        if let Some(dataset) = Dataset::of(&header)? {
            let name = path.join("/");
            let tensor = dataset.read(self).map_err(|found| format!("{name}: {found}"))?;
            tensors.extend(tensor.map(|tensor| (name, tensor)));
            return Ok(());
        }
        for (name, address) in group::links(self, &header)? {
            path.push(name);
            self.walk(address, path, tensors)?;
            path.pop();
        }
        Ok(())
    }
}

impl<'a> Header<'a> {
    /// The content of the first message of a kind.
    fn message(&self, kind: u16) -> Option<Bytes<'a>> {
        self.0.iter().find(|message| message.kind == kind).map(|Message { content, .. }| *content)
    }
}

#[cfg(test)]
mod tests;
