//! Work dealt out in tasks.

/// Tasks of a thread that even out by themselves.
const MANY: usize = 8;

/// How much of `work` one task takes: about `block`, or where that makes few tasks, as much for each thread.
pub(crate) fn task_size(work: usize, block: usize) -> usize {
    let threads = rayon::current_num_threads();
    let rounds = ((work + block * threads / 2) / (block * threads)).max(1);
    if rounds < MANY { work.div_ceil(rounds * threads).max(1) } else { block }
}
