//! The feature cache: for each trunk one file of f16 records, content-addressed by the image's bytes.
//!
//! `TRUNK.features` holds the records one behind the other, `TRUNK.index` a line for each:
//! SHA-256 of the image and CRC-32 of the record. A record counts only once its line is whole, and
//! lines are written after the records are on disk, so a kill at any moment loses at most what was
//! being added. A record whose checksum is wrong is computed again.
//!
//! Records are read and not mapped: when another program cuts the file short, reading is an error, but a map would end
//! the process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::lock;
use crate::error::{Error, Result};

/// SHA-256 of an image file.
pub type Content = [u8; 32];

/// Where features are kept unless another folder is given: `headstart` in the user's cache folder (`XDG_CACHE_HOME`, or
/// `.cache` at home), or among temporary files where there is none.
pub fn usual_cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let home = || variable("HOME").or_else(|| variable("USERPROFILE")).map(|home| home.join(".cache"));
    variable("XDG_CACHE_HOME").or_else(home).unwrap_or_else(std::env::temp_dir).join("headstart")
}

/// One trunk's records. While it is open no other process can add to it.
#[derive(Debug)]
pub struct Cache {
    key: String,
    path: PathBuf,
    records: Arc<File>,
    index: File,
    /// Whether records can be added.
    writable: bool,
    /// Values of one record.
    length: usize,
    slots: HashMap<Content, (u64, u32)>,
    /// Records in the file, whether or not they are still in use.
    count: u64,
}

/// Bytes of one line of the index: hash, checksum, line end.
const LINE: usize = 64 + 1 + 8 + 1;

impl Cache {
    /// Opens or creates the records of the trunk `key`, of `length` values each, in `folder`. Of a folder that cannot be
    /// written it gives what is there. Waits while another program uses them, unless `stop` says to.
    ///
    /// # Errors
    /// When there are none and none can be written; [`Error::Interrupted`].
    pub fn open(folder: &Path, key: &str, length: usize, stop: &dyn Fn() -> bool) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
        let path = folder.join(format!("{key}.features"));
        let (records, writable) = open(&path)?;
        lock::wait(&records, &path, stop)?;
        let (mut index, _) = open(&folder.join(format!("{key}.index")))?;
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
        if writable && text.len() as u64 > count * LINE as u64 {
            index.set_len(count * LINE as u64).map_err(|why| Error::io("write", &path, why))?;
        }
        Ok(Self { key: key.into(), path, records: Arc::new(records), index, writable, length, slots, count })
    }

    /// Adds records, `[contents.len(), length]`, and returns once they are on disk.
    ///
    /// # Errors
    /// When the disk is full or fails; what was there before stays as it was.
    pub fn append(&mut self, contents: &[Content], values: &[f32]) -> Result<()> {
        if !self.writable {
            let why = io::Error::other("it may only be read, and some features are still missing");
            return Err(Error::io("write", &self.path, why));
        }
        let mut halves = vec![f16::ZERO; values.len()];
        halves.convert_from_f32_slice(values);
        let bytes: Vec<u8> = halves.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut lines = Vec::with_capacity(contents.len() * LINE);
        for (content, record) in contents.iter().zip(bytes.chunks_exact(2 * self.length)) {
            let checksum = crc32fast::hash(record);
            lines.extend(format!("{} {checksum:08x}\n", crate::sha256::hexadecimal(content)).bytes());
            self.slots.insert(*content, (self.count, checksum));
            self.count += 1;
        }
        let start = (self.count - contents.len() as u64) * 2 * self.length as u64;
        let written = write_at(&self.records, start, &bytes).and_then(|()| {
            let line = (self.count - contents.len() as u64) * LINE as u64;
            write_at(&self.index, line, &lines)
        });
        written.map_err(|why| Error::io("write", &self.path, why))
    }

    /// The records of `contents`, those that are there and whole.
    pub fn read(&self, contents: &[Content]) -> Records {
        let mut records = Records {
            key: self.key.clone(),
            path: self.path.clone(),
            contents: contents.to_vec(),
            file: Arc::clone(&self.records),
            length: self.length,
            slots: Vec::with_capacity(contents.len()),
            lost: OnceLock::new(),
        };
        let mut bytes = vec![0; 2 * self.length];
        for content in contents {
            let slot = self.slots.get(content).filter(|(slot, checksum)| {
                records.fetch(*slot, &mut bytes).is_ok() && crc32fast::hash(&bytes) == *checksum
            });
            records.slots.push(slot.map(|(slot, _)| *slot));
        }
        records
    }
}

/// Records keep the file open, and with it its lock, so it is given up by hand: what was read is never written again.
impl Drop for Cache {
    fn drop(&mut self) {
        // A system that refuses ends the lock with the file.
        let _ = self.records.unlock();
    }
}

/// Records on disk, in the order in which they were asked for.
#[derive(Debug)]
pub struct Records {
    key: String,
    path: PathBuf,
    contents: Vec<Content>,
    file: Arc<File>,
    length: usize,
    slots: Vec<Option<u64>>,
    /// Why one could not be read that was there before.
    lost: OnceLock<String>,
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

    /// Reads the bytes of a record.
    fn fetch(&self, slot: u64, bytes: &mut [u8]) -> io::Result<()> {
        read_at(&self.file, slot * 2 * self.length as u64, bytes)
    }

    /// Whether record `index` is there and whole.
    pub fn has(&self, index: usize) -> bool {
        self.slots[index].is_some()
    }

    /// Copies record `index` to `output`. When it cannot be read any more, `output` is filled with what is no number, and
    /// [`Records::check`] tells: a caller asks once after many records.
    ///
    /// # Panics
    /// When [`Records::has`] says no.
    pub fn copy(&self, index: usize, output: &mut [f32]) {
        thread_local! {
            static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let slot = self.slots[index].expect("the record was found to be there");
        BYTES.with_borrow_mut(|bytes| {
            bytes.resize(2 * self.length, 0);
            match self.fetch(slot, bytes) {
                Ok(()) => decode(bytes, output),
                Err(why) => {
                    let _ = self.lost.set(why.to_string());
                    output.fill(f32::NAN);
                }
            }
        });
    }

    /// Whether every record that was copied so far could be read.
    ///
    /// # Errors
    /// [`Error::Invalid`] when not: another program has cut the file short, or the disk fails.
    pub fn check(&self) -> Result<()> {
        match self.lost.get() {
            None => Ok(()),
            Some(why) => {
                let found = format!("less than before ({why}): another program changed it meanwhile");
                Err(Error::invalid(&self.path, "the features that were there at first", found))
            }
        }
    }
}

/// A few at a time: whole registers are converted, and nothing is allocated.
fn decode(bytes: &[u8], output: &mut [f32]) {
    let mut values = [f16::ZERO; 64];
    for (halves, output) in bytes.as_chunks::<2>().0.chunks(values.len()).zip(output.chunks_mut(values.len()))
    {
        let values = &mut values[..halves.len()];
        values.iter_mut().zip(halves).for_each(|(value, pair)| *value = f16::from_le_bytes(*pair));
        values.convert_to_f32_slice(output);
    }
}

/// To read and to write, or, where that is forbidden, to read; and whether it can be written.
fn open(path: &Path) -> Result<(File, bool)> {
    let all = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let opened = all.map(|file| (file, true)).or_else(|why| match why.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            File::open(path).map(|file| (file, false)).map_err(|_| why)
        }
        _ => Err(why),
    });
    opened.map_err(|why| Error::io("open", path, why))
}

fn write_at(mut file: &File, start: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    file.write_all(bytes)?;
    file.sync_data()
}

#[cfg(unix)]
fn read_at(file: &File, start: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_at(file: &File, mut start: u64, mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => {
                bytes = &mut bytes[count..];
                start += count as u64;
            }
        }
    }
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: u64, _: &mut [u8]) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
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
        let mut cache = Cache::open(folder.path(), "k", 3, &|| false).expect("opens");
        cache.append(&[[1; 32], [2; 32]], &[0.5, 1.0, -2.0, 4.0, 5.0, 6.0]).expect("writes");
        drop(cache);
        let mut cache = Cache::open(folder.path(), "k", 3, &|| false).expect("opens");
        cache.append(&[[3; 32]], &[7.0, 8.0, 9.0]).expect("writes");
        let records = cache.read(&[[3; 32], [9; 32], [1; 32]]);
        assert!(records.has(0) && !records.has(1) && records.has(2));
        assert_eq!(value(&records, 0), [7.0, 8.0, 9.0]);
        assert_eq!(value(&records, 2), [0.5, 1.0, -2.0]);
    }

    #[test]
    fn records_that_are_in_use_do_not_keep_others_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3, &|| false).expect("opens");
        cache.append(&[[1; 32]], &[0.5; 3]).expect("writes");
        let records = cache.read(&[[1; 32]]);
        drop(cache);
        let mut again =
            Cache::open(folder.path(), "k", 3, &|| false).expect("opens while the records are open");
        again.append(&[[2; 32]], &[7.0; 3]).expect("writes");
        assert_eq!(value(&records, 0), [0.5; 3]);
    }

    #[test]
    fn a_flipped_bit_or_a_torn_line_is_no_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3, &|| false).expect("opens");
        cache.append(&[[1; 32], [2; 32]], &[0.5; 6]).expect("writes");
        drop(cache);
        let path = folder.path().join("k.features");
        let mut bytes = fs::read(&path).expect("reads");
        bytes[2] ^= 16;
        fs::write(&path, bytes).expect("writes");
        let index = folder.path().join("k.index");
        let lines = fs::read(&index).expect("reads");
        fs::write(&index, &lines[..lines.len() - 5]).expect("writes");
        let records = Cache::open(folder.path(), "k", 3, &|| false).expect("opens").read(&[[1; 32], [2; 32]]);
        assert!(!records.has(0) && !records.has(1));
    }

    #[test]
    fn a_file_that_is_cut_short_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3, &|| false).expect("opens");
        cache.append(&[[1; 32], [2; 32]], &[0.5; 6]).expect("writes");
        let records = cache.read(&[[1; 32], [2; 32]]);
        let file = OpenOptions::new().write(true).open(folder.path().join("k.features")).expect("opens");
        file.set_len(6).expect("cuts");
        assert_eq!(value(&records, 0), [0.5; 3]);
        records.check().expect("the first is there");
        assert!(value(&records, 1).iter().all(|value| value.is_nan()));
        let why = records.check().expect_err("the second is not").to_string();
        assert!(why.contains("k.features: expected the features that were there at first"), "{why}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_there_is_read_where_nothing_can_be_written() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3, &|| false).expect("opens");
        cache.append(&[[1; 32]], &[0.5; 3]).expect("writes");
        drop(cache);
        for name in ["k.features", "k.index"] {
            let path = folder.path().join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("sets");
        }
        // The superuser may write all the same.
        let records = Cache::open(folder.path(), "k", 3, &|| false).expect("opens").read(&[[1; 32]]);
        assert_eq!(value(&records, 0), [0.5; 3]);
    }
}
