//! A part of a trunk's records, which one program at a time adds to while any number read it.
//!
//! `SEGMENT.features` holds the records one behind the other, `SEGMENT.index` a line for each: SHA-256 of the image and
//! CRC-32 of the record. A record counts only once its line is whole, and lines are written after the records are on
//! disk, so a kill at any moment loses at most what was being added. `SEGMENT.sorted` has the lines in order, as far as
//! it was written; those behind it are read into memory. `SEGMENT.lock` is locked by the program that adds.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cache::Content;
use super::positioned::{read_at, write_at};
use super::sorted::{self, Found, Sorted};
use crate::error::{Error, Result};
use crate::sha256::hexadecimal;

/// Bytes of one line of the index: hash, checksum, line end.
pub(super) const LINE: usize = 64 + 1 + 8 + 1;
/// Lines that are kept in memory before they are sorted into the others.
const FEW: usize = 1 << 16;
/// Fewer are quickly read from the index itself.
const WORTH_SORTING: u64 = 1 << 10;
/// Bytes of the index that are read at a time.
const BLOCK: usize = LINE << 12;

/// Its files, as far as they were written when it was opened, and what was added since.
#[derive(Debug)]
pub(super) struct Segment {
    /// Of the records; the others have other endings.
    pub(super) path: PathBuf,
    pub(super) records: Arc<File>,
    sorted: Option<Sorted>,
    /// Behind what is sorted.
    recent: HashMap<Content, Found>,
    /// Whole lines of the index.
    lines: u64,
    /// Bytes of a record.
    bytes: u64,
    adding: Option<Adding>,
}

/// What adding to a segment needs.
#[derive(Debug)]
struct Adding {
    records: File,
    index: File,
    /// The last line, which says what a sorted index covers.
    last: Vec<u8>,
    /// Locked while it is open, where the file system has locks.
    _lock: File,
}

/// Whether a segment is free to be added to.
pub(super) enum Claim {
    /// It is, and is ours now.
    Ours(Segment),
    /// Another program adds to it.
    Taken,
}

impl Segment {
    /// The segment whose files are called `stem` and an ending, with records of so many bytes; `None` where there is none.
    ///
    /// # Errors
    /// Files that are there and cannot be read.
    pub(super) fn open(stem: &Path, bytes: u64) -> Result<Option<Self>> {
        let path = with_ending(stem, "features");
        let records = match File::open(&path) {
            Ok(records) => Arc::new(records),
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(Error::io("open", path, why)),
        };
        let sorted = Sorted::open(&with_ending(stem, "sorted"));
        let mut segment =
            Self { path, records, sorted, recent: HashMap::new(), lines: 0, bytes, adding: None };
        segment
            .read_index(&with_ending(stem, "index"))
            .map_err(|why| Error::io("read", &segment.path, why))?;
        Ok(Some(segment))
    }

    /// Reads the lines that are whole and whose records are there, from those on that are not sorted.
    fn read_index(&mut self, path: &Path) -> io::Result<()> {
        let index = match File::open(path) {
            Ok(index) => index,
            // It is about to be written.
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()),
            Err(why) => return Err(why),
        };
        let whole = (index.metadata()?.len() / LINE as u64).min(self.records.metadata()?.len() / self.bytes);
        self.sorted = self.sorted.take().filter(|sorted| covers(sorted, &index, whole));
        self.lines = self.sorted.as_ref().map_or(0, |sorted| sorted.covers().0);
        let mut block = vec![0; BLOCK];
        while self.lines < whole {
            let count = (whole - self.lines).min((BLOCK / LINE) as u64) as usize;
            read_at(&index, self.lines * LINE as u64, &mut block[..count * LINE])?;
            for line in block[..count * LINE].as_chunks::<LINE>().0 {
                if let Some((content, checksum)) = parse(line) {
                    self.recent.insert(content, Found { record: self.lines, checksum });
                }
                self.lines += 1;
            }
        }
        Ok(())
    }

    /// Opens or creates the segment `stem` to add to it, unless another program does.
    ///
    /// # Errors
    /// What cannot be created or written.
    pub(super) fn claim(stem: &Path, bytes: u64) -> Result<Claim> {
        let path = with_ending(stem, "features");
        let unwritable = |why: io::Error| match why.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                let why = io::Error::other("it may only be read, and some features are still missing");
                Error::io("write", &path, why)
            }
            _ => Error::io("write", &path, why),
        };
        let open = |ending: &str| {
            let path = with_ending(stem, ending);
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
        };
        let lock = open("lock").map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Claim::Taken),
            // A file system without locks: what is there already may be another's, what is not there yet is ours.
            Err(TryLockError::Error(_)) => match File::create_new(&path) {
                Ok(_) => {}
                Err(why) if why.kind() == ErrorKind::AlreadyExists => return Ok(Claim::Taken),
                Err(why) => return Err(unwritable(why)),
            },
        }
        let records = open("features").map_err(unwritable)?;
        let index = open("index").map_err(unwritable)?;
        let mut segment = Self::open(stem, bytes)?.expect("it was just created");
        // What lies behind the last whole line was never finished.
        index.set_len(segment.lines * LINE as u64).map_err(unwritable)?;
        let mut last = vec![0; LINE];
        if segment.lines > 0 {
            read_at(&index, (segment.lines - 1) * LINE as u64, &mut last).map_err(unwritable)?;
        }
        segment.adding = Some(Adding { records, index, last, _lock: lock });
        Ok(Claim::Ours(segment))
    }

    /// The record of an image, as the index has it.
    pub(super) fn find(&self, content: &Content) -> Option<Found> {
        let recent = self.recent.get(content).copied();
        recent.or_else(|| self.sorted.as_ref().and_then(|sorted| sorted.find(content)))
    }

    /// Whether it was claimed.
    pub(super) fn is_ours(&self) -> bool {
        self.adding.is_some()
    }

    /// Adds records, one behind the other in `bytes`, and returns once they are on disk.
    ///
    /// # Errors
    /// When the disk is full or fails; what was there before stays as it was.
    ///
    /// # Panics
    /// Where the segment was not claimed.
    pub(super) fn append(&mut self, contents: &[Content], bytes: &[u8]) -> Result<()> {
        let adding = self.adding.as_mut().expect("only a segment that was claimed is added to");
        let mut lines = Vec::with_capacity(contents.len() * LINE);
        let mut found = Vec::with_capacity(contents.len());
        for (content, record) in contents.iter().zip(bytes.chunks_exact(self.bytes as usize)) {
            let checksum = crc32fast::hash(record);
            lines.extend(format!("{} {checksum:08x}\n", hexadecimal(content)).bytes());
            found.push(Found { record: self.lines + found.len() as u64, checksum });
        }
        write_at(&adding.records, self.lines * self.bytes, bytes)
            .and_then(|()| write_at(&adding.index, self.lines * LINE as u64, &lines))
            .map_err(|why| Error::io("write", &self.path, why))?;
        self.recent.extend(contents.iter().copied().zip(found));
        self.lines += contents.len() as u64;
        if let Some(last) = lines.rchunks_exact(LINE).next() {
            adding.last = last.to_vec();
        }
        let sorted = self.sorted.as_ref().map_or(0, |sorted| sorted.covers().0);
        if self.recent.len() > FEW.max(sorted as usize / 8) {
            self.sort();
        }
        Ok(())
    }

    /// Writes what is in memory of the index into the sorted one. It saves memory and time: where that fails it is
    /// removed, and the next to open the segment reads the index itself.
    fn sort(&mut self) {
        let Some(adding) = &self.adding else { return };
        let path = self.path.with_extension("sorted");
        let lines = (self.lines, &adding.last[..]);
        match sorted::write(&path, self.sorted.as_ref(), &self.recent, lines) {
            Ok(()) => {
                if let Some(sorted) = Sorted::open(&path) {
                    self.sorted = Some(sorted);
                    self.recent = HashMap::new();
                }
            }
            Err(_) => _ = std::fs::remove_file(&path),
        }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if self.lines >= WORTH_SORTING && !self.recent.is_empty() {
            self.sort();
        }
    }
}

fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Whether a sorted index is of this index, of which so many lines count.
fn covers(sorted: &Sorted, index: &File, whole: u64) -> bool {
    let (lines, last) = sorted.covers();
    let mut line = [0; LINE];
    (1..=whole).contains(&lines)
        && read_at(index, (lines - 1) * LINE as u64, &mut line).is_ok()
        && line[..] == *last
}

fn parse(line: &[u8; LINE]) -> Option<(Content, u32)> {
    let text = std::str::from_utf8(line).ok()?;
    let (content, checksum) = text.trim_end().split_once(' ')?;
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(content.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some((bytes, u32::from_str_radix(checksum, 16).ok()?))
}
