//! What a register does on x86-64 that takes more than one instruction.

use std::arch::x86_64::*;

/// `value` where it is NaN, else `other`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn keep_nan_512(value: __m512, other: __m512) -> __m512 {
    _mm512_mask_mov_ps(other, _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value), value)
}

/// `value` where it is NaN, else `other`.
#[inline]
#[target_feature(enable = "avx")]
pub(super) fn keep_nan_256(value: __m256, other: __m256) -> __m256 {
    _mm256_blendv_ps(other, value, _mm256_cmp_ps::<_CMP_UNORD_Q>(value, value))
}

/// # Safety
/// `lanes` values can be read.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn load_first_512(from: *const f32, lanes: usize) -> __m512 {
    // SAFETY: masked lanes are not touched.
    unsafe { _mm512_maskz_loadu_ps((1 << lanes) - 1, from) }
}

/// # Safety
/// `lanes` values can be written.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn store_first_512(to: *mut f32, lanes: usize, values: __m512) {
    // SAFETY: masked lanes are not touched.
    unsafe { _mm512_mask_storeu_ps(to, (1 << lanes) - 1, values) }
}

/// All bits of the first `lanes` lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn mask_256(lanes: usize) -> __m256i {
    let numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), numbers)
}

/// # Safety
/// `lanes` values can be read.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn load_first_256(from: *const f32, lanes: usize) -> __m256 {
    // SAFETY: masked lanes are not touched.
    unsafe { _mm256_maskload_ps(from, mask_256(lanes)) }
}

/// # Safety
/// `lanes` values can be written.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn store_first_256(to: *mut f32, lanes: usize, values: __m256) {
    // SAFETY: masked lanes are not touched.
    unsafe { _mm256_maskstore_ps(to, mask_256(lanes), values) }
}
