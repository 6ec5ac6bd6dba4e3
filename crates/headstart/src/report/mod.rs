//! What a run shows: curves, layer diagram, summary, and one self-contained page.

mod curves;
mod diagram;
mod html;
mod summary;

use std::collections::BTreeMap;

use crate::classifier::{Description, Row};
use crate::dataset::Dataset;
use crate::evaluate::SplitMetrics;

pub use curves::curves;
pub use diagram::diagram;
pub use summary::{kind, shape, summary, thousands};

/// What the page is made from.
#[derive(Debug)]
pub struct Report<'a> {
    /// The model.
    pub description: &'a Description,
    /// Its layers.
    pub rows: Vec<Row<'a>>,
    /// The images.
    pub dataset: &'a Dataset,
    /// Metrics by split.
    pub metrics: &'a BTreeMap<String, SplitMetrics>,
    /// Files that could not be used, and why.
    pub set_aside: &'a [(String, String)],
    /// What went wrong while training.
    pub warnings: &'a [String],
    /// The command that was called.
    pub command: &'a str,
}

/// Text as HTML or XML content.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
