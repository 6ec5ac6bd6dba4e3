//! Gradients through an activation, and of what is added to every pixel.

use rayon::prelude::*;

use crate::shape::Activation;

/// Values that one task handles.
const BLOCK: usize = 1 << 14;
/// Channels that one task sums.
const STRIP: usize = 64;

/// Lets through the gradient where the activation did not clamp, by its output.
pub fn activation(activation: Activation, output: &[f32], gradient: &mut [f32]) {
    assert_eq!(output.len(), gradient.len(), "a gradient like the output");
    let (low, high) = match activation {
        Activation::Identity => return,
        Activation::Relu | Activation::Relu6 => activation.range(),
    };
    gradient.par_chunks_mut(BLOCK).zip(output.par_chunks(BLOCK)).for_each(|(gradient, output)| {
        for (gradient, output) in gradient.iter_mut().zip(output) {
            *gradient = if *output <= low || *output >= high { 0.0 } else { *gradient };
        }
    });
}

/// The gradient of a bias: its channel's gradients, summed over all pixels.
///
/// # Shapes
/// - `gradient`: `[pixels, channels]`
/// - `bias`: `[channels]`
pub fn bias(gradient: &[f32], bias: &mut [f32]) {
    let channels = bias.len();
    assert!(gradient.len().is_multiple_of(channels), "whole pixels of {channels} channels");
    bias.par_chunks_mut(STRIP).enumerate().for_each(|(index, sums)| {
        sums.fill(0.0);
        for pixel in gradient.chunks_exact(channels) {
            let strip = &pixel[index * STRIP..][..sums.len()];
            sums.iter_mut().zip(strip).for_each(|(sum, value)| *sum += value);
        }
    });
}
