//! Data sets are opened by what lies at their path.

use std::path::Path;

use super::{Dataset, csv, folder, npz};
use crate::error::{Error, Result};

impl Dataset {
    /// Opens a folder of class folders, a folder of `train/`, `val/` (or `valid/`, `validation/`) and
    /// `test/` with class folders each, a `.csv` with the columns `path,label` and perhaps `group`,
    /// `split` and `root`, or a MedMNIST `.npz`. Images are not read: those that cannot be used turn up at
    /// [`Sample::read`](super::Sample::read).
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is nothing, fewer than two classes, or a split without images of
    /// one of the classes; [`Error::Io`] when something cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_any(path)?.checked()
    }

    /// As [`open`](Self::open), for images that are only measured: one class is enough, and a split may lack
    /// some.
    ///
    /// # Errors
    /// As [`open`](Self::open) otherwise.
    pub fn open_any(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let mut dataset = match extension.as_str() {
            _ if path.is_dir() => folder::open(path)?,
            "csv" if path.is_file() => csv::open(path)?,
            "npz" if path.is_file() => npz::open(path)?,
            _ => {
                let found = if path.exists() { "another kind of file" } else { "nothing there" };
                return Err(Error::invalid(path, "a folder of class folders, a .csv or a .npz", found));
            }
        };
        dataset.sort();
        Ok(dataset)
    }
}
