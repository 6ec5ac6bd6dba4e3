//! Values that begin at a cache line, and memory that is used again without being cleared.

use std::ops::{Deref, DerefMut};

/// Values of a cache line.
const LINE: usize = 16;

/// A cache line: registers that are loaded from rows of these never lie across two.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A buffer of values that begins at a cache line.
#[derive(Debug, Default)]
pub struct Aligned {
    lines: Vec<Line>,
    length: usize,
}

impl Aligned {
    /// A buffer of no values that can become one of so many.
    pub fn with_capacity(length: usize) -> Self {
        Self { lines: Vec::with_capacity(length.div_ceil(LINE)), length: 0 }
    }

    /// Makes it a buffer of so many values, which are whatever they were before, or 0.
    pub fn set_length(&mut self, length: usize) {
        let count = length.div_ceil(LINE);
        if self.lines.len() < count {
            self.lines.resize(count, Line([0.0; LINE]));
        }
        self.length = length;
    }

    /// How many values it can hold where it lies.
    pub fn capacity(&self) -> usize {
        self.lines.capacity() * LINE
    }
}

impl Deref for Aligned {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: the lines are at least `length` values without gaps.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}
