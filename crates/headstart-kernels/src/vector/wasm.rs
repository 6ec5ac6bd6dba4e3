//! WebAssembly's vector of four floats. It has no multiplication and addition in one instruction whose result is the same on
//! every machine, so it computes the bits of the portable level.

use std::arch::wasm32::*;

use super::Vector;

#[derive(Clone, Copy)]
pub(crate) struct Simd128(v128);

// SAFETY (all): a module with these instructions is loaded only where they are; the trait's contract grants valid pointers.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Simd128 {
    const LANES: usize = 4;
    const FUSES: bool = false;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(f32x4_splat(value))
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(v128_load(from.cast())) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { v128_store(to.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, lanes: usize) -> Self {
        let mut values = [0.0; 4];
        unsafe {
            values[..lanes].copy_from_slice(std::slice::from_raw_parts(from, lanes));
            Self::load(values.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, lanes: usize) {
        let mut values = [0.0; 4];
        unsafe {
            self.store(values.as_mut_ptr());
            std::slice::from_raw_parts_mut(to, lanes).copy_from_slice(&values[..lanes]);
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(f32x4_add(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(f32x4_sub(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        Self(f32x4_mul(self.0, other.0))
    }
    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, term: Self) -> Self {
        Self(f32x4_add(f32x4_mul(self.0, factor.0), term.0))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // `pmax(a, b)` is `a < b ? b : a`, so `other` where either is NaN.
        Self(f32x4_pmax(other.0, self.0))
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Self(f32x4_pmin(other.0, self.0))
    }
    #[inline(always)]
    unsafe fn larger(self, other: Self) -> Self {
        // Unlike `pmax` this gives NaN where either is.
        Self(f32x4_max(self.0, other.0))
    }
}
