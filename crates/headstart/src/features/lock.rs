//! Waiting for a file that another program has locked, without getting deaf to Ctrl-C.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};

/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Locks `file`, which lies at `path`, against other programs; it stays locked while it is open.
///
/// # Errors
/// [`Error::Interrupted`] when `stop` says so before the file is free, and what the system says.
pub(crate) fn wait(file: &File, path: &Path, stop: &dyn Fn() -> bool) -> Result<()> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if stop() => return Err(Error::Interrupted),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(why)) => return Err(Error::io("lock", path, why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn waiting_ends_when_it_is_asked_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        let held = File::create(&path).expect("creates");
        held.lock().expect("locks");
        let (other, asked) = (File::open(&path).expect("opens"), Cell::new(0));
        let stop = || asked.replace(asked.get() + 1) == 2;
        assert!(matches!(wait(&other, &path, &stop), Err(Error::Interrupted)));
        drop(held);
        wait(&other, &path, &|| true).expect("it is free");
    }
}
