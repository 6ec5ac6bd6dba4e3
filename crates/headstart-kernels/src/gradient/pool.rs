//! Gradients of pooling.

use rayon::prelude::*;

use crate::shape::Shape;

/// The gradient of [`crate::max_pool`]'s input: each window's goes to its largest value, the
/// first of them if there are several.
///
/// # Shapes
/// - `input`, `to`: `shape`
/// - `gradient`: `[batch, height / window, width / window, channels]`
pub fn max_pool(input: &[f32], shape: Shape, window: usize, gradient: &[f32], to: &mut [f32]) {
    let (height, width, channels) = (shape.height / window, shape.width / window, shape.channels);
    assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
    assert_eq!(to.len(), shape.len(), "a gradient of shape {shape:?}");
    assert_eq!(gradient.len(), shape.batch * height * width * channels, "gradient of {height}×{width}");
    let line = shape.width * channels;
    let images =
        to.par_chunks_exact_mut(shape.height * line).zip(input.par_chunks_exact(shape.height * line));
    images.enumerate().for_each(|(image, (to, input))| {
        // Bands of `window` lines; what is left at the bottom and right belongs to no window.
        let bands = to.par_chunks_mut(window * line).zip(input.par_chunks(window * line));
        bands.enumerate().for_each(|(y, (to, input))| {
            to.fill(0.0);
            if y < height {
                let gradient = &gradient[(image * height + y) * width * channels..][..width * channels];
                band(input, shape, window, gradient, to);
            }
        });
    });
}

/// One line of windows.
fn band(input: &[f32], shape: Shape, window: usize, gradient: &[f32], to: &mut [f32]) {
    let channels = shape.channels;
    let (mut largest, mut left) = (vec![0.0; channels], vec![0.0; channels]);
    for (x, gradient) in gradient.chunks_exact(channels).enumerate() {
        let pixels = || {
            (0..window * window)
                .map(|tap| (tap / window * shape.width + x * window + tap % window) * channels)
        };
        largest.fill(f32::NEG_INFINITY);
        for pixel in pixels() {
            for (largest, value) in largest.iter_mut().zip(&input[pixel..][..channels]) {
                *largest = largest.max(*value);
            }
        }
        // What no pixel has taken yet.
        left.copy_from_slice(gradient);
        for pixel in pixels() {
            let values = input[pixel..][..channels].iter().zip(&largest);
            let slots = to[pixel..][..channels].iter_mut().zip(&mut left);
            for ((value, largest), (slot, left)) in values.zip(slots) {
                let taken = value == largest;
                *slot = if taken { *left } else { 0.0 };
                *left = if taken { 0.0 } else { *left };
            }
        }
    }
}

/// The gradient of [`crate::global_average_pool`]'s input.
///
/// # Shapes
/// - `gradient`: `[batch, channels]`
/// - `to`: `shape`
pub fn global_average_pool(gradient: &[f32], shape: Shape, to: &mut [f32]) {
    assert_eq!(gradient.len(), shape.batch * shape.channels, "one value for each image and channel");
    assert_eq!(to.len(), shape.len(), "a gradient of shape {shape:?}");
    let scale = 1.0 / (shape.height * shape.width) as f32;
    let image = shape.height * shape.width * shape.channels;
    let images = to.par_chunks_exact_mut(image).zip(gradient.par_chunks_exact(shape.channels));
    images.for_each(|(pixels, means)| {
        for pixel in pixels.chunks_exact_mut(shape.channels) {
            pixel.iter_mut().zip(means).for_each(|(slot, mean)| *slot = mean * scale);
        }
    });
}
