//! One labelled image, and how its pixels are reached.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::Split;
use super::listing::Listing;
use crate::error::{Error, Result};
use crate::image::{Coding, DecodeError, Format, Image, Limits, decode};
use crate::regular;

/// SHA-256 of an image's bytes: two images with the same digest have the same features.
pub type Digest = [u8; 32];

/// One labelled image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Index of its class.
    pub label: usize,
    /// Its split; `None` while the data has none and none is cut.
    pub split: Option<Split>,
    /// Images that belong together, such as one patient's; `None` when it stands alone.
    pub group: Option<Arc<str>>,
    source: Source,
}

/// Where the path and the pixels are. Small, because a CSV may have a million rows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    File(Box<Named>),
    /// A file that a row of a CSV names.
    Listed {
        listing: Arc<Listing>,
        row: u32,
    },
    Pixels(Box<Slice>),
}

/// A file that [`decode`] reads, and what users see of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    path: String,
    file: PathBuf,
}

/// An image in an array that the images of a split share.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slice {
    path: String,
    array: Arc<Array>,
    at: Range<usize>,
}

/// A source, resolved.
enum Place<'a> {
    File(Cow<'a, Path>),
    Pixels(&'a Array, &'a Range<usize>),
}

/// Images of one size, one after the other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Array {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1 or 3.
    pub(super) channels: usize,
    /// `[N, height, width, channels]`
    pub(super) bytes: Vec<u8>,
}

impl Array {
    pub(super) fn image_bytes(&self) -> usize {
        self.width * self.height * self.channels
    }
}

/// What a sample turns out to be when it is opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Length of the file; pixels in an array have none.
    pub(crate) bytes: Option<u64>,
    /// What its first bytes tell; pixels in an array have no format.
    pub(crate) format: Option<Format>,
    /// What a JPEG's headers tell.
    pub(crate) coding: Option<Coding>,
    /// [`Sample::content_hash`], unless the file cannot be read.
    pub(crate) content: Option<Digest>,
    /// The picture.
    pub(crate) image: Result<Image, Unusable>,
}

/// Why a sample cannot be used. `Display` is what a user reads after `set aside: PATH:`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// The file system refuses it.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is no whole image within the limits.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
}

impl Sample {
    pub(super) fn file(
        path: String,
        file: PathBuf,
        label: usize,
        split: Option<Split>,
        group: Option<String>,
    ) -> Self {
        let source = Source::File(Box::new(Named { path, file }));
        Self { label, split, group: group.map(Into::into), source }
    }

    /// An image file of which nothing else is known, for computing its features.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a path that is no UTF-8.
    pub fn unlabelled(file: PathBuf) -> Result<Self> {
        let path = file.to_str().ok_or_else(|| Error::invalid(&file, "a name in UTF-8", "other bytes"))?;
        Ok(Self::file(path.to_string(), file, 0, None, None))
    }

    /// What a row of a CSV names.
    pub(super) fn listed(
        (listing, row): (&Arc<Listing>, u32),
        label: usize,
        split: Option<Split>,
        group: Option<Arc<str>>,
    ) -> Self {
        Self { label, split, group, source: Source::Listed { listing: Arc::clone(listing), row } }
    }

    pub(super) fn pixels(path: String, array: &Arc<Array>, index: usize, label: usize, split: Split) -> Self {
        let length = array.image_bytes();
        let at = index * length..(index + 1) * length;
        let source = Source::Pixels(Box::new(Slice { path, array: Arc::clone(array), at }));
        Self { label, split: Some(split), group: None, source }
    }

    /// As users see it: relative to the data, with `/`.
    pub fn path(&self) -> &str {
        match &self.source {
            Source::File(named) => &named.path,
            Source::Listed { listing, row } => listing.path(*row),
            Source::Pixels(slice) => &slice.path,
        }
    }

    /// The folder that the CSV which names it says its path is relative to.
    pub(super) fn listed_folder(&self) -> Option<&Path> {
        match &self.source {
            Source::Listed { listing, .. } => Some(listing.folder()),
            Source::File(_) | Source::Pixels(_) => None,
        }
    }

    /// What else a CSV says of it: name and value of each further column.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let listed = match &self.source {
            Source::Listed { listing, row } => Some(listing.attributes(*row)),
            Source::File(_) | Source::Pixels(_) => None,
        };
        listed.into_iter().flatten()
    }

    /// Where its pixels are: in a file or in an array.
    fn place(&self) -> Place<'_> {
        match &self.source {
            Source::File(named) => Place::File(Cow::Borrowed(&named.file)),
            Source::Listed { listing, row } => Place::File(Cow::Owned(listing.file(*row))),
            Source::Pixels(slice) => Place::Pixels(&slice.array, &slice.at),
        }
    }

    /// Whether it may be trained with: not held out.
    pub(crate) fn is_trainable(&self) -> bool {
        matches!(self.split, None | Some(Split::Train))
    }

    /// Decodes it.
    ///
    /// # Errors
    /// Why it cannot be used, for `set aside: PATH: WHY`.
    pub fn read(&self, limits: &Limits) -> Result<Image, String> {
        self.read_with_hash(limits).map(|(image, _)| image)
    }

    /// Decodes it, and hashes the same bytes, read once.
    ///
    /// # Errors
    /// Why it cannot be used, for `set aside: PATH: WHY`.
    pub fn read_with_hash(&self, limits: &Limits) -> Result<(Image, Digest), String> {
        match self.place() {
            Place::File(file) => {
                let bytes = read_file(&file, limits).map_err(|why| why.to_string())?;
                let image = decode(&bytes, limits).map_err(|why| why.to_string())?;
                Ok((image, Sha256::digest(&bytes).into()))
            }
            Place::Pixels(array, at) => Ok((picture(array, at), hash_pixels(array, at))),
        }
    }

    /// Everything that one look at it tells, whether or not it can be used.
    pub(crate) fn open(&self, limits: &Limits) -> Opened {
        let file = match self.place() {
            Place::File(file) => file,
            Place::Pixels(array, at) => {
                let (image, content) = (Ok(picture(array, at)), Some(hash_pixels(array, at)));
                return Opened { bytes: None, format: None, coding: None, content, image };
            }
        };
        match read_file(&file, limits) {
            Ok(bytes) => Opened {
                bytes: Some(bytes.len() as u64),
                format: Format::of(&bytes),
                coding: Coding::of(&bytes),
                content: Some(Sha256::digest(&bytes).into()),
                image: decode(&bytes, limits).map_err(Unusable::from),
            },
            Err(why) => Opened { bytes: None, format: None, coding: None, content: None, image: Err(why) },
        }
    }

    /// The bytes that its content is: of the file, or of the pixels in an array.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, or is longer than an image may be.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        match self.place() {
            Place::File(file) => {
                let bytes = regular::read(&file, Limits::default().max_bytes);
                bytes.map(Cow::Owned).map_err(|why| Error::io("read", &file, why))
            }
            Place::Pixels(array, at) => Ok(Cow::Borrowed(&array.bytes[at.clone()])),
        }
    }

    /// SHA-256 of its content. Pixels in an array are hashed with their shape.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read.
    pub fn content_hash(&self) -> Result<Digest> {
        match self.place() {
            Place::File(_) => Ok(Sha256::digest(self.bytes()?).into()),
            Place::Pixels(array, at) => Ok(hash_pixels(array, at)),
        }
    }
}

/// A file's bytes, unless there are too many.
fn read_file(file: &Path, limits: &Limits) -> Result<Vec<u8>, Unusable> {
    let opened = regular::open(file).map_err(Unusable::Unreadable)?;
    limits.check_bytes(opened.metadata().map_err(Unusable::Unreadable)?.len())?;
    let mut bytes = Vec::new();
    // One more than the limit, so that `decode` refuses a file that grew meanwhile.
    let mut opened = opened.take(limits.max_bytes.saturating_add(1));
    opened.read_to_end(&mut bytes).map_err(Unusable::Unreadable)?;
    Ok(bytes)
}

fn picture(array: &Array, at: &Range<usize>) -> Image {
    let bytes = &array.bytes[at.clone()];
    match array.channels {
        1 => Image::from_grey8(array.width, array.height, bytes),
        _ => Image::from_rgb8(array.width, array.height, bytes.to_vec()),
    }
}

fn hash_pixels(array: &Array, at: &Range<usize>) -> Digest {
    let mut hash = Sha256::new();
    for side in [array.height, array.width, array.channels] {
        hash.update((side as u64).to_le_bytes());
    }
    hash.update(&array.bytes[at.clone()]);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_of_an_array_are_its_slices() {
        let array = Array { width: 2, height: 1, channels: 1, bytes: vec![1, 2, 3, 4] };
        let second = Sample::pixels("test/000001".into(), &Arc::new(array), 1, 0, Split::Test);
        assert_eq!(second.read(&Limits::default()), Ok(Image::from_grey8(2, 1, &[3, 4])));
        assert_eq!(second.bytes().expect("in memory").as_ref(), [3, 4]);
    }

    #[test]
    fn the_shape_is_part_of_the_content() {
        let sample = |width, height| {
            let array = Arc::new(Array { width, height, channels: 1, bytes: vec![1, 2] });
            Sample::pixels("train/000000".into(), &array, 0, 0, Split::Train)
                .content_hash()
                .expect("in memory")
        };
        assert_ne!(sample(2, 1), sample(1, 2));
    }

    #[test]
    fn a_file_that_cannot_be_used_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = Limits { max_bytes: 8, ..Limits::default() };
        let read = |name: &str| {
            Sample::file(name.into(), folder.path().join(name), 0, None, None)
                .read(&limits)
                .expect_err("unusable")
        };
        std::fs::write(folder.path().join("empty.png"), b"").expect("writes");
        std::fs::write(folder.path().join("long.png"), b"123456789").expect("writes");
        assert_eq!(read("empty.png"), "empty file");
        assert_eq!(read("long.png"), "too large: 9 bytes, at most 8 bytes");
        assert!(read("missing.png").starts_with("cannot be read: "));
    }
}
