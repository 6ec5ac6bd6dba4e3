//! Runs what is missing through a plan, a few at a time, into the cache.

use std::time::Instant;

use super::cache::{Cache, Content};
use super::extract::Progress;
use crate::error::{Error, Result};
use crate::trunk::{Buffers, Plan};

/// Images that run through the plan, and into the cache, at a time: at most.
const MOST: usize = 16;
/// At least, so that no thread is idle while they are decoded.
const LEAST: usize = 4;
/// Values that all maps of one layer may have together: VGG16's first layer makes three million of an image.
const VALUES: usize = 1 << 24;

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
    let size = (VALUES / plan.widest()).clamp(LEAST, MOST);
    let (mut buffers, mut done) = (Buffers::default(), cached);
    progress.extracted(done, total, cached);
    for batch in missing.chunks(size) {
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        let start = Instant::now();
        let (found, maps) = read(batch, progress);
        let features = plan.forward(&maps, found.len(), &mut buffers);
        cache.append(&found, &features)?;
        buffers.recycle(features);
        if done == cached {
            progress.estimated(missing.len(), start.elapsed() * missing.len().div_ceil(size) as u32);
        }
        done += batch.len();
        progress.extracted(done, total, cached);
    }
    Ok(())
}
