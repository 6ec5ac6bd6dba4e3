//! Memory to work in, kept from call to call: fresh memory costs a page fault for every 4 KiB,
//! as much as the arithmetic on it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Values that are kept for later, in all.
const KEPT: usize = 1 << 27;

static FREE: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// A cache line: registers that are loaded from buffers of these never lie across two.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Values of a cache line.
const LINE: usize = 16;

/// A buffer that goes back to the pool when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    lines: Vec<Line>,
    length: usize,
}

impl Scratch {
    /// `length` values, whatever they were before.
    pub(crate) fn new(length: usize) -> Self {
        let count = length.div_ceil(LINE);
        let mut lines = take(count).unwrap_or_default();
        if lines.len() < count {
            lines.resize(count, Line([0.0; LINE]));
        }
        Self { lines, length }
    }
}

/// The smallest free buffer that is large enough.
fn take(count: usize) -> Option<Vec<Line>> {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let fitting = free.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= count);
    let (index, _) = fitting.min_by_key(|(_, buffer)| buffer.capacity())?;
    Some(free.swap_remove(index))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = free.iter().map(Vec::capacity).sum();
        if (kept + self.lines.capacity()) * LINE <= KEPT {
            free.push(std::mem::take(&mut self.lines));
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: the lines are at least `length` values without gaps.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}
