//! What there is to know about a backbone before it is used.

use std::path::PathBuf;

use serde::Serialize;

use super::entries::{ENTRIES, Entry};

/// A backbone in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// As `--backbone` takes it.
    pub name: &'static str,
    /// What it and its like are called.
    pub family: &'static str,
    /// Without the classifier.
    pub parameters: usize,
    /// Billions of multiplications, each with its addition, that an image of `pixels` takes.
    pub gigaflops: f64,
    /// Side of the images that it was trained on, in pixels.
    pub pixels: usize,
    /// ImageNet's top-1 accuracy in percent, as its authors published it.
    pub top_1: f64,
    /// Licence of the weights.
    pub licence: &'static str,
    /// The published file, or what it is.
    pub file: &'static str,
    /// Size of the published file in MiB, where it is known.
    pub mebibytes: Option<f64>,
    /// Where `backbones pull` fetches it, if it can.
    pub address: Option<String>,
    /// Whether the weights are in the program.
    pub embedded: bool,
    /// The weights on this machine, if they were pulled or put there.
    pub kept: Option<PathBuf>,
    /// Names of its blocks, as `--unfreeze` takes them.
    pub blocks: Vec<String>,
}

impl Overview {
    fn of(entry: &Entry) -> Self {
        let spec = entry.spec();
        Self {
            name: entry.name,
            family: entry.family,
            parameters: spec.parameter_count(),
            gigaflops: spec.operations(entry.size) as f64 / 1e9,
            pixels: entry.size,
            top_1: entry.top_1,
            licence: entry.licence,
            file: entry.file,
            mebibytes: entry.mebibytes,
            address: entry.published().map(|published| published.address),
            embedded: entry.embedded,
            kept: entry.kept().map(|kept| kept.path),
            blocks: spec.blocks.into_iter().map(|block| block.name).collect(),
        }
    }

    /// Whether its weights are on this machine.
    pub fn is_here(&self) -> bool {
        self.embedded || self.kept.is_some()
    }
}

/// The backbones whose name or family has `filter` in it, capitals or not.
pub fn overview(filter: &str) -> Vec<Overview> {
    let wanted = filter.to_lowercase().replace('_', "-");
    let is_wanted =
        |entry: &&Entry| [entry.name, entry.family].iter().any(|text| text.to_lowercase().contains(&wanted));
    ENTRIES.iter().filter(is_wanted).map(Overview::of).collect()
}
