//! What happens to each channel of each image by itself.

use rayon::prelude::*;

use crate::shape::Shape;

/// Channels that one task sums.
const STRIP: usize = 256;

/// Each channel of each image times its factor.
///
/// # Shapes
/// - `maps`, `scaled`: `shape`
/// - `factors`: `[batch, channels]`
pub fn scale_channels(maps: &[f32], shape: Shape, factors: &[f32], scaled: &mut [f32]) {
    assert_eq!(maps.len(), shape.len(), "maps of shape {shape:?}");
    assert_eq!(scaled.len(), shape.len(), "scaled maps of shape {shape:?}");
    assert_eq!(factors.len(), shape.batch * shape.channels, "a factor for each image and channel");
    let line = shape.width * shape.channels;
    let lines = scaled.par_chunks_mut(line).zip(maps.par_chunks(line)).enumerate();
    lines.for_each(|(index, (scaled, maps))| {
        let factors = &factors[index / shape.height * shape.channels..][..shape.channels];
        let pixels = scaled.chunks_exact_mut(shape.channels).zip(maps.chunks_exact(shape.channels));
        for (scaled, pixel) in pixels {
            let values = scaled.iter_mut().zip(pixel.iter().zip(factors));
            values.for_each(|(slot, (value, factor))| *slot = value * factor);
        }
    });
}

/// The gradient of [`scale_channels`]' factors: each channel's gradients times its values, summed.
///
/// # Shapes
/// - `maps`, `gradient`: `shape`
/// - `factors`: `[batch, channels]`
pub fn channel_factors(maps: &[f32], shape: Shape, gradient: &[f32], factors: &mut [f32]) {
    assert_eq!(maps.len(), shape.len(), "maps of shape {shape:?}");
    assert_eq!(gradient.len(), shape.len(), "a gradient of shape {shape:?}");
    each_strip(shape, factors, |sums, pixel| {
        let values = sums.iter_mut().zip(maps[pixel..].iter().zip(&gradient[pixel..]));
        values.for_each(|(sum, (value, gradient))| *sum += value * gradient);
    });
}

/// The mean over height and width.
///
/// # Shapes
/// - `input`: `shape`
/// - `output`: `[batch, channels]`
pub fn global_average_pool(input: &[f32], shape: Shape, output: &mut [f32]) {
    assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
    each_strip(shape, output, |sums, pixel| {
        sums.iter_mut().zip(&input[pixel..]).for_each(|(sum, value)| *sum += value);
    });
    let scale = 1.0 / (shape.height * shape.width) as f32;
    output.iter_mut().for_each(|sum| *sum *= scale);
}

/// Sums up what `add(sums, index of the first value)` adds of some channels of each pixel, pixel by pixel, into
/// `[batch, channels]`.
fn each_strip(shape: Shape, sums: &mut [f32], add: impl Fn(&mut [f32], usize) + Sync) {
    assert_eq!(sums.len(), shape.batch * shape.channels, "one value for each image and channel");
    let pixels = shape.height * shape.width;
    sums.par_chunks_mut(shape.channels).enumerate().for_each(|(image, sums)| {
        sums.par_chunks_mut(STRIP).enumerate().for_each(|(strip, sums)| {
            sums.fill(0.0);
            let first = image * pixels * shape.channels + strip * STRIP;
            (0..pixels).for_each(|pixel| add(sums, first + pixel * shape.channels));
        });
    });
}
