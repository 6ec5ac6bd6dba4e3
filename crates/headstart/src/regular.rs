//! Reading files that a user names: regular ones only, and no more of them than expected. A pipe would block without an
//! end, and a device may have none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a file to read, if it is one.
///
/// # Errors
/// What the system says, or that it is a folder, a pipe or a device.
pub fn open(path: &Path) -> io::Result<File> {
    // Before it is opened, which may block, or do something to a device; and after, when it cannot change any more.
    check(&fs::metadata(path)?)?;
    let file = without_waiting(OpenOptions::new().read(true)).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// The bytes of a file that has at most `most`.
///
/// # Errors
/// As [`open`], and for a longer file, of which nothing is read.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(most)).unwrap_or_default());
    if length <= most {
        // One more than the limit: the file may grow meanwhile.
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    }
    match length > most || bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it has {length} bytes, at most {most} are read"))),
        false => Ok(bytes),
    }
}

/// The text of a file that has at most `most` bytes.
///
/// # Errors
/// As [`read`], and for a file that is no text in UTF-8.
pub fn read_to_string(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?).map_err(|_| io::Error::other("it is no text in UTF-8"))
}

fn check(found: &fs::Metadata) -> io::Result<()> {
    match found {
        found if found.is_file() => Ok(()),
        found if found.is_dir() => Err(io::Error::other("it is a folder")),
        _ => Err(io::Error::other("it is a pipe, a device or a socket, and no regular file")),
    }
}

#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
}

#[cfg(not(unix))]
fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        fs::write(&path, "abc").expect("writes");
        assert_eq!(read(&path, 3).expect("short enough"), b"abc");
        assert_eq!(read(&path, 2).expect_err("too long").to_string(), "it has 3 bytes, at most 2 are read");
        assert_eq!(read(folder.path(), 9).expect_err("a folder").to_string(), "it is a folder");
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there");
        assert!(made.success());
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let why = read(path, 9).expect_err("no file").to_string();
            assert_eq!(why, "it is a pipe, a device or a socket, and no regular file");
        }
    }
}
