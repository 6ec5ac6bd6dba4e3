//! The trunk's output for each image, computed once and kept on disk.

mod cache;
mod extract;
mod fill;
mod further;
pub(crate) mod lock;
mod npy;
mod pooled;
mod positioned;
mod records;
mod segment;
mod sorted;
mod view;
#[cfg(feature = "train")]
mod write;
mod written;

pub use crate::cache_folder::usual_cache;
pub use cache::Cache;
pub(crate) use extract::input;
pub use extract::{Extracted, ExtractedViews, Extractor};
pub(crate) use further::Further;
pub use records::Records;
pub use view::{View, Wanted};
#[cfg(feature = "train")]
pub use write::{Written, write_features};
