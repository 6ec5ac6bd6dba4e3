//! A segment's index on disk in order, so that a record is found among any number with a few reads and no memory.
//!
//! Behind a head, which says how many lines of the segment's index it covers, lies an entry for each image: SHA-256,
//! number of the record and CRC-32. It is read and not mapped, as records are. A damaged one loses records, which are
//! then computed again, and never gives wrong ones: each has its checksum.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::cache::Content;
use super::positioned::read_at;
use crate::error::{Error, Result};
use crate::whole_file::replace;

/// Where a record lies in its segment, counted in records, and its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) record: u64,
    pub(super) checksum: u32,
}

/// What the file begins with; to be changed when anything is laid out in another way.
const MAGIC: [u8; 8] = *b"hsindex1";
/// Bytes of the head: the magic, the number of lines, the last of them.
const HEAD: usize = 16 + super::segment::LINE;
/// Bytes of an entry.
const ENTRY: usize = 32 + 8 + 4;
/// Entries that are read at a time.
const BLOCK: u64 = 128;

/// The file, open.
#[derive(Debug)]
pub(super) struct Sorted {
    file: File,
    entries: u64,
    lines: u64,
    last: Vec<u8>,
}

impl Sorted {
    /// The one at `path`, if there is one that can be read.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len().checked_sub(HEAD as u64)?;
        let mut head = [0; HEAD];
        read_at(&file, 0, &mut head).ok()?;
        let lines = u64::from_le_bytes(head[8..16].try_into().ok()?);
        let is_whole = head.starts_with(&MAGIC) && length % ENTRY as u64 == 0;
        is_whole.then(|| Self { file, entries: length / ENTRY as u64, lines, last: head[16..].to_vec() })
    }

    /// How many lines of the index it covers, and the last of them.
    pub(super) fn covers(&self) -> (u64, &[u8]) {
        (self.lines, &self.last)
    }

    /// The record of an image.
    pub(super) fn find(&self, content: &Content) -> Option<Found> {
        let (mut low, mut high) = (0, self.entries);
        while high - low > BLOCK {
            let middle = u64::midpoint(low, high);
            let entry = self.block(middle, 1).ok()?;
            match entry[..32] <= content[..] {
                true => low = middle,
                false => high = middle,
            }
        }
        let block = self.block(low, high - low).ok()?;
        let entries = block.as_chunks::<ENTRY>().0;
        let place = entries.binary_search_by(|entry| entry[..32].cmp(content)).ok()?;
        Some(parse(&entries[place]).1)
    }

    fn block(&self, first: u64, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count as usize * ENTRY];
        read_at(&self.file, (HEAD + first as usize * ENTRY) as u64, &mut bytes)?;
        Ok(bytes)
    }

    /// Every entry, in order.
    fn all(&self) -> impl Iterator<Item = io::Result<(Content, Found)>> + '_ {
        (0..self.entries).step_by(BLOCK as usize).flat_map(|first| {
            match self.block(first, BLOCK.min(self.entries - first)) {
                Ok(block) => block.as_chunks::<ENTRY>().0.iter().map(|entry| Ok(parse(entry))).collect(),
                Err(why) => vec![Err(why)],
            }
        })
    }
}

fn parse(entry: &[u8; ENTRY]) -> (Content, Found) {
    let part = |range: std::ops::Range<usize>| &entry[range];
    let record = u64::from_le_bytes(part(32..40).try_into().expect("eight bytes"));
    let checksum = u32::from_le_bytes(part(40..44).try_into().expect("four bytes"));
    (part(0..32).try_into().expect("32 bytes"), Found { record, checksum })
}

/// Writes the entries of `before`, those in `recent` in their places, in order: an index of `lines` lines that end with
/// `last`.
///
/// # Errors
/// When the disk is full or fails, or what was there is damaged; it stays.
pub(super) fn write(
    path: &Path,
    before: Option<&Sorted>,
    recent: &HashMap<Content, Found>,
    (lines, last): (u64, &[u8]),
) -> Result<()> {
    let mut added: Vec<(Content, Found)> = recent.iter().map(|(content, found)| (*content, *found)).collect();
    added.sort_unstable_by_key(|(content, _)| *content);
    let mut added = added.into_iter().peekable();
    replace(path, |mut file| {
        let mut merge = || -> io::Result<()> {
            file.write_all(&MAGIC)?;
            file.write_all(&lines.to_le_bytes())?;
            file.write_all(last)?;
            let mut latest = None;
            for entry in before.into_iter().flat_map(Sorted::all) {
                let entry = entry?;
                if latest.replace(entry.0).is_some_and(|latest| latest >= entry.0) {
                    return Err(io::Error::other("the entries of the sorted index are in no order"));
                }
                while let Some(earlier) = added.next_if(|(content, _)| *content < entry.0) {
                    write_entry(&mut file, &earlier)?;
                }
                if added.peek().is_none_or(|(content, _)| *content != entry.0) {
                    write_entry(&mut file, &entry)?;
                }
            }
            added.try_for_each(|entry| write_entry(&mut file, &entry))?;
            file.flush()
        };
        merge().map_err(|why| Error::io("write", path, why))
    })
}

fn write_entry(to: &mut impl Write, (content, found): &(Content, Found)) -> io::Result<()> {
    to.write_all(content)?;
    to.write_all(&found.record.to_le_bytes())?;
    to.write_all(&found.checksum.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::segment::LINE;
    use super::*;
    use crate::random::Random;

    #[test]
    fn every_entry_is_found_and_newer_ones_take_the_place_of_older() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("k.1.sorted");
        let mut random = Random::new(1, 2);
        let mut content = || -> Content {
            let words: Vec<u8> = (0..4).flat_map(|_| random.bits().to_be_bytes()).collect();
            words.try_into().expect("32 bytes")
        };
        let contents: Vec<Content> = (0..1000).map(|_| content()).collect();
        let found = |record: u64| Found { record, checksum: record as u32 ^ 7 };
        let of = |range: std::ops::Range<u64>, shift: u64| -> HashMap<Content, Found> {
            range.map(|record| (contents[record as usize], found(record + shift))).collect()
        };
        let last = [b'x'; LINE];
        write(&path, None, &of(0..700, 0), (700, &last)).expect("writes");
        let before = Sorted::open(&path).expect("opens");
        write(&path, Some(&before), &of(600..1000, 100), (1100, &last)).expect("writes");
        let sorted = Sorted::open(&path).expect("opens");
        assert_eq!((sorted.entries, sorted.covers()), (1000, (1100, &last[..])));
        for (number, content) in contents.iter().enumerate() {
            let number = number as u64;
            let shift = if number < 600 { 0 } else { 100 };
            assert_eq!(sorted.find(content), Some(found(number + shift)));
        }
        assert_eq!(sorted.find(&content()), None);
    }

    #[test]
    fn entries_in_no_order_are_not_sorted_into_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("k.1.sorted");
        let all: HashMap<Content, Found> =
            (1..=3).map(|number| ([number; 32], Found { record: 0, checksum: 0 })).collect();
        write(&path, None, &all, (3, &[b'x'; LINE])).expect("writes");
        let mut bytes = std::fs::read(&path).expect("reads");
        bytes[HEAD + ENTRY] = 9;
        std::fs::write(&path, bytes).expect("writes");
        let before = Sorted::open(&path).expect("opens");
        let why = write(&path, Some(&before), &HashMap::new(), (3, &[b'x'; LINE])).expect_err("damaged");
        assert!(
            why.to_string().contains("k.1.sorted: the entries of the sorted index are in no order"),
            "{why}"
        );
    }

    #[test]
    fn a_file_of_another_kind_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("k.1.sorted");
        assert!(Sorted::open(&path).is_none());
        for bytes in [&b"hsindex1"[..], &[0; HEAD + ENTRY], &[b'h'; HEAD + 3]] {
            std::fs::write(&path, bytes).expect("writes");
            assert!(Sorted::open(&path).is_none(), "{} bytes", bytes.len());
        }
    }
}
