//! The feature cache: for each trunk one file of f16 records, content-addressed by the image's bytes.
//!
//! `TRUNK.features` holds the records one behind the other, `TRUNK.index` a line for each:
//! SHA-256 of the image and CRC-32 of the record. A record counts only once its line is whole, and
//! lines are written after the records are on disk, so a kill at any moment loses at most what was
//! being added. A record whose checksum is wrong is computed again.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::error::{Error, Result};

/// SHA-256 of an image file.
pub type Content = [u8; 32];

/// One trunk's records. While it is open no other process can add to it.
#[derive(Debug)]
pub struct Cache {
    key: String,
    path: PathBuf,
    records: File,
    index: File,
    /// Values of one record.
    length: usize,
    slots: HashMap<Content, (u64, u32)>,
    /// Records in the file, whether or not they are still in use.
    count: u64,
}

/// Bytes that Linux maps around a page at most, aligned: its largest folio, since 6.18.
#[cfg(unix)]
const AROUND: usize = 1 << 21;
/// Bytes of one line of the index: hash, checksum, line end.
const LINE: usize = 64 + 1 + 8 + 1;

impl Cache {
    /// Opens or creates the records of the trunk `key`, of `length` values each, in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(folder: &Path, key: &str, length: usize) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
        let path = folder.join(format!("{key}.features"));
        let records = open(&path)?;
        records.lock().map_err(|why| Error::io("lock", &path, why))?;
        let mut index = open(&folder.join(format!("{key}.index")))?;
        let mut text = Vec::new();
        index.read_to_end(&mut text).map_err(|why| Error::io("read", &path, why))?;
        let size = records.metadata().map_err(|why| Error::io("read", &path, why))?.len();
        let mut slots = HashMap::new();
        let mut count = 0;
        for line in text.chunks_exact(LINE) {
            if (count + 1) * 2 * length as u64 > size {
                break;
            }
            if let Some((content, checksum)) = parse(line) {
                slots.insert(content, (count, checksum));
            }
            count += 1;
        }
        // What lies behind the last whole line was never finished.
        index.set_len(count * LINE as u64).map_err(|why| Error::io("write", &path, why))?;
        Ok(Self { key: key.into(), path, records, index, length, slots, count })
    }

    /// Adds records, `[contents.len(), length]`, and returns once they are on disk.
    ///
    /// # Errors
    /// When the disk is full or fails; what was there before stays as it was.
    pub fn append(&mut self, contents: &[Content], values: &[f32]) -> Result<()> {
        let mut halves = vec![f16::ZERO; values.len()];
        halves.convert_from_f32_slice(values);
        let bytes: Vec<u8> = halves.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut lines = Vec::with_capacity(contents.len() * LINE);
        for (content, record) in contents.iter().zip(bytes.chunks_exact(2 * self.length)) {
            let checksum = crc32fast::hash(record);
            lines.extend(
                format!("{} {checksum:08x}\n", crate::backbone::weights::hexadecimal(content)).bytes(),
            );
            self.slots.insert(*content, (self.count, checksum));
            self.count += 1;
        }
        let start = (self.count - contents.len() as u64) * 2 * self.length as u64;
        let written = write_at(&mut self.records, start, &bytes).and_then(|()| {
            let line = (self.count - contents.len() as u64) * LINE as u64;
            write_at(&mut self.index, line, &lines)
        });
        written.map_err(|why| Error::io("write", &self.path, why))
    }

    /// Maps the records into memory and checks those of `contents`.
    ///
    /// # Errors
    /// When the file cannot be mapped.
    pub fn read(&self, contents: &[Content]) -> Result<Records> {
        let map = match self.count {
            0 => None,
            _ => Some(map(&self.records).map_err(|why| Error::io("map", &self.path, why))?),
        };
        let (key, slots) = (self.key.clone(), Vec::with_capacity(contents.len()));
        let mut records = Records { key, contents: contents.to_vec(), map, length: self.length, slots };
        for content in contents {
            let slot = self.slots.get(content).filter(|(slot, checksum)| {
                let is_whole = records.bytes(*slot).is_some_and(|bytes| crc32fast::hash(bytes) == *checksum);
                records.release(*slot);
                is_whole
            });
            records.slots.push(slot.map(|(slot, _)| *slot));
        }
        Ok(records)
    }
}

/// A map of the file keeps its lock, so it is given up by hand: what was read is never written again.
impl Drop for Cache {
    fn drop(&mut self) {
        // A system that refuses ends the lock with the map.
        let _ = self.records.unlock();
    }
}

/// Records mapped from disk, in the order in which they were asked for.
#[derive(Debug)]
pub struct Records {
    key: String,
    contents: Vec<Content>,
    map: Option<memmap2::Mmap>,
    length: usize,
    slots: Vec<Option<u64>>,
}

impl Records {
    /// Names the trunk that they come from.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What they were asked for by.
    pub fn contents(&self) -> &[Content] {
        &self.contents
    }

    fn bytes(&self, slot: u64) -> Option<&[u8]> {
        let start = slot as usize * 2 * self.length;
        self.map.as_ref()?.get(start..start + 2 * self.length)
    }

    /// Lets go of a record's pages, which stay in the system's cache: a process that reads a large file would otherwise
    /// seem to hold all of it. With those around it: Linux maps the neighbours of a page that is asked for, too.
    #[cfg(unix)]
    #[allow(unsafe_code)]
    fn release(&self, slot: u64) {
        let (start, length) = (slot as usize * 2 * self.length, 2 * self.length);
        if let Some(map) = self.map.as_ref().filter(|map| start + length <= map.len()) {
            let end = (start + length).next_multiple_of(AROUND).min(map.len());
            let start = start / AROUND * AROUND;
            // SAFETY: the map is of a file and read only, so its pages come back as they were.
            let _ =
                unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, end - start) };
        }
    }

    #[cfg(not(unix))]
    fn release(&self, _: u64) {}

    /// Whether record `index` is there and whole.
    pub fn has(&self, index: usize) -> bool {
        self.slots[index].is_some()
    }

    /// Copies record `index` to `output`.
    ///
    /// # Panics
    /// When [`Records::has`] says no.
    pub fn copy(&self, index: usize, output: &mut [f32]) {
        let slot = self.slots[index].expect("the record was found to be there");
        let bytes = self.bytes(slot).expect("the record was found to be whole");
        // A few at a time: whole registers are converted, and nothing is allocated.
        let mut values = [f16::ZERO; 64];
        for (halves, output) in
            bytes.as_chunks::<2>().0.chunks(values.len()).zip(output.chunks_mut(values.len()))
        {
            let values = &mut values[..halves.len()];
            values.iter_mut().zip(halves).for_each(|(value, pair)| *value = f16::from_le_bytes(*pair));
            values.convert_to_f32_slice(output);
        }
        self.release(slot);
    }
}

#[allow(unsafe_code)]
fn map(file: &File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: files of records are only appended to, and no record that a whole line of the index names is written again.
    unsafe { memmap2::Mmap::map(file) }
}

fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|why| Error::io("open", path, why))
}

fn write_at(file: &mut File, start: u64, bytes: &[u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    file.write_all(bytes)?;
    file.sync_data()
}

fn parse(line: &[u8]) -> Option<(Content, u32)> {
    let text = std::str::from_utf8(line).ok()?;
    let (content, checksum) = text.trim_end().split_once(' ')?;
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(content.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some((bytes, u32::from_str_radix(checksum, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(records: &Records, index: usize) -> Vec<f32> {
        let mut values = vec![0.0; 3];
        records.copy(index, &mut values);
        values
    }

    #[test]
    fn what_was_added_is_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        cache.append(&[[1; 32], [2; 32]], &[0.5, 1.0, -2.0, 4.0, 5.0, 6.0]).expect("writes");
        drop(cache);
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        cache.append(&[[3; 32]], &[7.0, 8.0, 9.0]).expect("writes");
        let records = cache.read(&[[3; 32], [9; 32], [1; 32]]).expect("maps");
        assert!(records.has(0) && !records.has(1) && records.has(2));
        assert_eq!(value(&records, 0), [7.0, 8.0, 9.0]);
        assert_eq!(value(&records, 2), [0.5, 1.0, -2.0]);
    }

    #[test]
    fn records_that_are_in_use_do_not_keep_others_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        cache.append(&[[1; 32]], &[0.5; 3]).expect("writes");
        let records = cache.read(&[[1; 32]]).expect("maps");
        drop(cache);
        let mut again = Cache::open(folder.path(), "k", 3).expect("opens while the records are mapped");
        again.append(&[[2; 32]], &[7.0; 3]).expect("writes");
        assert_eq!(value(&records, 0), [0.5; 3]);
    }

    #[test]
    fn a_flipped_bit_or_a_torn_line_is_no_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        cache.append(&[[1; 32], [2; 32]], &[0.5; 6]).expect("writes");
        drop(cache);
        let path = folder.path().join("k.features");
        let mut bytes = fs::read(&path).expect("reads");
        bytes[2] ^= 16;
        fs::write(&path, bytes).expect("writes");
        let index = folder.path().join("k.index");
        let lines = fs::read(&index).expect("reads");
        fs::write(&index, &lines[..lines.len() - 5]).expect("writes");
        let records =
            Cache::open(folder.path(), "k", 3).expect("opens").read(&[[1; 32], [2; 32]]).expect("maps");
        assert!(!records.has(0) && !records.has(1));
    }
}
