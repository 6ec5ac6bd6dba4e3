//! NEON, which every 64-bit ARM has: two of its registers side by side, so that six rows by two of these
//! take 24 of the 32 registers, as six by two of AVX2's take 12 of 16.

use std::arch::aarch64::*;

use super::Vector;

#[derive(Clone, Copy)]
pub(crate) struct Neon(float32x4_t, float32x4_t);

/// A function of the low and of the high registers.
macro_rules! each {
    ($function:ident($($operand:expr),*)) => {
        Self($function($($operand.0),*), $function($($operand.1),*))
    };
}

// SAFETY (all): NEON is part of the architecture; the trait's contract grants valid pointers.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Neon {
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(vdupq_n_f32(value), vdupq_n_f32(value)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(vld1q_f32(from), vld1q_f32(from.add(4))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe {
            vst1q_f32(to, self.0);
            vst1q_f32(to.add(4), self.1);
        }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, lanes: usize) -> Self {
        let mut values = [0.0; 8];
        unsafe {
            values[..lanes].copy_from_slice(std::slice::from_raw_parts(from, lanes));
            Self::load(values.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, lanes: usize) {
        let mut values = [0.0; 8];
        unsafe {
            self.store(values.as_mut_ptr());
            std::slice::from_raw_parts_mut(to, lanes).copy_from_slice(&values[..lanes]);
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { each!(vaddq_f32(self, other)) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { each!(vsubq_f32(self, other)) }
    }
    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        unsafe { each!(vmulq_f32(self, other)) }
    }
    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, term: Self) -> Self {
        unsafe { each!(vfmaq_f32(term, self, factor)) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { each!(larger_or_second(self, other)) }
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        unsafe { each!(smaller_or_second(self, other)) }
    }
    #[inline(always)]
    unsafe fn larger(self, other: Self) -> Self {
        // Unlike x86's, this instruction gives NaN where either is.
        unsafe { each!(vmaxq_f32(self, other)) }
    }
}

/// # Safety
/// None is needed: NEON is part of the architecture.
#[inline(always)]
unsafe fn larger_or_second(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    // SAFETY: NEON is part of the architecture.
    unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
}

/// # Safety
/// As above.
#[inline(always)]
unsafe fn smaller_or_second(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    // SAFETY: NEON is part of the architecture.
    unsafe { vbslq_f32(vcltq_f32(a, b), a, b) }
}

/// Asks for the cache line at `at`, of any address, to be brought nearer.
#[inline(always)]
pub(super) fn prefetch(at: *const f32) {
    // SAFETY: a prefetch never faults, and changes nothing.
    unsafe {
        std::arch::asm!("prfm pldl2keep, [{0}]", in(reg) at, options(nostack, readonly, preserves_flags));
    }
}
