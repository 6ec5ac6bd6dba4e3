//! Convolutions of few input channels, such as a net's first: the windows of a line of output
//! pixels are runs of a few padded input lines, which the matrix product reads where they lie.

use rayon::prelude::*;

use crate::matmul::{Finish, PackedMatrix, Windows, multiply_windows};
use crate::scratch::Scratch;
use crate::shape::{Convolution, Shape};

/// Inputs of an output up to which windows are summed in one go.
const FAN: usize = 256;
/// Channels of which a whole register could be copied: gathering windows is cheap from there on.
const CHANNELS: usize = 16;

/// Whether this algorithm computes `geometry`.
pub(crate) fn fits(geometry: &Convolution) -> bool {
    geometry.groups == 1
        && geometry.in_channels < CHANNELS
        && geometry.fan() <= FAN
        && !geometry.is_pointwise()
}

/// Computes a batch. `matrix` has a row for each kernel row, kernel column and input channel.
pub(crate) fn forward(
    geometry: &Convolution,
    matrix: &PackedMatrix,
    input: &[f32],
    shape: Shape,
    output: &mut [f32],
    finish: Finish<'_>,
) {
    let out = geometry.output_shape(shape);
    let [height, width] = geometry.kernel;
    let padded = (shape.width + geometry.padding.left + geometry.padding.right) * shape.channels;
    let line = out.width * out.channels;
    let scratch = || Scratch::new(height * padded);
    output.par_chunks_mut(line).enumerate().for_each_init(scratch, |lines, (index, output)| {
        let image = shape.height * shape.width * shape.channels;
        let image = &input[index / out.height * image..][..image];
        pad(geometry, image, shape, index % out.height * geometry.stride[0], lines);
        let windows = Windows {
            values: lines,
            stride: geometry.stride[1] * shape.channels,
            count: height,
            run: width * shape.channels,
            jump: padded,
        };
        let residual = finish.residual.map(|residual| &residual[index * line..][..line]);
        multiply_windows(windows, matrix.panels(), output, Finish { residual, ..finish });
    });
}

/// Copies the lines of an image from line `top` of the padded image on, with zeros around them.
fn pad(geometry: &Convolution, image: &[f32], shape: Shape, top: usize, lines: &mut [f32]) {
    let (row, left) = (shape.width * shape.channels, geometry.padding.left * shape.channels);
    for (offset, line) in lines.chunks_exact_mut(lines.len() / geometry.kernel[0]).enumerate() {
        match (top + offset).checked_sub(geometry.padding.top).filter(|y| *y < shape.height) {
            Some(y) => {
                line[..left].fill(0.0);
                line[left..left + row].copy_from_slice(&image[y * row..][..row]);
                line[left + row..].fill(0.0);
            }
            None => line.fill(0.0),
        }
    }
}
