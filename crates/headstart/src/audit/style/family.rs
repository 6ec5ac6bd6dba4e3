//! The families of statistics: what they are called, and what takes them away from a net.

use serde::{Deserialize, Serialize};

/// Statistics of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Shape and size, and what squashing to a square leaves of the shape.
    Geometry,
    /// Where the grey levels lie.
    Grey,
    /// How much of a picture is detail of which size.
    Bands,
    /// How sharp a picture is, and how its file was written.
    Sharpness,
    /// What the edge is like against the inside.
    Border,
}

impl Family {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Geometry, Self::Grey, Self::Bands, Self::Sharpness, Self::Border];

    /// A few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Geometry => "geometry",
            Self::Grey => "grey levels",
            Self::Bands => "band energies",
            Self::Sharpness => "sharpness and compression",
            Self::Border => "border",
        }
    }

    /// What is measured, in a sentence.
    pub fn measures(self) -> &'static str {
        match self {
            Self::Geometry => {
                "Width over height, number of pixels, and horizontal over vertical detail at five scales, which shows \
                 how far a picture was squashed."
            }
            Self::Grey => {
                "Seven quantiles of the grey levels, their mean and deviation, the shares of black and of white, and \
                 the entropy."
            }
            Self::Bands => "The share of the variance that lies in detail of each of six sizes.",
            Self::Sharpness => {
                "The strength of the finest edges at two sizes, the seams of 8×8 blocks, the quality of a JPEG, and \
                 the bytes a pixel takes."
            }
            Self::Border => "Brightness, contrast, black and white of the edge strip against the inside.",
        }
    }

    /// Which settings of `[augment]` hide the family from a net, in a sentence.
    pub fn cure(self) -> &'static str {
        match self {
            Self::Geometry => "Crops of random shape hide it: `area` and `aspect`.",
            Self::Grey => "Random grey levels hide it: `histogram`, `gamma`, `contrast` and `brightness`.",
            Self::Bands => "Random detail hides it: `resolution`, `blur` and `sharpen`.",
            Self::Sharpness => {
                "Random sharpness and compression hide it: `jpeg`, `resolution`, `blur`, `sharpen` and `noise`."
            }
            Self::Border => "Random crops and shifts hide it: `area` and `shift`.",
        }
    }
}
