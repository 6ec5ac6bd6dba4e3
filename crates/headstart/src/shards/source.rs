//! Where the bytes of an image come from, and what it means when they do not.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::remote::Remote;
use crate::error::Error;
use crate::image::Limits;
use crate::regular;

/// How often a reading that may work another time is tried, with a longer wait after each.
const TRIES: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// One row of a manifest.
#[derive(Debug)]
pub(super) struct Row {
    /// As the manifest has it.
    pub(super) path: String,
    pub(super) source: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    /// A URI in an object store.
    Object(String),
    /// From an archive, which was read already.
    Bytes(Vec<u8>),
    /// In an archive, and not to be used.
    Unreadable(String),
}

impl Source {
    /// The image's bytes.
    ///
    /// # Errors
    /// Why not, after several tries where another try may help: [`may_pass`] tells.
    pub(super) fn read(self, remote: &Remote) -> io::Result<Vec<u8>> {
        let most = Limits::default().max_bytes;
        match self {
            Self::File(path) => patiently(|| regular::read(&path, most)),
            // The store tries again by itself.
            Self::Object(uri) => remote.read(&uri, most),
            Self::Bytes(bytes) => Ok(bytes),
            Self::Unreadable(why) => Err(io::Error::new(ErrorKind::InvalidData, why)),
        }
    }
}

fn patiently<T>(read: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match read() {
            Err(why) if may_pass(&why) => thread::sleep(wait),
            done => return done,
        }
        wait *= 4;
    }
    read()
}

/// Whether the same work may succeed when it is tried again, because the trouble is with a disk or a network for now.
pub fn is_temporary(error: &Error) -> bool {
    match error {
        Error::Io { source, .. } => may_pass(source),
        // Somebody may be at work on them.
        Error::Incomplete { .. } => true,
        Error::Invalid { .. }
        | Error::Setting { .. }
        | Error::Device { .. }
        | Error::Usage(_)
        | Error::Interrupted => false,
    }
}

/// The same of what the system says. What it says of a file itself stays.
pub(super) fn may_pass(why: &io::Error) -> bool {
    !matches!(
        why.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::AlreadyExists
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidData
            | ErrorKind::InvalidFilename
            | ErrorKind::UnexpectedEof
            | ErrorKind::Unsupported
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::Other
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_the_rest_is_not() {
        let tries = Cell::new(0);
        let reading = |kind: ErrorKind, works_at: u32| {
            tries.set(0);
            patiently(|| {
                tries.set(tries.get() + 1);
                if tries.get() == works_at { Ok(()) } else { Err(kind.into()) }
            })
        };
        assert!(reading(ErrorKind::TimedOut, 2).is_ok() && tries.get() == 2);
        assert!(reading(ErrorKind::NotFound, 2).is_err() && tries.get() == 1);
        assert!(reading(ErrorKind::StaleNetworkFileHandle, 9).is_err() && tries.get() == TRIES);
    }

    #[test]
    fn a_full_disk_may_be_empty_later_and_a_wrong_file_stays_wrong() {
        // EIO and ENOSPC.
        for code in [5, 28] {
            assert!(is_temporary(&Error::io("write", "x", io::Error::from_raw_os_error(code))), "{code}");
        }
        for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied] {
            assert!(!is_temporary(&Error::io("read", "x", kind.into())));
        }
        assert!(!is_temporary(&Error::invalid("x", "a", "b")) && !is_temporary(&Error::Interrupted));
    }
}
