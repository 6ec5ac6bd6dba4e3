//! A file that is there whole or not at all: it is written under a temporary name beside its place, and then moved there.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use tempfile::Builder;

use crate::error::{Error, Result};

/// Writes `content` to `path`.
///
/// # Errors
/// [`Error::Io`], with nothing left behind and what was there before untouched.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
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
    let name = path.file_name().map(|name| format!(".{}.", name.to_string_lossy())).unwrap_or_default();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = Builder::new();
    builder.prefix(&name).suffix(".tmp");
    // A temporary file is private unless told otherwise; the result shall be as any other new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(folder).map_err(failed)?;
    write(BufWriter::new(temporary.as_file()))?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(path).map_err(|why| failed(why.error))?;
    Ok(())
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

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |name: &str| {
            let found = std::fs::metadata(folder.path().join(name)).expect("is there");
            found.permissions().mode()
        };
        File::create(folder.path().join("plain")).expect("creates");
        write_whole(&folder.path().join("whole"), b"").expect("writes");
        assert_eq!(mode("whole"), mode("plain"));
    }
}
