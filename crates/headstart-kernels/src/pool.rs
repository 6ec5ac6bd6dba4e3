//! Pooling.

use rayon::prelude::*;

use crate::shape::{Pool, Shape};

/// The largest value of each window.
///
/// # Shapes
/// - `input`: `shape`
/// - `output`: [`Pool::output_shape`]
pub fn max_pool(input: &[f32], shape: Shape, pool: Pool, output: &mut [f32]) {
    let (out, channels) = (pool.output_shape(shape), shape.channels);
    assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
    assert_eq!(output.len(), out.len(), "output of shape {out:?}");
    output.par_chunks_mut(out.width * channels).enumerate().for_each(|(index, line)| {
        let (image, rows) = (index / out.height, pool.places(index % out.height, shape.height));
        for (x, pixel) in line.chunks_exact_mut(channels).enumerate() {
            pixel.fill(f32::NEG_INFINITY);
            let columns = pool.places(x, shape.width);
            for row in rows.clone() {
                let first = (image * shape.height + row) * shape.width + columns.start;
                for source in input[first * channels..][..columns.len() * channels].chunks_exact(channels) {
                    for (largest, value) in pixel.iter_mut().zip(source) {
                        // NaN is larger than anything, and stays.
                        *largest = if *value > *largest || value.is_nan() { *value } else { *largest };
                    }
                }
            }
        }
    });
}

/// The mean of each window of `window × window` pixels. Windows lie side by side, all within the map: what is left at the
/// right and at the bottom does not count.
///
/// # Shapes
/// - `input`: `shape`
/// - `output`: `[batch, H / window, W / window, C]`
pub fn average_pool(input: &[f32], shape: Shape, window: usize, output: &mut [f32]) {
    let (channels, height, width) = (shape.channels, shape.height / window, shape.width / window);
    assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
    assert_eq!(output.len(), shape.batch * height * width * channels, "output of {height}×{width} pixels");
    let share = 1.0 / (window * window) as f32;
    output.par_chunks_mut(width * channels).enumerate().for_each(|(index, line)| {
        let (image, row) = (index / height, index % height * window);
        for (x, pixel) in line.chunks_exact_mut(channels).enumerate() {
            pixel.fill(0.0);
            for row in row..row + window {
                let first = (image * shape.height + row) * shape.width + x * window;
                for source in input[first * channels..][..window * channels].chunks_exact(channels) {
                    pixel.iter_mut().zip(source).for_each(|(sum, value)| *sum += value);
                }
            }
            pixel.iter_mut().for_each(|sum| *sum *= share);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_their_means_and_the_rest_does_not_count() {
        let shape = Shape { batch: 2, height: 5, width: 7, channels: 3 };
        let input: Vec<f32> = (0..shape.len()).map(|index| (index * index % 97) as f32).collect();
        let mut output = vec![0.0; 2 * 2 * 3 * 3];
        average_pool(&input, shape, 2, &mut output);
        let at =
            |image: usize, y: usize, x: usize, channel: usize| input[((image * 5 + y) * 7 + x) * 3 + channel];
        for (index, found) in output.iter().enumerate() {
            let (channel, x, y, image) = (index % 3, index / 3 % 3 * 2, index / 9 % 2 * 2, index / 18);
            let sum: f32 = [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(down, right)| at(image, y + down, x + right, channel))
                .iter()
                .sum();
            assert_eq!(*found, sum / 4.0);
        }
    }
}
