//! What images need on their way in: the limits, memory, and the queue.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::queue::Queue;

/// What the memory of all uploads is counted in.
pub(crate) const KIBIBYTE: usize = 1024;

/// What every upload shares. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) limits: Arc<Limits>,
    pub(crate) queue: Queue,
    /// Uploads in memory, in KiB.
    pub(crate) memory: Arc<Semaphore>,
}

impl Intake {
    pub(crate) fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        let kibibytes = limits.total_bytes.max(limits.request_bytes).div_ceil(KIBIBYTE);
        Self {
            queue: Queue::new(limits.waiting, limits.image, metrics),
            memory: Arc::new(Semaphore::new(kibibytes.min(Semaphore::MAX_PERMITS))),
            limits: Arc::new(limits),
        }
    }
}
