//! A file that is there whole or not at all: it is written under a temporary name beside its place, and then moved there.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes `content` to `path`, whole or not at all: under a temporary name beside it, and then moved there.
///
/// # Errors
/// [`Error::Io`], with nothing left behind and what was there before untouched.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    replace(path, |mut file| file.write_all(content).map_err(|why| Error::io("write", path, why)))
}

/// Lets `write` write what is to be at `path`. What is there and is no regular file, such as a pipe, is written as it is.
///
/// # Errors
/// Those of `write`, and [`Error::Io`], with nothing left behind and what was there before untouched.
pub(crate) fn replace(path: &Path, write: impl FnOnce(BufWriter<&File>) -> Result<()>) -> Result<()> {
    let failed = |why| Error::io("write", path, why);
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return write(BufWriter::new(&File::create(path).map_err(failed)?));
    }
    let temporary = unfinished(path);
    let file = File::create(&temporary).map_err(failed)?;
    let written = write(BufWriter::new(&file))
        .and_then(|()| file.sync_all().and_then(|()| std::fs::rename(&temporary, path)).map_err(failed));
    written.inspect_err(|_| _ = std::fs::remove_file(&temporary))
}

/// The hidden name of a file while it is written. It is always the same, so that what a kill left behind is replaced when
/// the work is done again.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let files = std::fs::read_dir(folder).expect("a folder");
        files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.json");
        write_whole(&path, b"old").expect("writes");
        write_whole(&path, b"new").expect("writes");
        assert_eq!(std::fs::read(&path).expect("reads"), b"new");
        assert_eq!(names(folder.path()), ["metrics.json"]);
    }

    #[test]
    fn what_was_there_stays_when_writing_fails() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("split.csv");
        write_whole(&path, b"old").expect("writes");
        let failed = replace(&path, |mut file| {
            file.write_all(b"half").expect("writes");
            Err(Error::Interrupted)
        });
        assert!(matches!(failed, Err(Error::Interrupted)));
        assert_eq!(std::fs::read(&path).expect("reads"), b"old");
        assert_eq!(names(folder.path()), ["split.csv"]);
        let nowhere = write_whole(&folder.path().join("none/file"), b"").expect_err("no such folder");
        assert!(nowhere.to_string().contains("none/file"), "{nowhere}");
    }

    #[test]
    fn what_a_kill_left_behind_is_replaced_and_a_user_s_file_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.onnx");
        std::fs::write(unfinished(&path), b"half").expect("writes");
        std::fs::write(folder.path().join("model.tmp"), b"mine").expect("writes");
        write_whole(&path, b"whole").expect("writes");
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, ["model.onnx", "model.tmp"]);
    }
}
