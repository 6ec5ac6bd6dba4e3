//! Runs what is missing through a plan, a few at a time, into caches.

use std::time::Instant;

use super::cache::{Cache, Content};
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::trunk::{Buffers, Plan};

/// Images that run through the plan at a time: at most.
const MOST: usize = 16;
/// At least, so that no thread is idle while they are decoded.
const LEAST: usize = 4;
/// Values that all maps of one layer may have together: VGG16's first layer makes three million of an image.
const VALUES: usize = 1 << 24;
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
    (plan, caches): (&Plan, &mut [Cache]),
    (counts, Wanting { total, cached }): (&[usize], Wanting),
    progress: &mut dyn Observer,
    mut read: impl FnMut(std::ops::Range<usize>, &mut dyn Observer) -> Result<Inputs>,
) -> Result<()> {
    let missing: usize = counts.iter().sum();
    let size = batch_size(plan);
    let (mut buffers, mut done, mut next) = (Buffers::default(), cached, 0);
    let mut waiting: Vec<Waiting> = caches.iter().map(|_| Waiting::default()).collect();
    progress.extracted(done, total, cached);
    while next < counts.len() {
        if progress.stop() {
            write(caches, &mut waiting, 0)?;
            return Err(Error::Interrupted);
        }
        let start = Instant::now();
        let batch = next..next + items(&counts[next..], size);
        let records: usize = counts[batch.clone()].iter().sum();
        next = batch.end;
        let Inputs { of, values } = read(batch, progress)?;
        let features = plan.forward(&values, of.len(), &mut buffers);
        for ((cache, content), row) in of.iter().zip(features.chunks_exact(plan.output().len())) {
            waiting[*cache].add(*content, row);
        }
        buffers.recycle(features);
        write(caches, &mut waiting, WAITING)?;
        if done == cached {
            progress.estimated(missing, start.elapsed() * missing.div_ceil(records.max(1)) as u32);
        }
        done += records;
        progress.extracted(done, total, cached);
    }
    write(caches, &mut waiting, 0)
}

/// Images that run through a plan at a time.
pub(super) fn batch_size(plan: &Plan) -> usize {
    (VALUES / plan.widest()).clamp(LEAST, MOST)
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

/// Writes what waits for a cache where it is more than `most` values.
fn write(caches: &mut [Cache], waiting: &mut [Waiting], most: usize) -> Result<()> {
    for (cache, waiting) in caches.iter_mut().zip(waiting) {
        if waiting.values.len() > most {
            cache.append(&waiting.contents, &waiting.values)?;
            *waiting = Waiting::default();
        }
    }
    Ok(())
}
