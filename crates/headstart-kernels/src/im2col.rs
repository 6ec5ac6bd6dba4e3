//! Any other convolution: the windows of a block of output pixels gathered into rows, then a
//! matrix product (im2col, but only as much at a time as the cache holds).

use crate::shape::{Convolution, Shape};

/// Values of a page, and of a cache line.
const PAGE: usize = 1024;
const LINE: usize = 16;

/// Values from the beginning of a row of so many to the next one's, in a product: more than they are where rows
/// would begin whole pages apart, and so share a set of the first cache, which holds fewer than are read at once.
pub(crate) fn apart(values: usize) -> usize {
    if values.is_multiple_of(PAGE) { values + LINE } else { values }
}

/// Gathers the windows of output pixels `first..` into `rows`, `[pixels, kernel · kernel · C]`, which begin
/// `stride` values apart.
pub(crate) fn im2col(
    geometry: &Convolution,
    (input, shape): (&[f32], Shape),
    first: usize,
    rows: &mut [f32],
    stride: usize,
) {
    let output = geometry.output_shape(shape);
    let [kernel_height, kernel_width] = geometry.kernel;
    let line = kernel_width * shape.channels;
    let fan = kernel_height * line;
    for (index, row) in rows.chunks_exact_mut(stride).enumerate() {
        let pixel = first + index;
        let (image, y, x) = (
            pixel / (output.height * output.width),
            pixel / output.width % output.height,
            pixel % output.width,
        );
        let top = (y * geometry.stride[0]) as isize - geometry.padding.top as isize;
        let left = (x * geometry.stride[1]) as isize - geometry.padding.left as isize;
        // The window's columns that lie inside of the image.
        let start = (-left).clamp(0, kernel_width as isize) as usize;
        let end = (shape.width as isize - left).clamp(start as isize, kernel_width as isize) as usize;
        for (offset, part) in row[..fan].chunks_exact_mut(line).enumerate() {
            let source = top + offset as isize;
            if start == end || source < 0 || source >= shape.height as isize {
                part.fill(0.0);
                continue;
            }
            let from = (image * shape.height + source as usize) * shape.width;
            let from = (from + (left + start as isize) as usize) * shape.channels;
            part[..start * shape.channels].fill(0.0);
            part[start * shape.channels..end * shape.channels]
                .copy_from_slice(&input[from..from + (end - start) * shape.channels]);
            part[end * shape.channels..].fill(0.0);
        }
    }
}
