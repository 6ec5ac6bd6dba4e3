//! Pooling.

use rayon::prelude::*;

use crate::shape::Shape;

/// The largest value of each `window`² at stride `window`, without padding.
///
/// # Shapes
/// - `input`: `shape`
/// - `output`: `[batch, height / window, width / window, channels]`
pub fn max_pool(input: &[f32], shape: Shape, window: usize, output: &mut [f32]) {
    assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
    let (height, width) = (shape.height / window, shape.width / window);
    assert_eq!(output.len(), shape.batch * height * width * shape.channels, "output of {height}×{width}");
    output.par_chunks_mut(width * shape.channels).enumerate().for_each(|(index, line)| {
        let (image, y) = (index / height, index % height);
        for (x, pixel) in line.chunks_exact_mut(shape.channels).enumerate() {
            pixel.fill(f32::NEG_INFINITY);
            for row in 0..window {
                let first = (image * shape.height + y * window + row) * shape.width + x * window;
                let values = &input[first * shape.channels..][..window * shape.channels];
                for source in values.chunks_exact(shape.channels) {
                    for (largest, value) in pixel.iter_mut().zip(source) {
                        // NaN is larger than anything, and stays.
                        *largest = if *value > *largest || value.is_nan() { *value } else { *largest };
                    }
                }
            }
        }
    });
}

/// The mean over height and width.
///
/// # Shapes
/// - `input`: `shape`
/// - `output`: `[batch, channels]`
pub fn global_average_pool(input: &[f32], shape: Shape, output: &mut [f32]) {
    assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
    assert_eq!(output.len(), shape.batch * shape.channels, "one value for each image and channel");
    let scale = 1.0 / (shape.height * shape.width) as f32;
    let image = shape.height * shape.width * shape.channels;
    output.par_chunks_mut(shape.channels).zip(input.par_chunks(image)).for_each(|(means, pixels)| {
        means.fill(0.0);
        for pixel in pixels.chunks_exact(shape.channels) {
            means.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += value);
        }
        means.iter_mut().for_each(|mean| *mean *= scale);
    });
}
