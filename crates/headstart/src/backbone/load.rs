//! Backbones with the weights of a file, or those that are embedded.

use std::path::Path;

use super::file;
use super::registry::{Backbone, ENTRIES, Entry, Provenance, find};
use super::spec::Spec;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::regular;
use crate::sha256::sha256;
use crate::visible::visible;

/// EfficientNet-Lite0's ImageNet weights (Apache-2.0, see `assets/README.md`).
static EFFICIENTNET_LITE0: &[u8] = include_bytes!("../../../../assets/efficientnet_lite0.f16.safetensors");

/// Bytes of a file of weights, at most.
const MOST_BYTES: u64 = 8 << 30;
/// Sides of a net's input: every backbone here halves its maps five times.
const LEAST_SIZE: usize = 32;
const MOST_SIZE: usize = 2048;

/// The backbone that weights fit, with nothing missing and nothing left over.
fn owner(weights: &Weights) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| {
        let spec = entry.spec();
        let (there, all) = weights.matches(spec.all_layers());
        there == all && weights.surplus(spec.all_layers()).is_none()
    })
}

/// The backbone with which weights have most of the tensors in common, if that is more than half of either's.
fn nearest(weights: &Weights) -> Option<&'static Entry> {
    let likeness = |entry: &Entry| {
        let (there, all) = weights.matches(entry.spec().all_layers());
        1000 * there / all.max(weights.iter().count())
    };
    ENTRIES.iter().max_by_key(|entry| likeness(entry)).filter(|entry| likeness(entry) > 500)
}

impl Backbone {
    /// Loads the backbone called `name`: from `weights`, or from what is embedded or was pulled.
    ///
    /// # Errors
    /// An unknown name, a missing file, or one that does not hold this net's tensors.
    pub fn load(name: &str, weights: Option<&Path>) -> Result<Self> {
        let entry = find(name)?;
        match weights {
            Some(path) => {
                let bytes = read(path)?;
                Self::from_bytes(entry, &bytes, path, sha256(&bytes))
            }
            None if entry.embedded => {
                let bytes = EFFICIENTNET_LITE0;
                Self::from_bytes(entry, bytes, Path::new(entry.name), sha256(bytes))
            }
            None => Self::kept(entry),
        }
    }

    /// From the weights that were pulled, or put beside them.
    fn kept(entry: &Entry) -> Result<Self> {
        let kept = entry.kept().ok_or_else(|| Error::setting("weights", entry.how_to_get(), "none"))?;
        let bytes = read(&kept.path)?;
        let sha256 = sha256(&bytes);
        if let Some(published) = kept.published {
            published.check(&kept.path, &sha256)?;
        }
        Self::from_bytes(entry, &bytes, &kept.path, sha256)
    }

    /// The name of the backbone whose weights a file holds.
    ///
    /// # Errors
    /// A file that cannot be read, or fits none; the nearest is named.
    pub fn detect(path: &Path) -> Result<&'static Entry> {
        let weights = file::weights(&read(path)?, path)?;
        owner(&weights).ok_or_else(|| {
            let nearest = nearest(&weights).map_or_else(String::new, |entry| {
                format!("; most of the file's tensors are those of {}", entry.name)
            });
            let found = format!("tensors that fit none{nearest}");
            Error::invalid(path, "the weights of a backbone that `headstart backbones list` shows", found)
        })
    }

    /// As [`Backbone::load`], reading images of another size than the net was trained on.
    ///
    /// # Errors
    /// As [`Backbone::load`], and a size that is too small for the net.
    pub fn load_at(name: &str, weights: Option<&Path>, size: Option<usize>) -> Result<Self> {
        let mut backbone = Self::load(name, weights)?;
        if let Some(size) = size {
            if !(LEAST_SIZE..=MOST_SIZE).contains(&size) {
                let expected = format!("from {LEAST_SIZE} to {MOST_SIZE} pixels");
                return Err(Error::setting("image_size", expected, size.to_string()));
            }
            backbone.preprocess.size = size;
        }
        Ok(backbone)
    }

    fn from_bytes(entry: &Entry, bytes: &[u8], path: &Path, sha256: String) -> Result<Self> {
        let spec = entry.spec();
        let weights = fitting(entry, &spec, file::weights(bytes, path)?, path)?;
        let provenance = Provenance { source: entry.source.into(), licence: entry.licence.into(), sha256 };
        Ok(Self { spec, weights, preprocess: entry.preprocess(), provenance })
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    regular::read(path, MOST_BYTES).map_err(|why| Error::io("read", path, why))
}

/// The weights of `spec`, or why these are not.
fn fitting(entry: &Entry, spec: &Spec, weights: Weights, path: &Path) -> Result<Weights> {
    if let Some(other) = owner(&weights).filter(|other| other.name != entry.name) {
        let found = format!("those of {0}: name {0} as the backbone", other.name);
        return Err(Error::invalid(path, format!("the weights of {}", entry.name), found));
    }
    let suggested = nearest(&weights).filter(|other| other.name != entry.name);
    let surplus =
        weights.surplus(spec.all_layers()).map(|name| visible(name).chars().take(100).collect::<String>());
    let verified = weights.verify(spec.all_layers(), path).and_then(|verified| match surplus {
        None => Ok(verified),
        Some(name) => {
            let expected = format!("the tensors of {} and no others", entry.name);
            Err(Error::invalid(path, expected, format!("a tensor {name}, which it has not")))
        }
    });
    verified.map_err(|why| match (why, suggested) {
        (Error::Invalid { path, expected, found }, Some(other)) => {
            let found = format!("{found}; most of the file's tensors are those of {}", other.name);
            Error::Invalid { path, expected, found }
        }
        (why, _) => why,
    })
}
