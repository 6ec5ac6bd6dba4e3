//! Gradients through an activation, and of what is added to every pixel before it.

use rayon::prelude::*;

use crate::activation::{Activation, hard_sigmoid, sigmoid};
use crate::scratch::Scratch;
use crate::vector::{Vector, with_vector};

/// Values that one task handles: a fixed number, so that the order of the sums is fixed.
const BLOCK: usize = 1 << 14;
/// Channels whose blocks one task sums.
const STRIP: usize = 64;

/// Multiplies the gradient by the activation's slope, and sums up what comes of it for each channel: the
/// gradient of a bias. The slope is told by what was `kept`: the sums before [`Activation::Silu`] and
/// [`Activation::HardSwish`], the output of the others.
///
/// # Shapes
/// - `kept`, `gradient`: `[pixels, channels]`
/// - `bias`: `[channels]`
pub fn activation_and_bias(activation: Activation, kept: &[f32], gradient: &mut [f32], bias: &mut [f32]) {
    assert_eq!(kept.len(), gradient.len(), "a gradient like what was kept");
    let channels = bias.len();
    assert!(gradient.len().is_multiple_of(channels), "whole pixels of {channels} channels");
    let length = (BLOCK / channels).max(1) * channels;
    let mut sums = Scratch::new(gradient.len().div_ceil(length) * channels);
    let blocks = gradient.par_chunks_mut(length).zip(kept.par_chunks(length));
    blocks.zip(sums.par_chunks_mut(channels)).for_each(|((gradient, kept), sums)| {
        // SAFETY: plain Rust, compiled for the instruction set that was found.
        unsafe { block(activation, kept, gradient, sums) }
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
    unsafe fn block(activation: Activation, kept: &[f32], gradient: &mut [f32], sums: &mut [f32]) = block_with;
}

/// A loop for each kind of slope: the compiler vectorises them for each `V` by itself.
#[inline(always)]
unsafe fn block_with<V: Vector>(
    activation: Activation,
    kept: &[f32],
    gradient: &mut [f32],
    sums: &mut [f32],
) {
    let channels = sums.len();
    sums.fill(0.0);
    macro_rules! each {
        ($gradient:ident, $kept:ident => $through:expr) => {
            for (gradient, kept) in gradient.chunks_exact_mut(channels).zip(kept.chunks_exact(channels)) {
                for ((gradient, kept), sum) in gradient.iter_mut().zip(kept).zip(sums.iter_mut()) {
                    let ($gradient, $kept) = (*gradient, *kept);
                    *gradient = $through;
                    *sum += *gradient;
                }
            }
        };
    }
    match activation {
        Activation::Identity | Activation::Relu | Activation::Relu6 => {
            let (low, high) = activation.range();
            each!(gradient, y => if y <= low || y >= high { 0.0 } else { gradient })
        }
        Activation::Silu => each!(gradient, x => {
            let gate = sigmoid::<V>(x);
            gradient * gate * (1.0 + x * (1.0 - gate))
        }),
        Activation::HardSwish => each!(gradient, x => {
            let inner = if x <= -3.0 || x >= 3.0 { 0.0 } else { x * (1.0 / 6.0) };
            gradient * (hard_sigmoid(x) + inner)
        }),
        Activation::Sigmoid => each!(gradient, y => gradient * y * (1.0 - y)),
        Activation::HardSigmoid => {
            each!(gradient, y => if y <= 0.0 || y >= 1.0 { 0.0 } else { gradient * (1.0 / 6.0) })
        }
    }
}
