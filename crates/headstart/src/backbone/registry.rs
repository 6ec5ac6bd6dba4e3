//! Backbones by name, with the weights of a file, and where they are cut.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use super::entries::{ENTRIES, Entry};
use super::spec::Spec;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::image::preprocess::Preprocess;

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
