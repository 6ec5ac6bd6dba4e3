//! Any number of images, a part of them at a time. A manifest's rows are cut into shards by position; each shard becomes one
//! Parquet part, made by a process that may run anywhere and again; and parts are merged into one table, which is the same
//! for any number of shards. What a row gets is the business of a [`Maker`]: a model's scores, or a backbone's features.

mod ahead;
mod columns;
mod counts;
mod environment;
mod facts;
mod maker;
mod manifest;
mod merge;
mod part;
mod place;
mod record;
mod remote;
mod shard;
mod sound;
mod source;
mod tally;
mod work;

pub use counts::Counts;
pub use maker::Kind;
pub use merge::{Merge, Merged, kind_of};
pub use shard::Shard;
pub use source::is_temporary;
pub use tally::Tally;
pub use work::Done;

pub(crate) use columns::{ColumnsReader, ColumnsWriter, Result as ColumnResult, column, known, wrong};
pub(crate) use facts::Footer;
pub(crate) use maker::Maker;
pub(crate) use merge::{Sum, merge};
#[cfg(test)]
pub(crate) use part::PartReader;
pub(crate) use record::Record;
#[cfg(test)]
pub(crate) use record::Status;
pub(crate) use work::{Task, make_part};

#[cfg(test)]
pub(crate) mod tests;
