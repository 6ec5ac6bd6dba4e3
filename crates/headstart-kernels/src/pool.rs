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
