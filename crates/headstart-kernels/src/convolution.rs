//! A convolution with its weights packed for the algorithm that suits its geometry.

use rayon::prelude::*;

use crate::depthwise::Depthwise;
use crate::gather::gather;
use crate::matmul::{Finish, PackedMatrix, multiply};
use crate::shape::{Activation, Convolution, Shape};
use crate::winograd::Winograd;

/// Output pixels that one task computes by a matrix product.
const PIXELS: usize = 48;

/// `activation(convolution(x) + bias + residual)`, its weights packed once.
#[derive(Debug)]
pub struct PackedConvolution {
    geometry: Convolution,
    bias: Vec<f32>,
    activation: Activation,
    algorithm: Algorithm,
}

#[derive(Debug)]
enum Algorithm {
    Winograd(Winograd),
    Depthwise(Depthwise),
    /// 1×1 at stride 1: the pixels are the rows of a matrix already.
    Pointwise(PackedMatrix),
    Gathered(PackedMatrix),
}

impl PackedConvolution {
    /// Packs weights.
    ///
    /// # Shapes
    /// - `weight`: `[out_channels, in_channels / groups, kernel, kernel]`
    /// - `bias`: `[out_channels]`
    ///
    /// # Panics
    /// When the lengths do not fit, or `groups` is neither 1 nor the number of channels.
    pub fn new(geometry: Convolution, weight: &[f32], bias: &[f32], activation: Activation) -> Self {
        let size = geometry.kernel[0] * geometry.kernel[1];
        let fan = geometry.in_channels / geometry.groups * size;
        assert_eq!(weight.len(), geometry.out_channels * fan, "weights of {geometry:?}");
        assert_eq!(bias.len(), geometry.out_channels, "a bias for each output channel");
        let algorithm = if geometry.is_depthwise() {
            let channels = [geometry.in_channels, geometry.out_channels];
            assert_eq!(channels, [geometry.groups; 2], "groups are 1 or the number of channels");
            Algorithm::Depthwise(Depthwise::new(&geometry, weight))
        } else if Winograd::fits(&geometry) {
            Algorithm::Winograd(Winograd::new(&geometry, weight))
        } else {
            // Rows in the order in which windows are gathered: kernel row, kernel column, channel.
            let matrix = PackedMatrix::new(fan, geometry.out_channels, |row, out| {
                let (tap, channel) = (row / geometry.in_channels, row % geometry.in_channels);
                weight[out * fan + channel * size + tap]
            });
            match size == 1 && geometry.stride == [1, 1] {
                true => Algorithm::Pointwise(matrix),
                false => Algorithm::Gathered(matrix),
            }
        };
        Self { geometry, bias: bias.to_vec(), activation, algorithm }
    }

    /// The shape behind the convolution.
    pub fn output_shape(&self, input: Shape) -> Shape {
        self.geometry.output_shape(input)
    }

    /// Computes a batch.
    ///
    /// # Shapes
    /// - `input`: `shape`
    /// - `residual`, `output`: [`PackedConvolution::output_shape`]
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn forward(&self, input: &[f32], shape: Shape, residual: Option<&[f32]>, output: &mut [f32]) {
        let out = self.output_shape(shape);
        assert_eq!(shape.channels, self.geometry.in_channels, "input channels");
        assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
        assert_eq!(output.len(), out.len(), "output of shape {out:?}");
        assert!(residual.is_none_or(|residual| residual.len() == out.len()), "residual of shape {out:?}");
        let finish = Finish { bias: Some(&self.bias), residual, range: self.activation.range() };
        match &self.algorithm {
            Algorithm::Winograd(winograd) => winograd.forward(input, shape, output, finish),
            Algorithm::Depthwise(depthwise) => {
                depthwise.forward(&self.geometry, input, shape, output, finish)
            }
            Algorithm::Pointwise(matrix) => by_pixels(output, out, finish, |first, part, finish| {
                let rows = &input[first * matrix.rows..][..part.len() / out.channels * matrix.rows];
                multiply(rows, matrix, part, finish);
            }),
            Algorithm::Gathered(matrix) => by_pixels(output, out, finish, |first, part, finish| {
                let mut rows = vec![0.0; part.len() / out.channels * matrix.rows];
                gather(&self.geometry, input, shape, first, &mut rows);
                multiply(&rows, matrix, part, finish);
            }),
        }
    }
}

/// Computes the output in parallel blocks of [`PIXELS`] pixels: `block(first pixel, values, finish)`.
fn by_pixels(
    output: &mut [f32],
    shape: Shape,
    finish: Finish<'_>,
    block: impl Fn(usize, &mut [f32], Finish<'_>) + Sync,
) {
    // Few pixels are shared out so that each thread has some.
    let pixels = PIXELS.min(shape.pixels().div_ceil(rayon::current_num_threads())).max(1);
    output.par_chunks_mut(pixels * shape.channels).enumerate().for_each(|(index, part)| {
        let start = index * pixels * shape.channels;
        let residual = finish.residual.map(|residual| &residual[start..start + part.len()]);
        block(index * pixels, part, Finish { residual, ..finish });
    });
}
