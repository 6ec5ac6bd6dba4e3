//! The threads on which everything is computed. They belong to the program: the library starts none of its own accord
//! and pins none, because the process is then another's.

use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};

/// Starts `count` threads, or one for each processor, before anything is computed.
///
/// Where they are as many as the process may use processors, each stays on one. Linux's scheduler may else leave two
/// threads that were woken together on one processor for a tenth of a second, while a single image takes a few
/// thousandths. Fewer threads are the scheduler's to place: another process may be on any processor.
pub fn start(count: Option<usize>) -> Result<(), ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(count.unwrap_or_default()).start_handler(stay).build_global()
}

#[cfg(target_os = "linux")]
fn stay(thread: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(allowed) = sched_getaffinity(None) else { return };
    if allowed.count() as usize != rayon::current_num_threads() {
        return;
    }
    let mut processors = (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor));
    if let Some(own) = processors.nth(thread) {
        let mut set = CpuSet::new();
        set.set(own);
        // A system that refuses moves the thread about as it likes: slower at times, and right.
        let _ = sched_setaffinity(None, &set);
    }
}

#[cfg(not(target_os = "linux"))]
fn stay(_: usize) {}
