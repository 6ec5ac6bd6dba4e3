//! One SIMD register of f32, for each instruction set, and the choice among them at run time.

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_feature = "simd128")]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
#[cfg(target_feature = "simd128")]
pub(crate) use wasm::Simd128;

/// The instruction set that this CPU is driven with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(target_feature = "simd128")]
    Simd128,
    Portable,
}

/// The best level of this CPU, or at most what `HEADSTART_VECTOR` names: `avx2` or `portable`, so that
/// a machine can compute, and be tested, as a lesser one does.
pub(crate) fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| detect(std::env::var("HEADSTART_VECTOR").as_deref().unwrap_or_default()))
}

/// The name of the instruction set that this process computes with: `avx512`, `avx2`, `neon`, `simd128` or `portable`. Two
/// machines of one level compute the same bits.
pub fn vector_level() -> &'static str {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => "avx512",
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => "avx2",
        #[cfg(target_arch = "aarch64")]
        Level::Neon => "neon",
        #[cfg(target_feature = "simd128")]
        Level::Simd128 => "simd128",
        Level::Portable => "portable",
    }
}

#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(unused_variables))]
fn detect(most: &str) -> Level {
    #[cfg(target_arch = "x86_64")]
    if most != "portable" && is_x86_feature_detected!("fma") {
        if most != "avx2" && is_x86_feature_detected!("avx512f") {
            return Level::Avx512;
        }
        if is_x86_feature_detected!("avx2") {
            return Level::Avx2;
        }
    }
    #[cfg(target_arch = "aarch64")]
    if most != "portable" {
        return Level::Neon;
    }
    // A module with these instructions is not loaded where they are missing: there is nothing to ask at run time.
    #[cfg(target_feature = "simd128")]
    if most != "portable" {
        return Level::Simd128;
    }
    Level::Portable
}

/// A register of [`Vector::LANES`] f32.
///
/// # Safety
/// Every method may use the instruction set that the type stands for: callers run under
/// [`with_vector!`], which checked it. Pointers must be valid for `LANES` values, unaligned.
pub(crate) trait Vector: Copy {
    const LANES: usize;
    /// Whether [`Vector::multiply_add`] is one instruction.
    const FUSES: bool = true;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// The first `lanes` values, zeros behind them; nothing else is read.
    unsafe fn load_first(from: *const f32, lanes: usize) -> Self;
    /// Writes the first `lanes` values only.
    unsafe fn store_first(self, to: *mut f32, lanes: usize);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn multiply(self, other: Self) -> Self;
    /// `self · factor + term`
    unsafe fn multiply_add(self, factor: Self, term: Self) -> Self;
    /// The larger of both; `other` where either is NaN.
    unsafe fn max(self, other: Self) -> Self;
    /// The smaller of both; `other` where either is NaN.
    unsafe fn min(self, other: Self) -> Self;
    /// The larger of both; NaN where either is: no pool may hide it.
    unsafe fn larger(self, other: Self) -> Self;
    /// Asks for the cache line at `at`, of any address, to be brought nearer.
    #[inline(always)]
    fn prefetch(at: *const f32) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: SSE is part of x86-64; a prefetch never faults.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(at.cast());
        }
        #[cfg(target_arch = "aarch64")]
        neon::prefetch(at);
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let _ = at;
    }
    /// `self` inside of `range`. NaN stays NaN: a clamp that hid it would hide a diverged net.
    #[inline(always)]
    unsafe fn clamp(self, range: (f32, f32)) -> Self {
        // SAFETY: arithmetic under the caller's instruction set.
        unsafe { Self::splat(range.1).min(Self::splat(range.0).max(self)) }
    }
}

/// Eight plain floats: SSE or whatever the compiler makes of them.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; 8]);

impl Vector for Plain {
    const LANES: usize = 8;
    const FUSES: bool = false;
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: valid for eight values by the trait's contract; arrays of f32 are read unaligned.
        Self(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, lanes: usize) -> Self {
        let mut values = [0.0; 8];
        // SAFETY: `lanes` values can be read by the trait's contract.
        values[..lanes].copy_from_slice(unsafe { std::slice::from_raw_parts(from, lanes) });
        Self(values)
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, lanes: usize) {
        // SAFETY: `lanes` values can be written by the trait's contract.
        unsafe { std::slice::from_raw_parts_mut(to, lanes) }.copy_from_slice(&self.0[..lanes]);
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }
    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }
    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, term: Self) -> Self {
        // Not `mul_add`: without the FMA instruction that is a slow call.
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + term.0[i]))
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] > other.0[i] { self.0[i] } else { other.0[i] }))
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] < other.0[i] { self.0[i] } else { other.0[i] }))
    }
    #[inline(always)]
    unsafe fn larger(self, other: Self) -> Self {
        let keep = |a: f32, b: f32| a > b || a.is_nan();
        Self(std::array::from_fn(|i| if keep(self.0[i], other.0[i]) { self.0[i] } else { other.0[i] }))
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! x86_vector {
    ($name:ident, $register:ident, $lanes:literal, $splat:ident, $load:ident, $store:ident,
     $add:ident, $sub:ident, $multiply:ident, $fma:ident, $max:ident, $min:ident, $keep_nan:ident, $load_first:ident, $store_first:ident) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name(std::arch::x86_64::$register);

        // SAFETY (all): the trait's contract grants the instruction set and valid pointers.
        #[allow(clippy::undocumented_unsafe_blocks)]
        impl Vector for $name {
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                unsafe { Self(std::arch::x86_64::$splat(value)) }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                unsafe { Self(std::arch::x86_64::$load(from)) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                unsafe { std::arch::x86_64::$store(to, self.0) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const f32, lanes: usize) -> Self {
                unsafe { Self(x86::$load_first(from, lanes)) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut f32, lanes: usize) {
                unsafe { x86::$store_first(to, lanes, self.0) }
            }
            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                unsafe { Self(std::arch::x86_64::$add(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn sub(self, other: Self) -> Self {
                unsafe { Self(std::arch::x86_64::$sub(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn multiply(self, other: Self) -> Self {
                unsafe { Self(std::arch::x86_64::$multiply(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn multiply_add(self, factor: Self, term: Self) -> Self {
                unsafe { Self(std::arch::x86_64::$fma(self.0, factor.0, term.0)) }
            }
            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                unsafe { Self(std::arch::x86_64::$max(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn min(self, other: Self) -> Self {
                unsafe { Self(std::arch::x86_64::$min(self.0, other.0)) }
            }
            #[inline(always)]
            unsafe fn larger(self, other: Self) -> Self {
                // The instruction hides a NaN on its left.
                unsafe { Self(x86::$keep_nan(self.0, std::arch::x86_64::$max(self.0, other.0))) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_vector!(
    Avx512,
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    _mm512_max_ps,
    _mm512_min_ps,
    keep_nan_512,
    load_first_512,
    store_first_512
);
#[cfg(target_arch = "x86_64")]
x86_vector!(
    Avx2,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_max_ps,
    _mm256_min_ps,
    keep_nan_256,
    load_first_256,
    store_first_256
);

/// Defines `fn name(args)` that runs `body::<V>(args)` with the widest [`Vector`] of this CPU.
macro_rules! with_vector {
    ($(#[$meta:meta])* $visibility:vis unsafe fn $name:ident($($argument:ident: $kind:ty),* $(,)?) = $body:ident;) => {
        $(#[$meta])*
        $visibility unsafe fn $name($($argument: $kind),*) {
            use $crate::vector::{self, Level};
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            unsafe fn avx512($($argument: $kind),*) {
                // SAFETY: the caller's contract, and the instruction set is enabled here.
                unsafe { $body::<vector::Avx512>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($argument: $kind),*) {
                // SAFETY: the caller's contract, and the instruction set is enabled here.
                unsafe { $body::<vector::Avx2>($($argument),*) }
            }
            // SAFETY: `level` found the instruction set on this CPU; the rest is the caller's contract.
            unsafe {
                match vector::level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => avx512($($argument),*),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => avx2($($argument),*),
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => $body::<vector::Neon>($($argument),*),
                    #[cfg(target_feature = "simd128")]
                    Level::Simd128 => $body::<vector::Simd128>($($argument),*),
                    Level::Portable => $body::<vector::Plain>($($argument),*),
                }
            }
        }
    };
}
pub(crate) use with_vector;
