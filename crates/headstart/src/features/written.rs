//! What several ranks have written to one cache, read by each of them.

use std::thread;
use std::time::{Duration, Instant};

use super::cache::Cache;
use crate::error::Result;
use crate::ranks::Ranks;

/// How long a network's file system may take to show what another machine has written.
const LATENCY: Duration = Duration::from_secs(60);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Closes this rank's caches, waits for the others to have done so, and reads what all have written.
///
/// # Errors
/// When the caches cannot be opened again.
pub(super) fn by_all<T>(
    ranks: &Ranks,
    caches: Vec<Cache>,
    open: impl Fn() -> Result<Vec<Cache>>,
    read: impl Fn(&[Cache]) -> T,
    is_whole: impl Fn(&T) -> bool,
) -> Result<T> {
    if ranks.size() == 1 {
        return Ok(read(&caches));
    }
    drop(caches);
    ranks.meet()?;
    let start = Instant::now();
    loop {
        let found = read(&open()?);
        if is_whole(&found) || start.elapsed() > LATENCY {
            return Ok(found);
        }
        thread::sleep(PAUSE);
    }
}
