//! What happens to each pixel of a map by itself: its channels are scaled and shifted, or joined with those of other maps.

use rayon::prelude::*;

use crate::activation::Activation;
use crate::shape::Shape;
use crate::task_size::task_size;

/// Values that one task writes, about.
const BLOCK: usize = 1 << 14;

/// `activation(scale · x + shift)`, with a scale and a shift for each channel: batch normalisation in inference mode.
///
/// # Shapes
/// - `maps`, `output`: `shape`
/// - `scale`, `shift`: `[channels]`
pub fn affine(
    maps: &[f32],
    shape: Shape,
    [scale, shift]: [&[f32]; 2],
    activation: Activation,
    output: &mut [f32],
) {
    let channels = shape.channels;
    assert_eq!(maps.len(), shape.len(), "maps of shape {shape:?}");
    assert_eq!(output.len(), shape.len(), "an output of shape {shape:?}");
    assert_eq!([scale.len(), shift.len()], [channels; 2], "a scale and a shift for each channel");
    let (least, most) = activation.range();
    let size = pixels(shape) * channels;
    output.par_chunks_mut(size).zip(maps.par_chunks(size)).for_each(|(output, maps)| {
        for (output, pixel) in output.chunks_exact_mut(channels).zip(maps.chunks_exact(channels)) {
            let factors = pixel.iter().zip(scale.iter().zip(shift));
            for (slot, (value, (scale, shift))) in output.iter_mut().zip(factors) {
                *slot = within(value * scale + shift, least, most);
            }
        }
        activation.bend(output);
    });
}

/// `activation(left + right)`, value by value: what a residual block ends with.
///
/// # Shapes
/// - `left`, `right`, `output`: of one length
pub fn add(left: &[f32], right: &[f32], activation: Activation, output: &mut [f32]) {
    assert_eq!([left.len(), right.len()], [output.len(); 2], "maps of one shape");
    let (least, most) = activation.range();
    let blocks = output.par_chunks_mut(BLOCK).zip(left.par_chunks(BLOCK).zip(right.par_chunks(BLOCK)));
    blocks.for_each(|(output, (left, right))| {
        for (slot, (left, right)) in output.iter_mut().zip(left.iter().zip(right)) {
            *slot = within(left + right, least, most);
        }
        activation.bend(output);
    });
}

/// The channels of several maps of one size, one map's behind the other's.
///
/// # Shapes
/// - each of `maps`: `[batch, H, W, C]`, with its own number of channels `C`
/// - `shape`: `[batch, H, W, ΣC]`, that of `output`
pub fn concatenate(maps: &[(&[f32], usize)], shape: Shape, output: &mut [f32]) {
    let wide = shape.channels;
    assert_eq!(maps.iter().map(|(_, channels)| channels).sum::<usize>(), wide, "all channels");
    assert_eq!(output.len(), shape.len(), "an output of shape {shape:?}");
    let places = shape.len() / wide;
    assert!(maps.iter().all(|(values, channels)| values.len() == places * channels), "maps of one size");
    let count = pixels(shape);
    output.par_chunks_mut(count * wide).enumerate().for_each(|(task, output)| {
        let mut start = 0;
        for (values, channels) in maps {
            let values = values[task * count * channels..].chunks_exact(*channels);
            for (pixel, values) in output.chunks_exact_mut(wide).zip(values) {
                pixel[start..start + channels].copy_from_slice(values);
            }
            start += channels;
        }
    });
}

/// Clamped; written so that NaN stays NaN.
#[inline(always)]
fn within(value: f32, least: f32, most: f32) -> f32 {
    let value = if value < least { least } else { value };
    if value > most { most } else { value }
}

/// Pixels of one task.
fn pixels(shape: Shape) -> usize {
    task_size(shape.len() / shape.channels, (BLOCK / shape.channels).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(length: usize, step: f32) -> Vec<f32> {
        (0..length).map(|index| (index as f32 * step).sin() * 3.0).collect()
    }

    #[test]
    fn values_are_scaled_shifted_and_activated() {
        let shape = Shape { batch: 2, height: 31, width: 17, channels: 37 };
        let (maps, scale, shift) = (ramp(shape.len(), 0.37), ramp(37, 1.1), ramp(37, 0.7));
        for activation in Activation::ALL {
            let mut output = vec![0.0; shape.len()];
            affine(&maps, shape, [&scale, &shift], activation, &mut output);
            for (index, found) in output.iter().enumerate() {
                let sum = maps[index] * scale[index % 37] + shift[index % 37];
                let expected = match activation {
                    Activation::Identity => sum,
                    Activation::Relu => sum.max(0.0),
                    Activation::Relu6 => sum.clamp(0.0, 6.0),
                    Activation::Silu => sum / (1.0 + (-sum).exp()),
                    Activation::HardSwish => sum * (sum + 3.0).clamp(0.0, 6.0) / 6.0,
                    Activation::Sigmoid => 1.0 / (1.0 + (-sum).exp()),
                    Activation::HardSigmoid => (sum + 3.0).clamp(0.0, 6.0) / 6.0,
                };
                assert!((found - expected).abs() < 1e-5, "{activation:?}: {found} {expected}");
            }
        }
        let mut output = vec![0.0; shape.len()];
        affine(&vec![f32::NAN; shape.len()], shape, [&scale, &shift], Activation::Relu6, &mut output);
        assert!(output.iter().all(|value| value.is_nan()));
    }

    #[test]
    fn channels_lie_behind_each_other() {
        let shape = Shape { batch: 3, height: 7, width: 5, channels: 9 };
        let (first, second) = (ramp(3 * 35 * 4, 0.3), ramp(3 * 35 * 5, 0.9));
        let mut output = vec![0.0; shape.len()];
        concatenate(&[(&first, 4), (&second, 5)], shape, &mut output);
        for (place, pixel) in output.chunks_exact(9).enumerate() {
            assert_eq!(pixel[..4], first[place * 4..][..4]);
            assert_eq!(pixel[4..], second[place * 5..][..5]);
        }
    }
}
