//! How many rows came to what.

use super::record::Status;

/// Rows by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Used.
    pub ok: u64,
    /// Read, and no usable images.
    pub unusable: u64,
    /// Not to be read.
    pub unreadable: u64,
}

impl Counts {
    pub(super) fn add(&mut self, status: Status) {
        match status {
            Status::Ok => self.ok += 1,
            Status::Unusable => self.unusable += 1,
            Status::Unreadable => self.unreadable += 1,
        }
    }

    /// All rows.
    pub fn all(&self) -> u64 {
        self.ok + self.unusable + self.unreadable
    }
}
