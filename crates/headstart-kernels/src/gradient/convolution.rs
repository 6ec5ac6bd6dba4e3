//! Gradients of a convolution.

use rayon::prelude::*;

use super::{col2im, depthwise};
use crate::convolution::PackedConvolution;
use crate::im2col::im2col;
use crate::matmul::{Columns, Epilogue, PackedMatrix, multiply_transposed};
use crate::scratch::Scratch;
use crate::shape::{Convolution, Shape};
use crate::winograd::{self, Kernels};

/// Pixels that are summed at a time: a fixed number, so that the order of the sum is fixed.
const PIXELS: usize = 4096;
/// Pixels whose windows one task gathers.
const GATHERED: usize = 48;

/// The gradient of a convolution's input.
///
/// # Shapes
/// - `weight`: `[out_channels, in_channels / groups, kernel, kernel]`
/// - `gradient`: [`Convolution::output_shape`]
/// - `input`: `shape`
pub fn convolution_input(
    geometry: &Convolution,
    weight: &[f32],
    gradient: &[f32],
    shape: Shape,
    input: &mut [f32],
) {
    let out = geometry.output_shape(shape);
    assert_eq!(gradient.len(), out.len(), "a gradient of shape {out:?}");
    assert_eq!(input.len(), shape.len(), "an input of shape {shape:?}");
    if winograd::fits(geometry) && winograd::on_the_fly::suits(out) {
        let kernels = Kernels::backward(weight, geometry.in_channels, geometry.out_channels);
        return winograd::on_the_fly::forward(kernels, gradient, out, input, Epilogue::PLAIN);
    }
    // At stride 1 it is the convolution of the output's gradient with the kernels turned.
    if let Some(convolution) = PackedConvolution::turned(geometry, weight) {
        convolution.forward(gradient, out, None, input);
    } else if geometry.is_depthwise() {
        depthwise::input(geometry, weight, gradient, shape, input);
    } else {
        col2im::input(geometry, weight, gradient, shape, input);
    }
}

/// The gradient of a convolution's weight.
///
/// # Shapes
/// - `input`: `shape`
/// - `gradient`: [`Convolution::output_shape`]
/// - `weight`: `[out_channels, in_channels / groups, kernel, kernel]`
pub fn convolution_weight(
    geometry: &Convolution,
    input: &[f32],
    shape: Shape,
    gradient: &[f32],
    weight: &mut [f32],
) {
    let out = geometry.output_shape(shape);
    assert_eq!(input.len(), shape.len(), "an input of shape {shape:?}");
    assert_eq!(gradient.len(), out.len(), "a gradient of shape {out:?}");
    assert_eq!(weight.len(), geometry.out_channels * geometry.fan(), "weights of {geometry:?}");
    if geometry.is_depthwise() {
        depthwise::weight(geometry, input, shape, gradient, weight);
    } else if winograd::fits(geometry) {
        winograd::weight_gradient(input, shape, gradient, weight);
    } else if geometry.is_pointwise() {
        let rows = |first: usize, count: usize| {
            let channels = geometry.in_channels;
            PackedMatrix::from_rows(channels, &input[first * channels..][..count * channels])
        };
        by_pixels(gradient, out, rows, weight);
    } else {
        let mut by_taps = Scratch::new(weight.len());
        by_pixels(gradient, out, |first, count| windows(geometry, input, shape, first, count), &mut by_taps);
        taps_last(geometry, &by_taps, weight);
    }
}

/// `gradientᵀ · rows`, where `rows(first, count)` are what so many output pixels were computed from.
fn by_pixels(
    gradient: &[f32],
    shape: Shape,
    rows: impl Fn(usize, usize) -> PackedMatrix,
    weight: &mut [f32],
) {
    for first in (0..shape.pixels()).step_by(PIXELS) {
        let count = PIXELS.min(shape.pixels() - first);
        let values = &gradient[first * shape.channels..][..count * shape.channels];
        let columns = Columns { values, stride: shape.channels };
        let epilogue = if first == 0 { Epilogue::PLAIN } else { Epilogue::ACCUMULATE };
        multiply_transposed(columns, rows(first, count).panels(), weight, epilogue);
    }
}

fn windows(geometry: &Convolution, input: &[f32], shape: Shape, first: usize, count: usize) -> PackedMatrix {
    let fan = geometry.fan();
    let mut rows = Scratch::new(count * fan);
    rows.par_chunks_mut(GATHERED * fan).enumerate().for_each(|(index, rows)| {
        im2col(geometry, (input, shape), first + index * GATHERED, rows, fan);
    });
    PackedMatrix::from_rows(fan, &rows)
}

/// `[out, kernel, kernel, in]` to `[out, in, kernel, kernel]`.
fn taps_last(geometry: &Convolution, by_taps: &[f32], weight: &mut [f32]) {
    let (fan, channels) = (geometry.fan(), geometry.in_channels);
    weight.par_chunks_exact_mut(fan).zip(by_taps.par_chunks_exact(fan)).for_each(|(weight, by_taps)| {
        for (channel, kernel) in weight.chunks_exact_mut(fan / channels).enumerate() {
            kernel
                .iter_mut()
                .zip(by_taps.iter().skip(channel).step_by(channels))
                .for_each(|(slot, tap)| *slot = *tap);
        }
    });
}
