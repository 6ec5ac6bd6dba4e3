//! A buffer that threads write to in places that do not overlap.

use std::marker::PhantomData;

/// A mutable slice, shared between threads by address.
pub(crate) struct Disjoint<'a>(*mut f32, usize, PhantomData<&'a mut [f32]>);

// SAFETY: `at` leaves it to its callers that no two threads touch the same value.
unsafe impl Sync for Disjoint<'_> {}

impl<'a> Disjoint<'a> {
    pub(crate) fn new(buffer: &'a mut [f32]) -> Self {
        Self(buffer.as_mut_ptr(), buffer.len(), PhantomData)
    }

    /// The address of value `index`.
    ///
    /// # Safety
    /// What is written from there on lies inside of the buffer and is no other thread's.
    pub(crate) unsafe fn at(&self, index: usize) -> *mut f32 {
        debug_assert!(index < self.1);
        // SAFETY: inside of the buffer by the caller's contract.
        unsafe { self.0.add(index) }
    }
}
