//! Images in tar archives, such as those of WebDataset: one archive, which is cut by its images, or a list of archives, which
//! is cut by whole ones.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::super::Shard;
use super::super::ahead::Take;
use super::super::remote::Remote;
use super::super::source::{Row, Source};
use super::{Base, Hashing, opened};
use crate::error::{Error, Result};
use crate::image::Limits;
use crate::sha256::hexadecimal;

/// Names of images end so. What else an archive holds belongs to them, such as WebDataset's classes.
const IMAGES: [&str; 9] = ["jpg", "jpeg", "png", "tif", "tiff", "bmp", "webp", "dcm", "dicom"];
/// Bytes of a block of a tar.
const BLOCK: u64 = 512;
/// Bytes of a list of archives at most.
const MOST: u64 = 256 << 20;

/// One archive.
pub(super) struct Archive {
    file: File,
    name: PathBuf,
    pub(super) images: u64,
}

impl Archive {
    /// Counts the images; also returns the SHA-256 of their names and sizes.
    pub(super) fn open(file: File, name: &Path) -> Result<(Self, String)> {
        let (mut hash, mut images) = (Sha256::new(), 0);
        let mut count = |member: Member<'_, &File>| {
            hash.update(format!("{} {}\n", member.path, member.entry.size()));
            images += 1;
            Ok(true)
        };
        let length = length(&file, name)?;
        let mut archive = tar::Archive::new(rewound(&file, name)?);
        members(archive.entries_with_seek(), (name, length), &mut count)?;
        if images == 0 {
            let expected = format!("images: files whose names end with .{}", IMAGES.join(", ."));
            return Err(Error::invalid(name, expected, "none"));
        }
        Ok((Self { file, name: name.to_path_buf(), images }, hexadecimal(&hash.finalize())))
    }

    pub(super) fn each(&self, shard: Shard, take: &mut Take<'_>) -> Result<()> {
        let (rows, mut number) = (shard.rows(self.images), 0);
        let mut hand_out = |member: Member<'_, &File>| {
            number += 1;
            match number {
                _ if number > rows.end => Ok(false),
                _ if number <= rows.start => Ok(true),
                _ => Ok(take(member.row(&shown(&self.name)))),
            }
        };
        let length = length(&self.file, &self.name)?;
        let mut archive = tar::Archive::new(rewound(&self.file, &self.name)?);
        members(archive.entries_with_seek(), (&self.name, length), &mut hand_out)
    }
}

/// Several archives.
pub(super) struct Archives {
    base: Base,
    listed: Vec<String>,
}

impl Archives {
    /// Reads the list; also returns the SHA-256 of its file. The archives are not opened.
    pub(super) fn open(file: File, name: &Path, base: Base) -> Result<(Self, String)> {
        let mut hashing = Hashing::new(file.take(MOST));
        let mut text = String::new();
        hashing.read_to_string(&mut text).map_err(|why| Error::io("read", name, why))?;
        let listed: Vec<String> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if let Some(other) = listed.iter().find(|line| !line.to_lowercase().ends_with(".tar")) {
            return Err(Error::invalid(name, "the name of a .tar on each line", other));
        }
        match listed.is_empty() {
            true => Err(Error::invalid(name, "the name of a .tar on each line", "no line")),
            false => Ok((Self { base, listed }, hashing.digest())),
        }
    }

    pub(super) fn each(&self, shard: Shard, remote: &Remote, take: &mut Take<'_>) -> Result<()> {
        let wanted = shard.rows(self.listed.len() as u64);
        let mut is_wanted = true;
        for listed in &self.listed[wanted.start as usize..wanted.end as usize] {
            if !is_wanted {
                break;
            }
            let place = self.base.place(listed);
            let file = opened(&place, remote)?;
            let length = length(&file, Path::new(&place))?;
            let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 20, file));
            members(archive.entries(), (Path::new(&place), length), &mut |member| {
                is_wanted = take(member.row(listed));
                Ok(is_wanted)
            })?;
        }
        Ok(())
    }
}

/// An image in an archive.
struct Member<'a, R: Read> {
    path: String,
    entry: tar::Entry<'a, R>,
}

impl<R: Read> Member<'_, R> {
    /// Its row, with its bytes.
    fn row(mut self, archive: &str) -> Row {
        let most = Limits::default().max_bytes;
        let path = format!("{archive}/{}", self.path);
        if self.entry.size() > most {
            let why = format!("it has {} bytes, at most {most} are read", self.entry.size());
            return Row { path, source: Source::Unreadable(why) };
        }
        let mut bytes = Vec::with_capacity(self.entry.size() as usize);
        let source = match self.entry.read_to_end(&mut bytes) {
            Ok(read) if (read as u64) < self.entry.size() => {
                Source::Unreadable("the archive ends within it".into())
            }
            Ok(_) => Source::Bytes(bytes),
            Err(why) => Source::Unreadable(why.to_string()),
        };
        Row { path, source }
    }
}

/// Shows `look` all images of an archive of so many bytes until it says that it wants no more.
fn members<'a, R: Read + 'a>(
    entries: std::io::Result<tar::Entries<'a, R>>,
    (name, length): (&Path, u64),
    look: &mut dyn FnMut(Member<'a, R>) -> Result<bool>,
) -> Result<()> {
    let damaged = |why: std::io::Error| match super::super::source::may_pass(&why) {
        true => Error::io("read", name, why),
        false => Error::invalid(name, "a tar archive", why.to_string()),
    };
    let mut end = 0;
    for entry in entries.map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
        let path = entry.path().map_err(damaged)?.to_string_lossy().replace('\\', "/");
        if entry.header().entry_type().is_file() && is_image(&path) && !look(Member { path, entry })? {
            return Ok(());
        }
    }
    // An archive ends with an empty block. One that was cut off between two files would else be a shorter one.
    match length >= end + BLOCK {
        true => Ok(()),
        false => Err(Error::invalid(name, "a whole tar archive", "one that was cut off")),
    }
}

/// Whether a name is one of an image, and not of what systems leave behind.
fn is_image(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    !name.starts_with('.') && extension.is_some_and(|extension| IMAGES.contains(&extension.as_str()))
}

fn length(file: &File, name: &Path) -> Result<u64> {
    file.metadata().map(|found| found.len()).map_err(|why| Error::io("read", name, why))
}

fn rewound<'a>(mut file: &'a File, name: &Path) -> Result<&'a File> {
    file.seek(SeekFrom::Start(0)).map_err(|why| Error::io("read", name, why))?;
    Ok(file)
}

/// An archive's own name: where it lies makes no difference to the table.
fn shown(name: &Path) -> String {
    name.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
