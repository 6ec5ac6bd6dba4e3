//! Which images there are: rows of a table, files of a folder, or members of archives, cut into shards by position.

mod archive;
mod columnar;
mod listed;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use self::archive::{Archive, Archives};
use self::columnar::Columnar;
use self::listed::Listed;
use super::Shard;
use super::ahead::Take;
use super::remote::{self, Remote};
use super::source::{Row, Source};
use crate::dataset::files_in;
use crate::error::{Error, Result};
use crate::regular;
use crate::sha256::hexadecimal;

/// What a manifest may be.
const KINDS: &str = "a folder, a .csv, a .parquet, a .tar, or a .txt with a .tar on each line";

/// Images in a fixed order.
pub(super) struct Manifest {
    kind: Kind,
    /// SHA-256 of its file, or of the names in a folder or an archive.
    pub(super) digest: String,
}

enum Kind {
    Folder { folder: PathBuf, files: Vec<PathBuf> },
    Listed(Listed),
    Columnar(Columnar),
    Archive(Archive),
    Archives(Archives),
}

impl Manifest {
    /// Opens what `text` names, a path or a URI, and counts its rows. Images are not read.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no manifest; [`Error::Io`] when it cannot be read.
    pub(super) fn open(text: &str, remote: &Remote) -> Result<Self> {
        let path = Path::new(text);
        if !remote::is_uri(text) && path.is_dir() {
            return Self::of_folder(path);
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let base = Base::around(text);
        let (kind, digest) = match extension.as_str() {
            "csv" => Listed::open(opened(text, remote)?, path, base)
                .map(|(kind, digest)| (Kind::Listed(kind), digest)),
            "parquet" => Columnar::open(opened(text, remote)?, path, base)
                .map(|(kind, digest)| (Kind::Columnar(kind), digest)),
            "tar" => {
                Archive::open(opened(text, remote)?, path).map(|(kind, digest)| (Kind::Archive(kind), digest))
            }
            "txt" => Archives::open(opened(text, remote)?, path, base)
                .map(|(kind, digest)| (Kind::Archives(kind), digest)),
            _ => {
                let is_there = remote::is_uri(text) || path.exists();
                Err(Error::invalid(
                    path,
                    KINDS,
                    if is_there { "another kind of file" } else { "nothing there" },
                ))
            }
        }?;
        Ok(Self { kind, digest })
    }

    fn of_folder(folder: &Path) -> Result<Self> {
        let files = files_in(folder)?;
        if files.is_empty() {
            return Err(Error::invalid(folder, "a folder with images", "no file in it"));
        }
        let mut hash = Sha256::new();
        for file in &files {
            hash.update(name_in(folder, file)?);
            hash.update("\n");
        }
        let kind = Kind::Folder { folder: folder.to_path_buf(), files };
        Ok(Self { kind, digest: hexadecimal(&hash.finalize()) })
    }

    /// Number of images of a shard; `None` where that shows only in the archives.
    pub(super) fn count(&self, shard: Shard) -> Option<u64> {
        let total = match &self.kind {
            Kind::Folder { files, .. } => files.len() as u64,
            Kind::Listed(listed) => listed.rows,
            Kind::Columnar(columnar) => columnar.rows,
            Kind::Archive(archive) => archive.images,
            Kind::Archives(_) => return None,
        };
        let rows = shard.rows(total);
        Some(rows.end - rows.start)
    }

    /// Hands out the rows of a shard, in order, until `take` wants no more.
    ///
    /// # Errors
    /// What is wrong with the manifest, or an archive.
    pub(super) fn each(&self, shard: Shard, remote: &Remote, take: &mut Take<'_>) -> Result<()> {
        match &self.kind {
            Kind::Folder { folder, files } => {
                let rows = shard.rows(files.len() as u64);
                for file in &files[rows.start as usize..rows.end as usize] {
                    if !take(Row { path: name_in(folder, file)?, source: Source::File(file.clone()) }) {
                        break;
                    }
                }
                Ok(())
            }
            Kind::Listed(listed) => listed.each(shard, take),
            Kind::Columnar(columnar) => columnar.each(shard, take),
            Kind::Archive(archive) => archive.each(shard, take),
            Kind::Archives(archives) => archives.each(shard, remote, take),
        }
    }
}

/// A file's path within a folder, with `/`.
fn name_in(folder: &Path, file: &Path) -> Result<String> {
    let parts: Option<Vec<&str>> =
        file.strip_prefix(folder).unwrap_or(file).iter().map(|part| part.to_str()).collect();
    let unreadable =
        || Error::invalid(file, "a name in UTF-8", "other bytes: rename it, for example with convmv");
    parts.map(|parts| parts.join("/")).ok_or_else(unreadable)
}

/// A file to read, whether it is here or has to be fetched.
fn opened(text: &str, remote: &Remote) -> Result<File> {
    if !remote::is_uri(text) {
        return regular::open(Path::new(text)).map_err(|why| Error::io("read", text, why));
    }
    remote::check(text)?;
    remote.download(text)?.ok_or_else(|| Error::invalid(text, KINDS, "nothing there"))
}

/// What the paths of a manifest are relative to.
#[derive(Debug, Clone)]
enum Base {
    Folder(PathBuf),
    Uri(String),
}

impl Base {
    /// The folder, or the place in a store, where the manifest lies.
    fn around(manifest: &str) -> Self {
        match remote::is_uri(manifest) {
            true => Self::Uri(manifest.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned()),
            false => Self::Folder(Path::new(manifest).parent().unwrap_or(Path::new("")).to_path_buf()),
        }
    }

    /// Where an image of the path lies.
    fn source(&self, path: &str) -> Result<Source> {
        let place = self.place(path);
        if !remote::is_uri(&place) {
            return Ok(Source::File(place.into()));
        }
        remote::check(&place)?;
        Ok(Source::Object(place))
    }

    fn place(&self, path: &str) -> String {
        match self {
            _ if remote::is_uri(path) => path.to_owned(),
            Self::Folder(folder) => folder.join(path).to_string_lossy().into_owned(),
            Self::Uri(uri) => remote::below(uri, path),
        }
    }
}

/// Reads, and keeps the SHA-256 of what was read.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// Of all that was read, in hexadecimal.
    fn digest(self) -> String {
        hexadecimal(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
