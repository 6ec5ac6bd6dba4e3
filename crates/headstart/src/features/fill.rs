//! Runs what is missing through a plan, a few at a time, into the cache.

use std::time::Instant;

use super::cache::{Cache, Content};
use super::extract::Progress;
use crate::error::{Error, Result};
use crate::trunk::{Buffers, Plan};

/// What runs through the plan, and into the cache, at a time.
const BATCH: usize = 16;

/// Computes the records of `missing` of `total` images: `read` gives the contents of those that can be used,
/// and their maps, one after the other.
///
/// # Errors
/// When the cache cannot be written, or [`Error::Interrupted`].
pub(super) fn fill(
    (plan, cache): (&Plan, &mut Cache),
    (missing, total): (&[usize], usize),
    progress: &mut dyn Progress,
    mut read: impl FnMut(&[usize], &mut dyn Progress) -> (Vec<Content>, Vec<f32>),
) -> Result<()> {
    let cached = total - missing.len();
    let (mut buffers, mut done) = (Buffers::default(), cached);
    progress.extracted(done, total, cached);
    for batch in missing.chunks(BATCH) {
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        let start = Instant::now();
        let (found, maps) = read(batch, progress);
        let features = plan.forward(&maps, found.len(), &mut buffers);
        cache.append(&found, &features)?;
        buffers.recycle(features);
        if done == cached {
            progress.estimated(missing.len(), start.elapsed() * missing.len().div_ceil(BATCH) as u32);
        }
        done += batch.len();
        progress.extracted(done, total, cached);
    }
    Ok(())
}
