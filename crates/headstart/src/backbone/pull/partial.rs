//! What there is of a file so far, under a hidden name beside its place.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::sha256::hexadecimal;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 16;

/// The beginning of a file. While it is open no other process can add to it.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    length: u64,
    hasher: Sha256,
}

impl Partial {
    /// What an earlier try left of the file at `path`, or nothing yet.
    ///
    /// # Errors
    /// When it cannot be written, or another process is writing it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let path = path.with_file_name(format!(".{name}.partial"));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|why| Error::io("write", &path, why))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::io(
                    "write",
                    path,
                    std::io::Error::other("another process is fetching it"),
                ));
            }
            Err(TryLockError::Error(why)) => return Err(Error::io("lock", path, why)),
        }
        let mut partial = Self { path, file, length: 0, hasher: Sha256::new() };
        partial.hash_what_is_there()?;
        Ok(partial)
    }

    fn hash_what_is_there(&mut self) -> Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            match self.file.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    self.hasher.update(&piece[..count]);
                    self.length += count as u64;
                }
                Err(why) => return Err(Error::io("read", &self.path, why)),
            }
        }
    }

    /// Bytes so far.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Of the bytes so far.
    pub(super) fn sha256(&self) -> String {
        hexadecimal(&self.hasher.clone().finalize())
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|why| Error::io("write", &self.path, why))?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets all bytes.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn restart(&mut self) -> Result<()> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|why| Error::io("write", &self.path, why))?;
        (self.length, self.hasher) = (0, Sha256::new());
        Ok(())
    }

    /// Gives the file its name, once it is on disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn finish(self, path: &Path) -> Result<()> {
        let moved = self.file.sync_all().and_then(|()| std::fs::rename(&self.path, path));
        moved.map_err(|why| Error::io("write", path, why))
    }
}

/// An empty rest is no use to anyone.
impl Drop for Partial {
    fn drop(&mut self) {
        if self.length == 0 {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
