//! Builds without the feature `cloud`: a URI gets one clear sentence.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::{Error, Result};

/// No store.
#[derive(Debug)]
pub(in crate::shards) struct Remote;

/// Says that this build reaches no object store.
pub(in crate::shards) fn check(uri: &str) -> Result<()> {
    Err(unavailable(uri))
}

fn unavailable(uri: &str) -> Error {
    Error::Usage(format!(
        "{uri}: this build of headstart reaches no object store; one with `--features cloud` does"
    ))
}

impl Remote {
    pub(in crate::shards) fn new() -> Self {
        Self
    }

    pub(in crate::shards) fn read(&self, uri: &str, _most: u64) -> io::Result<Vec<u8>> {
        Err(io::Error::new(ErrorKind::Unsupported, unavailable(uri).to_string()))
    }

    pub(in crate::shards) fn download(&self, uri: &str) -> Result<Option<File>> {
        Err(unavailable(uri))
    }

    pub(in crate::shards) fn upload(&self, _file: &Path, uri: &str, _replace: bool) -> Result<bool> {
        Err(unavailable(uri))
    }

    pub(in crate::shards) fn names(&self, uri: &str) -> Result<Vec<String>> {
        Err(unavailable(uri))
    }
}
