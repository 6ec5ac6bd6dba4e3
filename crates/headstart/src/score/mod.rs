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
//! println!("{} images, {} refused", merged.summary.tally.rows, merged.summary.verdicts["refused"]);
//! # Ok(())
//! # }
//! ```

mod model;
mod summary;

use std::path::Path;

pub use self::summary::{ClassScores, Summary};
pub use crate::shards::{Counts, Done, Kind, Merge, Merged, Shard, Tally, is_temporary, kind_of};

use self::model::{Model, Scored};
use self::summary::Summing;
use crate::classifier::Classifier;
use crate::error::Result;
use crate::image::Image;
use crate::observer::Observer;
use crate::shards::{self, Task};

/// What is to be scored, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// A folder, a `.csv`, a `.parquet`, a `.tar`, or a `.txt` that lists tars; a path or, in builds with the feature
    /// `cloud`, a URI.
    pub manifest: &'a str,
    /// A sealed model.
    pub model: &'a Path,
    /// The part of the rows to score.
    pub shard: Shard,
    /// The folder, or with the feature `cloud` the place in a store, that gets the part.
    pub out: &'a str,
}

/// Scores a shard and writes its part, unless that was done before. The part is there whole or not at all, and the same
/// rows and model give the same bytes on one vector level.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) when the model, the manifest or a part of another job is in the way;
/// [`Error::Io`](crate::Error::Io) when something cannot be read or written, of which [`is_temporary`] tells whether it may
/// work another time; and [`Error::Interrupted`](crate::Error::Interrupted). An image that cannot be read is no error, but a
/// row that says so.
pub fn score(job: &Job<'_>, observer: &mut dyn Observer) -> Result<Done> {
    let (classifier, digest) = Classifier::load_with_digest(job.model)?;
    let model = Model::new(&classifier, digest);
    let make =
        |images: &[Image]| classifier.classify_all(images).into_iter().map(Scored::from).collect::<Vec<_>>();
    let task = Task { manifest: job.manifest, shard: job.shard, out: job.out };
    shards::make_part(&task, (model, &make), observer)
}

/// Merges the parts of all shards, in their order, into `merged.parquet`, and writes `summary.json`. The table's bytes do
/// not depend on the number of shards.
///
/// # Errors
/// [`Error::Incomplete`](crate::Error::Incomplete) when parts are missing; [`Error::Invalid`](crate::Error::Invalid) when they do
/// not belong together; [`Error::Io`](crate::Error::Io).
pub fn merge(request: &Merge<'_>) -> Result<Merged<Summary>> {
    shards::merge(request, |model: &Model, rows| Summing::new(model.clone(), rows))
}
