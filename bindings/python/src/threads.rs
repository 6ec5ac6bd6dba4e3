//! The threads on which everything is computed: a pool of this package's own, and a new one in a process that was forked.

use std::mem;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::HeadstartError;

/// The pool, and the process that it belongs to.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// The pool of this process, started when it is first asked for: one thread for each processor, or as many as the
/// environment's `RAYON_NUM_THREADS` says. None is bound to a processor, because the process belongs to somebody else.
///
/// A fork copies the memory of the pool but none of its threads, so the copy would wait for them forever: such a process
/// gets a pool of its own.
pub fn pool() -> PyResult<Arc<ThreadPool>> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    match &*pool {
        Some((owner, pool)) if *owner == process::id() => return Ok(Arc::clone(pool)),
        Some(_) | None => {}
    }
    let started = ThreadPoolBuilder::new().thread_name(|index| format!("headstart {index}")).build();
    let started = started.map_err(|why| HeadstartError::new_err(format!("cannot start threads: {why}")))?;
    let started = Arc::new(started);
    // The threads of the other process's pool are not here to be ended.
    mem::forget(pool.replace((process::id(), Arc::clone(&started))));
    Ok(started)
}

/// Lets `work` run in the pool while other threads of Python run, too. It cannot be interrupted: for what is over soon.
pub fn at_once<T: Send>(python: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = pool()?;
    Ok(python.detach(|| pool.install(work)))
}

/// How many threads headstart computes on in this process.
#[pyfunction]
pub fn number_of_threads() -> PyResult<usize> {
    Ok(pool()?.current_num_threads())
}
