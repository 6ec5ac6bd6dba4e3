//! What long work tells while it goes on, and how it is asked to stop.

use std::time::Duration;

use crate::history::EpochRecord;

/// Hears what a training, an inspection or an extraction tells, and can stop it. Every method does nothing unless an
/// implementation says otherwise, so that one listens only to what it needs.
///
/// ```
/// use headstart::Observer;
/// use headstart::history::EpochRecord;
///
/// struct Epochs;
///
/// impl Observer for Epochs {
///     fn epoch(&mut self, record: &EpochRecord) {
///         println!("epoch {}: validation loss {:.4}", record.epoch, record.validation_loss);
///     }
/// }
/// ```
#[expect(unused_variables, reason = "the parameters' names are for the reader")]
pub trait Observer {
    /// A line for the user.
    fn say(&mut self, line: &str) {}
    /// A sentence about something that is wrong, though the work goes on.
    fn warn(&mut self, line: &str) {}
    /// A file cannot be used: its path, and why.
    fn set_aside(&mut self, path: &str, why: &str) {}
    /// `done` of `total` images were looked at.
    fn surveyed(&mut self, done: usize, total: usize) {}
    /// Computing the features of `images` images will take about `time`, by the first batch.
    fn estimated(&mut self, images: usize, time: Duration) {}
    /// `done` of `total` images have their features; `cached` of them lay in the cache.
    fn extracted(&mut self, done: usize, total: usize, cached: usize) {}
    /// `done` images of a shard have been scored, of `total` where that is known.
    fn scored(&mut self, done: u64, total: Option<u64>) {}
    /// `done` bytes of a file have been fetched, of `total` where that is known.
    fn received(&mut self, done: u64, total: Option<u64>) {}
    /// `done` of `total` training images of an epoch, counted from 1.
    fn step(&mut self, epoch: usize, done: usize, total: usize) {}
    /// An epoch is over.
    fn epoch(&mut self, record: &EpochRecord) {}
    /// Whether the work should stop. It then ends with [`Error::Interrupted`](crate::Error::Interrupted).
    fn stop(&self) -> bool {
        false
    }
}

/// Listens to nothing and never stops the work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}
