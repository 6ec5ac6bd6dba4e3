//! The library's error: every message names the thing, what was expected and what was found.

use std::path::{Path, PathBuf};

use crate::visible::visible;

/// A [`std::result::Result`] with this library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. `Display` is what a user reads.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused something.
    #[error("cannot {action} {}: {source}", shown(path))]
    Io {
        /// What was tried, as a verb: "read", "create".
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file or folder is not what it has to be.
    #[error("{}: expected {expected}, found {found}", shown(path))]
    Invalid {
        /// The offending file or folder.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// The setting's name, as the library calls it: `image_size`.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Settings do not go together, or one is unknown.
    #[error("{0}")]
    Usage(String),
    /// The machine has no such device, or its driver refuses.
    #[error("device {device}: {why}")]
    Device {
        /// As the setting names it: `vulkan`.
        device: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Parts of a table are not there yet.
    #[error("{}: expected the parts of {expected} shards, found none of {missing}", shown(path))]
    Incomplete {
        /// Where they should be.
        path: PathBuf,
        /// How many there should be.
        expected: u64,
        /// Which are not there.
        missing: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Wraps an I/O error with what was tried, and where.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_path_buf(), source }
    }

    /// A setting has a value that it cannot have.
    pub fn setting(name: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Setting { name, expected: expected.into(), found: found.into() }
    }

    /// A file or folder is not what it has to be.
    pub fn invalid(path: impl AsRef<Path>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Invalid { path: path.as_ref().to_path_buf(), expected: expected.into(), found: found.into() }
    }
}

/// A file may be called anything.
fn shown(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}
