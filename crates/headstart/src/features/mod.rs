//! The trunk's output for each image, computed once and kept on disk.

mod cache;
mod extract;
mod fill;
mod further;
pub(crate) mod lock;
mod npy;
mod pooled;
mod write;

pub use crate::cache_folder::usual_cache;
pub use cache::{Cache, Records};
pub(crate) use extract::input;
pub use extract::{Extracted, ExtractedViews, Extractor, View, Wanted};
pub(crate) use further::Further;
pub use write::{Written, write_features};
