//! The trunk's output for each image, computed once and kept on disk.

mod cache;
mod extract;
mod fill;
mod further;
pub(crate) mod lock;
mod npy;
mod pooled;
#[cfg(feature = "train")]
mod write;

pub use cache::{Cache, Records, usual_cache};
pub(crate) use extract::input;
pub use extract::{Extracted, ExtractedViews, Extractor, View, Wanted};
pub(crate) use further::Further;
#[cfg(feature = "train")]
pub use write::{Written, write_features};
