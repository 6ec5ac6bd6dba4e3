//! Records of a cache, in the order in which they were asked for.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::cache::Content;
use super::positioned::read_at;
use crate::error::{Error, Result};

/// Records on disk, in the order in which they were asked for.
#[derive(Debug)]
pub struct Records {
    pub(super) key: String,
    pub(super) contents: Vec<Content>,
    /// Of each segment the path and the records.
    pub(super) files: Vec<(PathBuf, Arc<File>)>,
    pub(super) length: usize,
    pub(super) slots: Vec<Option<Slot>>,
    /// Why one could not be read that was there before, and where.
    pub(super) lost: OnceLock<(PathBuf, String)>,
}

/// Where a record lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) segment: usize,
    /// Counted in records.
    pub(super) record: u64,
}

/// Reads the bytes of a record, as many as there is room for.
pub(super) fn fetch(file: &File, record: u64, bytes: &mut [u8]) -> io::Result<()> {
    read_at(file, record * bytes.len() as u64, bytes)
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
            let (path, file) = &self.files[slot.segment];
            match fetch(file, slot.record, bytes) {
                Ok(()) => decode(bytes, output),
                Err(why) => {
                    let _ = self.lost.set((path.clone(), why.to_string()));
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
            Some((path, why)) => {
                let found = format!("less than before ({why}): another program changed it meanwhile");
                Err(Error::invalid(path, "the features that were there at first", found))
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
