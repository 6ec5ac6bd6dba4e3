//! Scoring any number of images. A manifest's rows are cut into shards by position; each shard becomes one Parquet part,
//! made by a process that may run anywhere and again; and parts are merged into one table, which is the same for any number
//! of shards.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use headstart::Silent;
//! use headstart::score::{Job, Merge, Shard, merge, score};
//!
//! # fn main() -> headstart::Result<()> {
//! for index in 0..8 {
//!     let shard = Shard::new(index, 8)?;
//!     let model = Path::new("runs/first/model.safetensors");
//!     score(&Job { manifest: "archive.csv", model, shard, out: "scores" }, &mut Silent)?;
//! }
//! let merged = merge(&Merge::new("scores"))?;
//! println!("{} images, {} refused", merged.summary.rows, merged.summary.verdicts["refused"]);
//! # Ok(())
//! # }
//! ```

mod ahead;
mod counts;
mod environment;
mod facts;
mod manifest;
mod merge;
mod part;
mod place;
mod record;
mod remote;
mod shard;
mod sound;
mod source;
mod summary;
mod table;
mod work;

pub use counts::Counts;
pub use merge::{Merge, Merged, merge};
pub use shard::Shard;
pub use source::is_temporary;
pub use summary::{ClassScores, Summary};
pub use work::{Done, Job, score};
