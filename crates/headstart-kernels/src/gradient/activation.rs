//! Gradients through an activation, and of what is added to every pixel before it.

use rayon::prelude::*;

use crate::scratch::Scratch;
use crate::shape::Activation;
use crate::vector::{Vector, with_vector};

/// Values that one task handles: a fixed number, so that the order of the sums is fixed.
const BLOCK: usize = 1 << 14;
/// Channels whose blocks one task sums.
const STRIP: usize = 64;

/// Lets through the gradient where the activation did not clamp, by its output, and sums up what is left
/// of it for each channel: the gradient of a bias.
///
/// # Shapes
/// - `output`, `gradient`: `[pixels, channels]`
/// - `bias`: `[channels]`
pub fn activation_and_bias(activation: Activation, output: &[f32], gradient: &mut [f32], bias: &mut [f32]) {
    assert_eq!(output.len(), gradient.len(), "a gradient like the output");
    let channels = bias.len();
    assert!(gradient.len().is_multiple_of(channels), "whole pixels of {channels} channels");
    let length = (BLOCK / channels).max(1) * channels;
    let mut sums = Scratch::new(gradient.len().div_ceil(length) * channels);
    let blocks = gradient.par_chunks_mut(length).zip(output.par_chunks(length));
    blocks.zip(sums.par_chunks_mut(channels)).for_each(|((gradient, output), sums)| {
        // SAFETY: plain Rust, compiled for the instruction set that was found.
        unsafe { block(activation.range(), output, gradient, sums) }
    });
    bias.par_chunks_mut(STRIP).enumerate().for_each(|(index, bias)| {
        bias.fill(0.0);
        for sums in sums.chunks_exact(channels) {
            let strip = &sums[index * STRIP..][..bias.len()];
            bias.iter_mut().zip(strip).for_each(|(bias, sum)| *bias += sum);
        }
    });
}

with_vector! {
    unsafe fn block(range: (f32, f32), output: &[f32], gradient: &mut [f32], sums: &mut [f32]) = block_with;
}

/// The compiler vectorises this for each `V` by itself.
#[inline(always)]
unsafe fn block_with<V: Vector>(
    (low, high): (f32, f32),
    output: &[f32],
    gradient: &mut [f32],
    sums: &mut [f32],
) {
    let channels = sums.len();
    sums.fill(0.0);
    for (gradient, output) in gradient.chunks_exact_mut(channels).zip(output.chunks_exact(channels)) {
        for ((gradient, output), sum) in gradient.iter_mut().zip(output).zip(sums.iter_mut()) {
            *gradient = if *output <= low || *output >= high { 0.0 } else { *gradient };
            *sum += *gradient;
        }
    }
}
