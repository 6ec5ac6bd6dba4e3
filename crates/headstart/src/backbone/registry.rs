//! Backbones by name, with the weights of a file, and where they are cut.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use super::entries::{ENTRIES, Entry};
use super::file;
use super::spec::Spec;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::image::preprocess::Preprocess;
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

/// Where a backbone's weights come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// In words.
    pub source: String,
    /// Licence of the weights.
    pub licence: String,
    /// Of the file, in hexadecimal.
    pub sha256: String,
}

/// A pretrained net, ready to be cut.
#[derive(Debug, Clone)]
pub struct Backbone {
    /// Architecture.
    pub spec: Spec,
    /// One value for each tensor of the spec.
    pub weights: Weights,
    /// What the weights were trained on.
    pub preprocess: Preprocess,
    /// Where the weights come from.
    pub provenance: Provenance,
}

/// The entry called `name`, with `-` or `_` between its words.
///
/// # Errors
/// [`Error::Usage`] that lists the known names.
pub fn find(name: &str) -> Result<&'static Entry> {
    let known = name.replace('_', "-");
    ENTRIES.iter().find(|entry| entry.name == known).ok_or_else(|| {
        let names = ENTRIES.each_ref().map(|entry| entry.name).join(", ");
        Error::Usage(format!("unknown backbone {name:?}: expected one of {names}"))
    })
}

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

/// Which part of the backbone is trained, besides the new head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Unfreeze {
    /// Nothing: only the head.
    Nothing,
    /// The backbone's last block and what follows it.
    LastBlock,
    /// All of it.
    Everything,
    /// What probes of the features choose; for training only.
    Auto,
    /// This block and what follows it.
    Block(String),
}

impl FromStr for Unfreeze {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(match text {
            "none" | "head" => Self::Nothing,
            "last-block" => Self::LastBlock,
            "all" => Self::Everything,
            "auto" => Self::Auto,
            block => Self::Block(block.into()),
        })
    }
}

impl From<String> for Unfreeze {
    fn from(text: String) -> Self {
        match text.parse() {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }
}

impl From<Unfreeze> for String {
    fn from(value: Unfreeze) -> Self {
        value.to_string()
    }
}

impl std::fmt::Display for Unfreeze {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "none",
            Self::LastBlock => "last-block",
            Self::Everything => "all",
            Self::Auto => "auto",
            Self::Block(name) => name,
        })
    }
}

impl Spec {
    /// The cut: how many blocks lie before it.
    ///
    /// # Errors
    /// [`Error::Usage`] for an unknown block, listing the known ones; [`Error::Setting`] for [`Unfreeze::Auto`].
    pub fn cut(&self, unfreeze: &Unfreeze) -> Result<usize> {
        let name = match unfreeze {
            Unfreeze::Nothing => return Ok(self.blocks.len()),
            Unfreeze::Everything => return Ok(0),
            Unfreeze::Auto => {
                let expected =
                    "none, last-block, all or a block, because only a training on images can choose";
                return Err(Error::setting("unfreeze", expected, "auto"));
            }
            Unfreeze::LastBlock => &self.last_block,
            Unfreeze::Block(name) => name,
        };
        self.blocks.iter().position(|block| block.name == *name).ok_or_else(|| {
            let names: Vec<&str> = self.blocks.iter().map(|block| block.name.as_str()).collect();
            let known = names.join(", ");
            Error::Usage(format!(
                "{} has no block {name:?}: expected none, head, last-block, all or one of {known}",
                self.name
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::vgg;

    #[test]
    fn cuts_by_name() {
        let spec = vgg::vgg16();
        assert_eq!(spec.cut(&Unfreeze::LastBlock).expect("known"), 4);
        assert_eq!(spec.cut(&Unfreeze::Nothing).expect("known"), 5);
        assert_eq!(spec.cut(&Unfreeze::Block("block2".into())).expect("known"), 1);
        let error = spec.cut(&Unfreeze::Block("block9".into())).expect_err("unknown").to_string();
        assert!(error.contains("block9") && error.contains("block5"), "{error}");
    }
}
