//! The trunk's output for each image, computed once and kept on disk.

#[cfg(feature = "train")]
mod arrow_schema;
mod cache;
mod extract;
mod fill;
mod further;
pub(crate) mod lock;
mod npy;
#[cfg(feature = "train")]
mod part;
mod pooled;
mod positioned;
mod records;
mod segment;
#[cfg(feature = "train")]
mod shard;
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
#[cfg(feature = "train")]
pub use part::{FeaturesOf, FeaturesSummary};
pub use records::Records;
#[cfg(feature = "train")]
pub use shard::{FeaturesJob, merge_parts, write_part};
pub use view::{View, Wanted};
#[cfg(feature = "train")]
pub use write::{Written, write_features};
