//! Where parts lie: a folder, or a place in an object store. A file is there whole or not at all.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, PersistError};

use super::remote::{self, Remote};
use crate::error::{Error, Result};

/// How files that are still being written are called.
const UNFINISHED: [&str; 2] = [".unfinished-", ".tmp"];

/// A folder, or a place in an object store.
pub(super) enum Place<'a> {
    Folder(PathBuf),
    Store(String, &'a Remote),
}

impl<'a> Place<'a> {
    /// # Errors
    /// A URI in a build that reaches none.
    pub(super) fn new(place: &str, remote: &'a Remote) -> Result<Self> {
        if !remote::is_uri(place) {
            return Ok(Self::Folder(place.into()));
        }
        remote::check(place)?;
        Ok(Self::Store(place.to_owned(), remote))
    }

    /// What a file there is called in errors.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Store(uri, _) => remote::below(uri, name).into(),
        }
    }

    /// Opens a file; `None` where there is none.
    pub(super) fn open(&self, name: &str) -> Result<Option<File>> {
        match self {
            Self::Folder(_) => match File::open(self.path(name)) {
                Ok(file) => Ok(Some(file)),
                Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
                Err(why) => Err(Error::io("read", self.path(name), why)),
            },
            Self::Store(uri, remote) => remote.download(&remote::below(uri, name)),
        }
    }

    /// Names of all files.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        match self {
            Self::Folder(folder) => {
                let unreadable = |why| Error::io("read the folder", folder, why);
                let name = |entry: std::io::Result<fs::DirEntry>| {
                    Ok(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned())
                };
                fs::read_dir(folder).map_err(unreadable)?.map(name).collect()
            }
            Self::Store(uri, remote) => remote.names(uri),
        }
    }

    /// A file to write, which vanishes unless [`Place::keep`] or [`Place::replace`] gives it a name.
    pub(super) fn begin(&self) -> Result<NamedTempFile> {
        match self {
            Self::Folder(folder) => {
                fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
                readable().tempfile_in(folder).map_err(|why| Error::io("create a file in", folder, why))
            }
            Self::Store(..) => {
                let folder = std::env::temp_dir();
                Builder::new().tempfile().map_err(|why| Error::io("create a file in", folder, why))
            }
        }
    }

    /// Names a written file, unless another has the name already. Returns whether it got it.
    pub(super) fn keep(&self, file: NamedTempFile, name: &str) -> Result<bool> {
        let path = self.path(name);
        sync(&file, &path)?;
        match self {
            Self::Folder(_) => match file.persist_noclobber(&path) {
                Ok(_) => Ok(true),
                Err(_) if path.exists() => Ok(false),
                Err(PersistError { error, .. }) => Err(Error::io("write", path, error)),
            },
            Self::Store(uri, remote) => remote.upload(file.path(), &remote::below(uri, name), false),
        }
    }

    /// Names a written file, in place of what has the name.
    pub(super) fn replace(&self, file: NamedTempFile, name: &str) -> Result<()> {
        let path = self.path(name);
        sync(&file, &path)?;
        match self {
            Self::Folder(_) => {
                file.persist(&path).map(drop).map_err(|failed| Error::io("write", path, failed.error))
            }
            Self::Store(uri, remote) => remote.upload(file.path(), &remote::below(uri, name), true).map(drop),
        }
    }

    /// Removes what processes left that were killed while they wrote.
    pub(super) fn clear(&self) -> Result<()> {
        let Self::Folder(folder) = self else { return Ok(()) };
        let [start, end] = UNFINISHED;
        for name in self.names()?.iter().filter(|name| name.starts_with(start) && name.ends_with(end)) {
            // It may be gone by now, and nothing hangs on it.
            let _ = fs::remove_file(folder.join(name));
        }
        Ok(())
    }
}

fn sync(file: &NamedTempFile, path: &Path) -> Result<()> {
    file.as_file().sync_all().map_err(|why| Error::io("write", path, why))
}

/// As any other file is made: temporary ones are else for nobody but their owner.
fn readable() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    let [start, end] = UNFINISHED;
    builder.prefix(start).suffix(end);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all_and_the_first_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place::Folder(folder.path().join("new"));
        let written = |text: &[u8]| {
            let mut file = place.begin().expect("begins");
            file.write_all(text).expect("writes");
            file
        };
        assert!(place.keep(written(b"first"), "x").expect("keeps"));
        assert!(!place.keep(written(b"second"), "x").expect("finds the first"));
        assert_eq!(fs::read(place.path("x")).expect("reads"), b"first");
        place.replace(written(b"third"), "x").expect("replaces");
        assert_eq!(fs::read(place.path("x")).expect("reads"), b"third");
        drop(written(b"fourth"));
        // As a killed process leaves it.
        written(b"fifth").keep().expect("keeps");
        assert_eq!(place.names().expect("names").len(), 2);
        place.clear().expect("clears");
        assert_eq!(place.names().expect("names"), ["x"]);
        assert!(place.open("y").expect("looks").is_none());
    }

    #[cfg(not(feature = "cloud"))]
    #[test]
    fn a_uri_needs_a_build_that_reaches_it() {
        let found = Place::new("s3://bucket/out", &Remote).err().expect("no store").to_string();
        assert_eq!(
            found,
            "s3://bucket/out: this build of headstart reaches no object store; one with `--features cloud` does"
        );
    }
}
