//! Memory to work in, kept from call to call: fresh memory costs a page fault for every 4 KiB,
//! as much as the arithmetic on it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::aligned::Aligned;

/// Values that are kept for later, in all.
const KEPT: usize = 1 << 27;

static FREE: Mutex<Vec<Aligned>> = Mutex::new(Vec::new());

/// A buffer that goes back to the pool when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(Aligned);

impl Scratch {
    /// `length` values, whatever they were before.
    pub(crate) fn new(length: usize) -> Self {
        let mut buffer = take(length).unwrap_or_default();
        buffer.set_length(length);
        Self(buffer)
    }
}

/// The smallest free buffer that is large enough.
fn take(length: usize) -> Option<Aligned> {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let fitting = free.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= length);
    let (index, _) = fitting.min_by_key(|(_, buffer)| buffer.capacity())?;
    Some(free.swap_remove(index))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = free.iter().map(Aligned::capacity).sum();
        if kept + self.0.capacity() <= KEPT {
            free.push(std::mem::take(&mut self.0));
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}
