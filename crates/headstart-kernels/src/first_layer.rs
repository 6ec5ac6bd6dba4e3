//! Convolutions of few input channels, such as a net's first: the windows of a line of output
//! pixels are runs of a few padded input lines, which the matrix product reads where they lie.

use rayon::prelude::*;

use crate::matmul::{Epilogue, PackedMatrix, Panels, Windows, multiply_windows};
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
    epilogue: Epilogue<'_>,
) {
    let out = geometry.output_shape(shape);
    let line = out.width * out.channels;
    let scratch = || Scratch::new(scratch_len(geometry, shape));
    output.par_chunks_mut(line).enumerate().for_each_init(scratch, |lines, (index, output)| {
        let image = shape.height * shape.width * shape.channels;
        let image = &input[index / out.height * image..][..image];
        let residual = epilogue.residual.map(|residual| &residual[index * line..][..line]);
        let epilogue = Epilogue { residual, ..epilogue };
        output_line(geometry, matrix.panels(), (image, shape), index % out.height, lines, output, epilogue);
    });
}

/// Values of the padded lines that a line of output is computed from.
pub(crate) fn scratch_len(geometry: &Convolution, shape: Shape) -> usize {
    geometry.kernel[0] * padded(geometry, shape)
}

/// Values of one padded line.
fn padded(geometry: &Convolution, shape: Shape) -> usize {
    (shape.width + geometry.padding.left + geometry.padding.right) * shape.channels
}

/// Computes line `y` of one image's output, the columns of `matrix`.
pub(crate) fn output_line(
    geometry: &Convolution,
    matrix: Panels<'_>,
    (image, shape): (&[f32], Shape),
    y: usize,
    lines: &mut [f32],
    output: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    pad(geometry, image, shape, y * geometry.stride[0], lines);
    let windows = Windows {
        values: lines,
        stride: geometry.stride[1] * shape.channels,
        count: geometry.kernel[0],
        run: geometry.kernel[1] * shape.channels,
        jump: padded(geometry, shape),
    };
    multiply_windows(windows, matrix, output, epilogue);
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
