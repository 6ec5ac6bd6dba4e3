//! A bounded queue before a fixed number of workers, so that a rush costs waiting, not memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Admits requests, and runs their predictions off the async threads.
#[derive(Clone)]
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

/// A request's right to hold its upload in memory, given back on drop.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Queue {
    /// At least one worker, or nothing would ever be answered.
    pub(crate) fn new(workers: usize, waiting: usize) -> Self {
        let workers = workers.clamp(1, Semaphore::MAX_PERMITS);
        let places = workers.saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), workers: Arc::new(Semaphore::new(workers)) }
    }

    /// Takes a place, or says at once that there is none.
    pub(crate) fn enter(&self) -> Result<Place, Problem> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Problem::Busy)?;
        Ok(Place { _permit: permit })
    }

    /// Runs `work` on a blocking thread as soon as a worker is free. A panic in it is this request's problem only.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| Problem::Internal)?;
        let task = tokio::task::spawn_blocking(move || {
            // Moved in: when the client goes away the work still runs to its end, and still counts.
            let _worker = worker;
            work()
        });
        task.await.map_err(|_| Problem::Internal)
    }
}
