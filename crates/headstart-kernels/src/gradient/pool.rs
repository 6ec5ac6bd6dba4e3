//! Gradients of pooling.

use rayon::prelude::*;

use crate::shape::{Pool, Shape};

/// The gradient of [`crate::max_pool`]'s input: each window's goes to its largest value, the
/// first of them if there are several. Where windows overlap, a pixel gets what each gives it.
///
/// # Shapes
/// - `input`, `to`: `shape`
/// - `gradient`: [`Pool::output_shape`]
pub fn max_pool(input: &[f32], shape: Shape, pool: Pool, gradient: &[f32], to: &mut [f32]) {
    let out = pool.output_shape(shape);
    assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
    assert_eq!(to.len(), shape.len(), "a gradient of shape {shape:?}");
    assert_eq!(gradient.len(), out.len(), "gradient of shape {out:?}");
    let [image, windows] = [shape, out].map(|shape| shape.height * shape.width * shape.channels);
    let images = to.par_chunks_exact_mut(image).zip(input.par_chunks_exact(image));
    images.enumerate().for_each(|(index, (to, input))| {
        to.fill(0.0);
        add_windows(input, shape, pool, &gradient[index * windows..][..windows], to);
    });
}

/// Adds the gradients of all windows of one image.
fn add_windows(input: &[f32], shape: Shape, pool: Pool, gradient: &[f32], to: &mut [f32]) {
    let (out, channels) = (pool.output_shape(shape), shape.channels);
    let (mut largest, mut left) = (vec![0.0; channels], vec![0.0; channels]);
    for (index, gradient) in gradient.chunks_exact(channels).enumerate() {
        let columns = pool.places(index % out.width, shape.width);
        let rows = pool.places(index / out.width, shape.height);
        let pixels = || {
            let lines = rows.clone().map(|row| row * shape.width);
            lines.flat_map(|line| columns.clone().map(move |column| (line + column) * channels))
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
                *slot += if taken { *left } else { 0.0 };
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
