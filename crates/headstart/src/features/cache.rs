//! The feature cache: f16 records of each trunk, content-addressed by the image's bytes, in segments.
//!
//! Each program that adds records has a segment of its own, `TRUNK.1`, `TRUNK.2` and so on: the first that no other adds
//! to. So trainings that run at once neither wait for each other nor write to one file. Reading merges: a record is
//! taken from the segment that has it whole. `TRUNK.features` and `TRUNK.index`, which earlier versions wrote, are read
//! as one more segment, and nothing is added to them. A record whose checksum is wrong is computed again.
//!
//! Records are read and not mapped: when another program cuts the file short, reading is an error, but a map would end
//! the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::records::{Records, Slot};
use super::segment::{Claim, Segment};
use crate::error::{Error, Result};

/// SHA-256 of an image file.
pub type Content = [u8; 32];

/// One trunk's records.
#[derive(Debug)]
pub struct Cache {
    key: String,
    folder: PathBuf,
    /// Values of one record.
    length: usize,
    /// By number, as far as there were any when it was opened, and the one that is added to.
    segments: Vec<Segment>,
}

impl Cache {
    /// Opens the records of the trunk `key`, of `length` values each, in `folder`, which is created. Nothing else is
    /// written before something is added.
    ///
    /// # Errors
    /// A folder that cannot be created, and records that are there and cannot be read.
    pub fn open(folder: &Path, key: &str, length: usize) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
        let mut cache = Self { key: key.into(), folder: folder.into(), length, segments: Vec::new() };
        cache.segments.extend(Segment::open(&cache.stem(0), cache.record_bytes())?);
        for number in 1.. {
            match Segment::open(&cache.stem(number), cache.record_bytes())? {
                Some(segment) => cache.segments.push(segment),
                None => break,
            }
        }
        Ok(cache)
    }

    fn record_bytes(&self) -> u64 {
        2 * self.length as u64
    }

    /// What the names of segment `number` begin with; 0 is that of earlier versions.
    fn stem(&self, number: usize) -> PathBuf {
        match number {
            0 => self.folder.join(&self.key),
            number => self.folder.join(format!("{}.{number}", self.key)),
        }
    }

    /// Adds records, `[contents.len(), length]`, and returns once they are on disk.
    ///
    /// # Errors
    /// When nothing may be written, or the disk is full or fails; what was there before stays as it was.
    pub fn append(&mut self, contents: &[Content], values: &[f32]) -> Result<()> {
        let mut halves = vec![f16::ZERO; values.len()];
        halves.convert_from_f32_slice(values);
        let bytes: Vec<u8> = halves.iter().flat_map(|value| value.to_le_bytes()).collect();
        if !self.segments.last().is_some_and(Segment::is_ours) {
            let segment = self.claim()?;
            // It may have been read before: what another program has added since is in this one.
            self.segments.retain(|other| other.path != segment.path);
            self.segments.push(segment);
        }
        let own = self.segments.last_mut().expect("there is one that is ours");
        own.append(contents, &bytes)
    }

    /// The first segment that no other program adds to.
    fn claim(&self) -> Result<Segment> {
        for number in 1.. {
            if let Claim::Ours(segment) = Segment::claim(&self.stem(number), self.record_bytes())? {
                return Ok(segment);
            }
        }
        unreachable!("the numbers do not end")
    }

    /// The records of `contents`, those that are there and whole.
    pub fn read(&self, contents: &[Content]) -> Records {
        let mut bytes = vec![0; 2 * self.length];
        let mut slot = |content: &Content| {
            self.segments.iter().enumerate().find_map(|(segment, files)| {
                let found = files.find(content)?;
                let slot = Slot { segment, record: found.record };
                let is_whole = super::records::fetch(&files.records, found.record, &mut bytes).is_ok()
                    && crc32fast::hash(&bytes) == found.checksum;
                is_whole.then_some(slot)
            })
        };
        let slots = contents.iter().map(&mut slot).collect();
        Records {
            key: self.key.clone(),
            contents: contents.to_vec(),
            files: self.segments.iter().map(|of| (of.path.clone(), Arc::clone(&of.records))).collect(),
            length: self.length,
            slots,
            lost: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

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
        let records = cache.read(&[[3; 32], [9; 32], [1; 32]]);
        assert!(records.has(0) && !records.has(1) && records.has(2));
        assert_eq!(value(&records, 0), [7.0, 8.0, 9.0]);
        assert_eq!(value(&records, 2), [0.5, 1.0, -2.0]);
    }

    #[test]
    fn records_that_are_in_use_do_not_keep_others_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        cache.append(&[[1; 32]], &[0.5; 3]).expect("writes");
        let records = cache.read(&[[1; 32]]);
        drop(cache);
        let mut again = Cache::open(folder.path(), "k", 3).expect("opens while the records are open");
        again.append(&[[2; 32]], &[7.0; 3]).expect("writes");
        assert_eq!(value(&records, 0), [0.5; 3]);
    }

    #[test]
    fn a_flipped_bit_or_a_torn_line_is_no_record() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        cache.append(&[[1; 32], [2; 32]], &[0.5; 6]).expect("writes");
        drop(cache);
        let path = folder.path().join("k.1.features");
        let mut bytes = fs::read(&path).expect("reads");
        bytes[2] ^= 16;
        fs::write(&path, bytes).expect("writes");
        let index = folder.path().join("k.1.index");
        let lines = fs::read(&index).expect("reads");
        fs::write(&index, &lines[..lines.len() - 5]).expect("writes");
        let records = Cache::open(folder.path(), "k", 3).expect("opens").read(&[[1; 32], [2; 32]]);
        assert!(!records.has(0) && !records.has(1));
    }

    #[test]
    fn a_file_that_is_cut_short_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        cache.append(&[[1; 32], [2; 32]], &[0.5; 6]).expect("writes");
        let records = cache.read(&[[1; 32], [2; 32]]);
        let file = OpenOptions::new().write(true).open(folder.path().join("k.1.features")).expect("opens");
        file.set_len(6).expect("cuts");
        assert_eq!(value(&records, 0), [0.5; 3]);
        records.check().expect("the first is there");
        assert!(value(&records, 1).iter().all(|value| value.is_nan()));
        let why = records.check().expect_err("the second is not").to_string();
        assert!(why.contains("k.1.features: expected the features that were there at first"), "{why}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_there_is_read_where_nothing_can_be_written() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        cache.append(&[[1; 32]], &[0.5; 3]).expect("writes");
        drop(cache);
        for name in ["k.1.features", "k.1.index"] {
            let path = folder.path().join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("sets");
        }
        // The superuser may write all the same.
        let records = Cache::open(folder.path(), "k", 3).expect("opens").read(&[[1; 32]]);
        assert_eq!(value(&records, 0), [0.5; 3]);
    }

    #[test]
    fn two_at_once_have_segments_of_their_own_and_each_is_read_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Cache::open(folder.path(), "k", 3).expect("opens");
        let (mut one, mut other) = (open(), open());
        one.append(&[[1; 32], [2; 32]], &[1.0; 6]).expect("writes");
        other.append(&[[2; 32], [3; 32]], &[2.0; 6]).expect("does not wait");
        one.append(&[[4; 32]], &[4.0; 3]).expect("writes");
        assert!(folder.path().join("k.2.features").exists());
        let all = [[1; 32], [2; 32], [3; 32], [4; 32]];
        // What another adds while it is open is not seen, and nothing is taken away.
        assert!(one.read(&all).has(3) && !one.read(&all).has(2));
        drop((one, other));
        let mut again = open();
        let records = again.read(&all);
        let values: Vec<f32> = (0..4).map(|index| value(&records, index)[0]).collect();
        assert_eq!(values, [1.0, 1.0, 2.0, 4.0]);
        // The first is free again: there are never more than were written at once.
        again.append(&[[5; 32]], &[5.0; 3]).expect("writes");
        assert!(!folder.path().join("k.3.features").exists());
        assert_eq!(value(&open().read(&[[5; 32]]), 0), [5.0; 3]);
        assert_eq!(value(&open().read(&[[4; 32]]), 0), [4.0; 3]);
    }

    #[test]
    fn what_is_damaged_in_one_segment_is_read_from_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Cache::open(folder.path(), "k", 3).expect("opens");
        let (mut one, mut other) = (open(), open());
        one.append(&[[1; 32]], &[1.0; 3]).expect("writes");
        other.append(&[[1; 32]], &[1.0; 3]).expect("writes");
        drop((one, other));
        fs::write(folder.path().join("k.1.features"), [7; 6]).expect("writes");
        assert_eq!(value(&open().read(&[[1; 32]]), 0), [1.0; 3]);
    }

    /// The names and bytes that versions before segments wrote.
    #[test]
    fn an_old_cache_is_read_and_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let record: Vec<u8> = [0.5, 1.0, -2.0].iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        let line = format!("{} {:08x}\n", "01".repeat(32), crc32fast::hash(&record));
        fs::write(folder.path().join("k.features"), &record).expect("writes");
        fs::write(folder.path().join("k.index"), &line).expect("writes");
        let mut cache = Cache::open(folder.path(), "k", 3).expect("opens");
        assert_eq!(value(&cache.read(&[[1; 32]]), 0), [0.5, 1.0, -2.0]);
        cache.append(&[[2; 32]], &[7.0; 3]).expect("writes");
        let records = cache.read(&[[2; 32], [1; 32]]);
        assert_eq!((value(&records, 0), value(&records, 1)), (vec![7.0; 3], vec![0.5, 1.0, -2.0]));
        assert_eq!(fs::read(folder.path().join("k.features")).expect("reads"), record);
        assert_eq!(fs::read(folder.path().join("k.index")).expect("reads"), line.as_bytes());
    }

    /// Enough for a sorted index, which is then lost, damaged, or of another index.
    #[test]
    fn a_sorted_index_is_used_and_never_needed() {
        let folder = tempfile::tempdir().expect("a folder");
        let content = |number: u32| -> Content {
            let mut content = [0; 32];
            content[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
            content
        };
        let contents: Vec<Content> = (0..3000).map(content).collect();
        let values: Vec<f32> = (0..3000).map(|number| number as f32 / 2.0).collect();
        let open = || Cache::open(folder.path(), "k", 1).expect("opens");
        for part in 0..3 {
            let part = part * 1000..(part + 1) * 1000;
            open().append(&contents[part.clone()], &values[part]).expect("writes");
        }
        let sorted = folder.path().join("k.1.sorted");
        let whole = fs::read(&sorted).expect("it was written when the segment was closed");
        let all_there = || {
            let records = open().read(&contents);
            let mut value = [0.0];
            (0..3000).filter(|index| records.has(*index)).all(|index| {
                records.copy(index, &mut value);
                f16::from_f32(value[0]) == f16::from_f32(values[index])
            }) && (0..3000).filter(|index| records.has(*index)).count() > 2990
        };
        assert!(all_there());
        for at in [3, 9, 20, 100, 5000, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            fs::write(&sorted, damaged).expect("writes");
            assert!(all_there(), "a damaged byte at {at}");
        }
        fs::write(&sorted, &whole[..whole.len() / 2]).expect("writes");
        assert!(all_there());
        fs::remove_file(&sorted).expect("removes");
        assert!(all_there());
    }
}
