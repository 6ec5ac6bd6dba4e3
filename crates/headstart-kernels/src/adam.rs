//! Adam (Kingma & Ba 2014) and AdamW (Loshchilov & Hutter 2017), in one pass over memory.

use rayon::prelude::*;

use crate::vector::{Vector, with_vector};

/// Values that one task steps.
const BLOCK: usize = 1 << 14;

/// One step, as Keras takes it: `w ← keep · w − rate · m / (√v + epsilon)`, the bias corrections
/// being part of the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// `learning rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ)`.
    pub rate: f32,
    /// Decay of the first moment, the mean of gradients.
    pub beta_1: f32,
    /// Decay of the second moment, the mean of their squares.
    pub beta_2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// What decoupled weight decay leaves of a weight: 1 without it.
    pub keep: f32,
}

/// Steps `values` and both moments in place; all slices are of one length.
pub fn adam(step: Adam, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
    let length = values.len();
    assert_eq!(
        [gradient.len(), first.len(), second.len()],
        [length; 3],
        "a gradient and moments like the values"
    );
    let moments = first.par_chunks_mut(BLOCK).zip(second.par_chunks_mut(BLOCK));
    let blocks = values.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK)).zip(moments);
    blocks.for_each(|((values, gradient), (first, second))| {
        // SAFETY: plain Rust, compiled for the instruction set that was found.
        unsafe { block(step, values, gradient, first, second) }
    });
}

with_vector! {
    unsafe fn block(step: Adam, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) = block_with;
}

/// The compiler vectorises this for each `V` by itself.
#[inline(always)]
unsafe fn block_with<V: Vector>(
    step: Adam,
    values: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let moments = first.iter_mut().zip(second);
    for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
        *first += (gradient - *first) * (1.0 - step.beta_1);
        *second += (gradient * gradient - *second) * (1.0 - step.beta_2);
        *value = *value * step.keep - step.rate * *first / (second.sqrt() + step.epsilon);
    }
}
