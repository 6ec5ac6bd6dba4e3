//! The input gradient of a convolution with a stride: each output pixel's gradient times the
//! weights, added to the window that the pixel was computed from.

use rayon::prelude::*;

use crate::matmul::{Epilogue, PackedMatrix, Rows, multiply};
use crate::scratch::Scratch;
use crate::shape::{Convolution, Shape};

/// Images are independent; an image's windows are added in order.
pub(super) fn input(
    geometry: &Convolution,
    weight: &[f32],
    gradient: &[f32],
    shape: Shape,
    input: &mut [f32],
) {
    let out = geometry.output_shape(shape);
    let (fan, channels) = (geometry.fan(), geometry.in_channels);
    let taps = geometry.kernel[0] * geometry.kernel[1];
    let matrix = PackedMatrix::new(geometry.out_channels, fan, |output, column| {
        weight[output * fan + column % channels * taps + column / channels]
    });
    let line = out.width * out.channels;
    let images = input.par_chunks_exact_mut(shape.height * shape.width * channels);
    images.zip(gradient.par_chunks_exact(out.height * line)).for_each(|(image, gradient)| {
        image.fill(0.0);
        let mut windows = Scratch::new(out.width * fan);
        for (y, values) in gradient.chunks_exact(line).enumerate() {
            let rows = Rows { values, stride: out.channels };
            multiply(rows, matrix.panels(), &mut windows, Epilogue::PLAIN);
            for (x, window) in windows.chunks_exact(fan).enumerate() {
                add_window(geometry, window, (y, x), shape, image);
            }
        }
    });
}

/// Adds a window `[kernel, kernel, C]` where output pixel `(y, x)` read it.
fn add_window(
    geometry: &Convolution,
    window: &[f32],
    (y, x): (usize, usize),
    shape: Shape,
    image: &mut [f32],
) {
    let inside = |place: usize, padding: usize, length: usize| {
        place.checked_sub(padding).filter(|place| *place < length)
    };
    let channels = shape.channels;
    for (tap, values) in window.chunks_exact(channels).enumerate() {
        let (row, column) = (tap / geometry.kernel[1], tap % geometry.kernel[1]);
        let (Some(y), Some(x)) = (
            inside(y * geometry.stride[0] + row, geometry.padding.top, shape.height),
            inside(x * geometry.stride[1] + column, geometry.padding.left, shape.width),
        ) else {
            continue;
        };
        let pixel = &mut image[(y * shape.width + x) * channels..][..channels];
        pixel.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
}
