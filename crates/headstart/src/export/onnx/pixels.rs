//! What the graph reads.

use super::proto::Element;
use crate::error::{Error, Result};
use crate::image::{Preprocess, Resize};

/// What the graph reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pixels {
    /// Bytes `[N, size, size, 3]`.
    #[default]
    Uint8,
    /// Numbers from 0 to 255 `[N, size, size, 3]`: for images with 16 bits a channel.
    Float32,
    /// Bytes `[N, height, width, 3]` of any size, which the graph resizes.
    AnySize,
    /// Numbers `[N, 3, size, size]` that were normalised before: what programs for nets of other origin make.
    Tensor,
}

impl Pixels {
    /// Name of the graph's input.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Uint8 | Self::Float32 | Self::AnySize => "pixels",
            Self::Tensor => "tensor",
        }
    }

    /// What the input is, in words.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Uint8 | Self::Float32 | Self::AnySize => "RGB, rows from the top, 0 to 255",
            Self::Tensor => "channels first, rows from the top, (level from 0 to 255 - mean) / deviation",
        }
    }

    pub(super) fn element(self) -> Element {
        match self {
            Self::Uint8 | Self::AnySize => Element::Uint8,
            Self::Float32 | Self::Tensor => Element::Float32,
        }
    }

    /// # Errors
    /// An image of any size for a model that crops or pads: the graph can only scale each side by itself.
    pub(super) fn check(self, preprocess: &Preprocess) -> Result<()> {
        let found = match preprocess.resize {
            Resize::Squash => return Ok(()),
            Resize::Crop => "any-size, of a model that crops images",
            Resize::Pad => "any-size, of a model that pads images",
        };
        match self {
            Self::Uint8 | Self::Float32 | Self::Tensor => Ok(()),
            Self::AnySize => Err(Error::setting("input", "uint8, float32 or tensor", found)),
        }
    }
}
