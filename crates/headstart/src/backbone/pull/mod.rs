//! Fetches published weights into the folder of pulled ones: what was begun is continued, and nothing counts as whole
//! before its SHA-256 was compared.

mod partial;
mod request;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use self::partial::Partial;
use self::request::{Client, Trouble};
use super::entries::Entry;
use super::published::{Published, note_of};
use crate::cache_folder::pulled_weights;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::sha256::sha256;
use crate::{regular, write_whole};

/// Tries one after the other that bring nothing, before it is given up.
const IDLE_TRIES: u32 = 4;
/// Tries in all.
const MOST_TRIES: u32 = 50;

/// Weights that are on this machine now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its whole SHA-256, in hexadecimal.
    pub sha256: String,
    /// Whether it was there before.
    pub was_there: bool,
}

/// How long to wait for a network.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For the next bytes.
    read: Duration,
    /// Before the second try; twice as long before each that follows.
    pause: Duration,
}

const PATIENCE: Patience = Patience { read: Duration::from_secs(30), pause: Duration::from_millis(500) };

/// Fetches the published weights of `entry` from their home, or from the mirror that the variable `HEADSTART_MIRROR`
/// names: an address under which the files lie under their names.
///
/// # Errors
/// [`Error::Usage`] where there is nothing to fetch or `source` is another; [`Error::Io`] with what the network or the disk
/// says; [`Error::Invalid`] for another file than the published one.
pub fn pull(entry: &Entry, source: Option<&str>, observer: &mut dyn Observer) -> Result<Pulled> {
    let published = entry.published().ok_or_else(|| {
        Error::Usage(format!(
            "{} is not published where it could be fetched: expected {}",
            entry.name,
            entry.how_to_get()
        ))
    })?;
    if let Some(other) = source.filter(|source| *source != published.source) {
        let expected = published.source;
        return Err(Error::Usage(format!("{} has no source {other:?}: expected {expected}", entry.name)));
    }
    let mirror = std::env::var("HEADSTART_MIRROR").ok().filter(|mirror| !mirror.is_empty());
    let published = match mirror {
        Some(mirror) => Published { address: mirrored(&mirror, published.file)?, ..published },
        None => published,
    };
    Order { published: &published, folder: &pulled_weights(), patience: PATIENCE }.fill(observer)
}

/// Where a mirror has a file.
fn mirrored(mirror: &str, file: &str) -> Result<String> {
    match mirror.starts_with("https://") || mirror.starts_with("http://") {
        true => Ok(format!("{}/{file}", mirror.trim_end_matches('/'))),
        false => {
            let expected = "expected an address that begins with https:// or http://";
            Err(Error::Usage(format!("HEADSTART_MIRROR: {expected}, found {mirror:?}")))
        }
    }
}

/// A file to fetch, and where to put it.
struct Order<'a> {
    published: &'a Published,
    folder: &'a Path,
    patience: Patience,
}

impl Order<'_> {
    fn fill(&self, observer: &mut dyn Observer) -> Result<Pulled> {
        std::fs::create_dir_all(self.folder).map_err(|why| Error::io("create", self.folder, why))?;
        let path = self.folder.join(self.published.file);
        if let Some(pulled) = self.already(&path, observer)? {
            return Ok(pulled);
        }
        let mut partial = Partial::open(&path)?;
        let sha256 = self.whole(&mut partial, observer)?;
        let bytes = partial.length();
        partial.finish(&path)?;
        self.note(&path, &sha256)?;
        Ok(Pulled { path, bytes, sha256, was_there: false })
    }

    /// The file that is there, if it is the published one.
    fn already(&self, path: &Path, observer: &mut dyn Observer) -> Result<Option<Pulled>> {
        if !path.exists() {
            return Ok(None);
        }
        let most = self.published.most_bytes;
        let read = regular::read(path, most).map_err(|why| Error::io("read", path, why));
        let checked = read.and_then(|bytes| {
            let sha256 = sha256(&bytes);
            self.published.check(path, &sha256).map(|()| (bytes.len() as u64, sha256))
        });
        match checked {
            Ok((bytes, sha256)) => {
                self.note(path, &sha256)?;
                Ok(Some(Pulled { path: path.into(), bytes, sha256, was_there: true }))
            }
            Err(why) => {
                observer.warn(&format!("{why}: it is fetched again"));
                // What was written down of it holds no more.
                let _ = std::fs::remove_file(note_of(path));
                Ok(None)
            }
        }
    }

    /// Writes down the whole SHA-256, as `sha256sum --check` reads it.
    fn note(&self, path: &Path, sha256: &str) -> Result<()> {
        write_whole(&note_of(path), format!("{sha256}  {}\n", self.published.file).as_bytes())
    }

    /// Fetches what is missing until the digest is right, and returns it.
    fn whole(&self, partial: &mut Partial, observer: &mut dyn Observer) -> Result<String> {
        let begun = partial.length() > 0;
        if begun && self.is_right(&partial.sha256()) {
            return Ok(partial.sha256());
        }
        self.fetch(partial, observer)?;
        if begun && !self.is_right(&partial.sha256()) {
            observer.warn("what an earlier try left does not fit: the file is fetched from its start");
            partial.restart()?;
            self.fetch(partial, observer)?;
        }
        let found = partial.sha256();
        if self.is_right(&found) {
            return Ok(found);
        }
        partial.restart()?;
        let expected = format!("a SHA-256 that begins with {}", self.published.pin);
        Err(Error::invalid(&self.published.address, expected, format!("{found}, so nothing of it was kept")))
    }

    fn is_right(&self, sha256: &str) -> bool {
        sha256.starts_with(self.published.pin)
    }

    /// Fetches the rest of the file, in as many tries as that takes.
    fn fetch(&self, partial: &mut Partial, observer: &mut dyn Observer) -> Result<()> {
        let client = Client::new(&self.published.address, self.patience.read);
        let mut idle = 0;
        for _ in 0..MOST_TRIES {
            let before = partial.length();
            let why = match client.continue_with(partial, self.published.most_bytes, observer) {
                Ok(()) => return Ok(()),
                Err(Trouble::Lasting(error)) => return Err(error),
                Err(Trouble::Passing(why)) => why,
            };
            idle = if partial.length() > before { 1 } else { idle + 1 };
            if idle >= IDLE_TRIES {
                return Err(self.given_up(&why, partial.length()));
            }
            std::thread::sleep(self.patience.pause * 2u32.pow(idle - 1));
        }
        Err(self.given_up("the connection ended again and again", partial.length()))
    }

    fn given_up(&self, why: &str, kept: u64) -> Error {
        let kept = match kept {
            0 => String::new(),
            bytes => format!(" after {bytes} bytes, with which the next try goes on"),
        };
        let (file, folder) = (self.published.file, self.folder.display());
        let why = format!("{why}{kept}; without a network put {file} into {folder}");
        Error::io("fetch", &self.published.address, std::io::Error::other(why))
    }
}
