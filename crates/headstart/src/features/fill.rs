//! Runs what is missing through a trunk, a few at a time, into caches. A device that works by itself has a batch under way
//! while the next is decoded.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::cache::{Cache, Content};
use crate::compiled::{Compiled, Started};
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::trunk::Buffers;

/// Values that wait for a cache at most before they are written: each writing waits for the disk.
const WAITING: usize = 1 << 22;

/// Preprocessed images: the cache that each belongs to, its content, and all values, one image after the other.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) of: Vec<(usize, Content)>,
    pub(super) values: Vec<f32>,
}

/// Of all records that are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanting {
    /// How many.
    pub(super) total: usize,
    /// Of them were there before.
    pub(super) cached: usize,
}

/// Computes the records that items lack, `counts` of each of them, of all that are wanted: `read` gives the inputs of
/// those of a batch of items (by their places) that can be used.
///
/// # Errors
/// When a cache cannot be written, what `read` says, or [`Error::Interrupted`].
pub(super) fn fill(
    (plan, caches): (&Compiled, &mut [Cache]),
    (counts, wanting): (&[usize], Wanting),
    progress: &mut dyn Observer,
    mut read: impl FnMut(Range<usize>, &mut dyn Observer) -> Result<Inputs>,
) -> Result<()> {
    let Wanting { total, cached } = wanting;
    let waiting = caches.iter().map(|_| Waiting::default()).collect();
    let missing = counts.iter().sum();
    let mut filling =
        Filling { plan, caches, waiting, buffers: Buffers::default(), wanting, missing, done: cached };
    let (mut under_way, mut next) = (VecDeque::new(), 0);
    progress.extracted(cached, total, cached);
    while next < counts.len() && !progress.stop() {
        let start = Instant::now();
        let batch = next..next + items(&counts[next..], plan.batch_size());
        let records = counts[batch.clone()].iter().sum();
        next = batch.end;
        let Inputs { of, values } = read(batch, progress)?;
        let started = plan.start(&values, of.len(), &mut filling.buffers);
        under_way.push_back(Batch { of, started, records, start });
        if under_way.len() > plan.ahead() {
            under_way.pop_front().map_or(Ok(()), |batch| filling.take(batch, progress))?;
        }
    }
    under_way.into_iter().try_for_each(|batch| filling.take(batch, progress))?;
    filling.write(0)?;
    if next < counts.len() { Err(Error::Interrupted) } else { Ok(()) }
}

/// A batch that was started.
struct Batch {
    of: Vec<(usize, Content)>,
    started: Started,
    /// Records that it is for; some of their images may not be usable.
    records: usize,
    start: Instant,
}

/// What features go into.
struct Filling<'a> {
    plan: &'a Compiled,
    caches: &'a mut [Cache],
    waiting: Vec<Waiting>,
    buffers: Buffers,
    wanting: Wanting,
    missing: usize,
    done: usize,
}

impl Filling<'_> {
    /// Waits for a batch and hands its features on to the caches.
    fn take(&mut self, batch: Batch, progress: &mut dyn Observer) -> Result<()> {
        let Batch { of, started, records, start } = batch;
        let features = started.finish(&mut self.buffers);
        for ((cache, content), row) in of.iter().zip(features.chunks_exact(self.plan.output().len())) {
            self.waiting[*cache].add(*content, row);
        }
        self.buffers.recycle(features);
        self.write(WAITING)?;
        let Wanting { total, cached } = self.wanting;
        if self.done == cached {
            progress.estimated(self.missing, self.all(start.elapsed(), records));
        }
        self.done += records;
        progress.extracted(self.done, total, cached);
        Ok(())
    }

    /// How long all that was missing takes when so many records take `time`.
    fn all(&self, time: Duration, records: usize) -> Duration {
        time * self.missing.div_ceil(records.max(1)) as u32
    }

    /// Writes what waits for a cache where it is more than `most` values.
    fn write(&mut self, most: usize) -> Result<()> {
        for (cache, waiting) in self.caches.iter_mut().zip(&mut self.waiting) {
            if waiting.values.len() > most {
                cache.append(&waiting.contents, &waiting.values)?;
                *waiting = Waiting::default();
            }
        }
        Ok(())
    }
}

/// How many of the first items make a batch of `size` records.
fn items(counts: &[usize], size: usize) -> usize {
    let mut records = 0;
    let fits = |count: &&usize| {
        records += **count;
        records <= size
    };
    counts.iter().take_while(fits).count().max(1)
}

/// Records that are not on disk yet.
#[derive(Default)]
struct Waiting {
    contents: Vec<Content>,
    values: Vec<f32>,
}

impl Waiting {
    fn add(&mut self, content: Content, row: &[f32]) {
        self.contents.push(content);
        self.values.extend_from_slice(row);
    }
}
