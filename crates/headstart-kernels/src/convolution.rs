//! A convolution with its weights packed for the algorithm that suits its geometry.

use rayon::prelude::*;

use crate::activation::Activation;
use crate::depthwise::Depthwise;
use crate::first_layer;
use crate::im2col::{apart, im2col};
use crate::matmul::{Epilogue, PackedMatrix, Rows, multiply};
use crate::pool::max_pool;
use crate::scratch::Scratch;
use crate::shape::{Convolution, Padding, Pool, Shape};
use crate::task_size::task_size;
use crate::winograd::{self, Kernels, Winograd};

/// Output pixels that a task computes by a matrix product, or about so many.
const PIXELS: usize = 56;

/// `activation(convolution(x) + bias + residual)`, its weights packed once.
#[derive(Debug)]
pub struct PackedConvolution {
    pub(crate) geometry: Convolution,
    pub(crate) bias: Vec<f32>,
    pub(crate) activation: Activation,
    algorithm: Algorithm,
}

#[derive(Debug)]
enum Algorithm {
    Winograd(Winograd),
    Depthwise(Depthwise),
    /// 1×1 at stride 1: the pixels are the rows of a matrix already.
    Pointwise(PackedMatrix),
    /// Few input channels.
    FirstLayer(PackedMatrix),
    Gathered(PackedMatrix),
}

impl Algorithm {
    /// The one that suits `geometry`, for weights that are used often.
    fn new(geometry: &Convolution, weight: &[f32]) -> Self {
        let kernels = Kernels::forward(weight, geometry.in_channels, geometry.out_channels);
        match Winograd::new(geometry, kernels) {
            Some(winograd) => Self::Winograd(winograd),
            None => Self::direct(geometry, weight),
        }
    }

    /// The one whose weights need no transform.
    fn direct(geometry: &Convolution, weight: &[f32]) -> Self {
        let (inputs, fan) = (geometry.in_channels, geometry.fan());
        if geometry.is_depthwise() {
            let channels = [inputs, geometry.out_channels];
            assert_eq!(channels, [geometry.groups; 2], "groups are 1 or the number of channels");
            return Self::Depthwise(Depthwise::new(geometry, weight));
        }
        // Rows in the order in which windows are gathered: kernel row, kernel column, channel.
        let size = fan / inputs;
        let matrix = PackedMatrix::new(fan, geometry.out_channels, |row, out| {
            weight[out * fan + row % inputs * size + row / inputs]
        });
        match geometry {
            geometry if geometry.is_pointwise() => Self::Pointwise(matrix),
            geometry if first_layer::fits(geometry) => Self::FirstLayer(matrix),
            _ => Self::Gathered(matrix),
        }
    }

    /// The same for turned kernels: `weight` is `[in, out, kernel, kernel]` as `geometry` has it.
    fn turned(geometry: &Convolution, weight: &[f32]) -> Self {
        let (inputs, outputs) = (geometry.in_channels, geometry.out_channels);
        let size = geometry.kernel[0] * geometry.kernel[1];
        if geometry.is_depthwise() {
            let turned: Vec<f32> =
                weight.chunks_exact(size).flat_map(|kernel| kernel.iter().rev()).copied().collect();
            return Self::Depthwise(Depthwise::new(geometry, &turned));
        }
        if let Some(winograd) = Winograd::new(geometry, Kernels::backward(weight, outputs, inputs)) {
            return Self::Winograd(winograd);
        }
        if geometry.is_pointwise() {
            return Self::Pointwise(PackedMatrix::from_rows(outputs, weight));
        }
        Self::Gathered(PackedMatrix::new(size * inputs, outputs, |row, out| {
            let (tap, input) = (row / inputs, row % inputs);
            weight[(input * outputs + out) * size + size - 1 - tap]
        }))
    }
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
        Self::packed(geometry, weight, bias, activation, Algorithm::new)
    }

    fn packed(
        geometry: Convolution,
        weight: &[f32],
        bias: &[f32],
        activation: Activation,
        pack: impl Fn(&Convolution, &[f32]) -> Algorithm,
    ) -> Self {
        assert_eq!(weight.len(), geometry.out_channels * geometry.fan(), "weights of {geometry:?}");
        assert_eq!(bias.len(), geometry.out_channels, "a bias for each output channel");
        let algorithm = pack(&geometry, weight);
        Self { geometry, bias: bias.to_vec(), activation, algorithm }
    }

    /// [`PackedConvolution::new`] and [`PackedConvolution::forward`] in one go, for weights that are
    /// used once: where it pays, they are packed while they are used.
    ///
    /// # Shapes
    /// As of those two.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn forward_once(
        geometry: Convolution,
        (weight, bias): (&[f32], &[f32]),
        activation: Activation,
        (input, shape): (&[f32], Shape),
        output: &mut [f32],
    ) {
        let is_winograd = winograd::fits(&geometry);
        if !is_winograd || !winograd::on_the_fly::suits(shape) {
            let pack = if is_winograd { Algorithm::new } else { Algorithm::direct };
            return Self::packed(geometry, weight, bias, activation, pack)
                .forward(input, shape, None, output);
        }
        let (inputs, outputs) = (geometry.in_channels, geometry.out_channels);
        assert_eq!(weight.len(), outputs * geometry.fan(), "weights of {geometry:?}");
        assert_eq!(bias.len(), outputs, "a bias for each output channel");
        assert_eq!((input.len(), shape.channels), (shape.len(), inputs), "input of shape {shape:?}");
        assert_eq!(output.len(), geometry.output_shape(shape).len(), "output of {geometry:?}");
        let epilogue = Epilogue { bias: Some(bias), activation, ..Epilogue::PLAIN };
        winograd::on_the_fly::forward(
            Kernels::forward(weight, inputs, outputs),
            input,
            shape,
            output,
            epilogue,
        );
    }

    /// The convolution that computes the input's gradient from the output's: kernels turned by
    /// half a circle, input and output channels swapped. `None` where a stride or a wide padding
    /// makes it no convolution.
    pub(crate) fn turned(geometry: &Convolution, weight: &[f32]) -> Option<Self> {
        let Padding { top, bottom, left, right } = geometry.padding;
        let [height, width] = geometry.kernel;
        let turned = Convolution {
            in_channels: geometry.out_channels,
            out_channels: geometry.in_channels,
            padding: Padding {
                top: (height - 1).checked_sub(top)?,
                bottom: (height - 1).checked_sub(bottom)?,
                left: (width - 1).checked_sub(left)?,
                right: (width - 1).checked_sub(right)?,
            },
            ..*geometry
        };
        let algorithm = (geometry.stride == [1, 1]).then(|| Algorithm::turned(&turned, weight))?;
        let bias = vec![0.0; turned.out_channels];
        Some(Self { geometry: turned, bias, activation: Activation::Identity, algorithm })
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
        let out = self.checked_output_shape(input, shape);
        assert_eq!(output.len(), out.len(), "output of shape {out:?}");
        assert!(residual.is_none_or(|residual| residual.len() == out.len()), "residual of shape {out:?}");
        let epilogue = self.epilogue(residual);
        match &self.algorithm {
            Algorithm::Winograd(winograd) => winograd.forward(input, shape, (output, out), epilogue, false),
            Algorithm::Depthwise(depthwise) => {
                depthwise.forward(&self.geometry, input, shape, output, epilogue)
            }
            Algorithm::Pointwise(matrix) if apart(matrix.rows) == matrix.rows => {
                by_pixels(output, out, epilogue, |first, part, epilogue| {
                    let rows = &input[first * matrix.rows..][..part.len() / out.channels * matrix.rows];
                    let rows = Rows { values: rows, stride: matrix.rows };
                    multiply(rows, matrix.panels(), part, epilogue);
                })
            }
            Algorithm::FirstLayer(matrix) => {
                first_layer::forward(&self.geometry, matrix, input, shape, output, epilogue);
            }
            Algorithm::Pointwise(matrix) | Algorithm::Gathered(matrix) => {
                let stride = apart(matrix.rows);
                by_pixels(output, out, epilogue, |first, part, epilogue| {
                    let mut rows = Scratch::new(part.len() / out.channels * stride);
                    im2col(&self.geometry, (input, shape), first, &mut rows, stride);
                    multiply(Rows { values: &rows, stride }, matrix.panels(), part, epilogue);
                });
            }
        }
    }

    /// Computes a batch, and of each 2×2 outputs the largest, as [`max_pool`] does.
    ///
    /// # Shapes
    /// - `input`: `shape`
    /// - `output`: [`PackedConvolution::output_shape`] with half the height and width
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn forward_pooled(&self, input: &[f32], shape: Shape, output: &mut [f32]) {
        let out = self.checked_output_shape(input, shape);
        let pooled = Shape { height: out.height / 2, width: out.width / 2, ..out };
        assert_eq!(output.len(), pooled.len(), "output of shape {pooled:?}");
        // The largest sum of four need not be the largest on a curve.
        if let (Algorithm::Winograd(winograd), false) = (&self.algorithm, self.activation.is_curve()) {
            // The map in between is never written, which saves as much time as a fifth of its making.
            return winograd.forward(input, shape, (output, out), self.epilogue(None), true);
        }
        let mut map = Scratch::new(out.len());
        self.forward(input, shape, None, &mut map);
        max_pool(&map, out, Pool::tiling(2), output);
    }

    fn checked_output_shape(&self, input: &[f32], shape: Shape) -> Shape {
        assert_eq!(shape.channels, self.geometry.in_channels, "input channels");
        assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
        self.output_shape(shape)
    }

    /// The matrix of a convolution of few input channels.
    pub(crate) fn first_layer(&self) -> Option<&PackedMatrix> {
        match &self.algorithm {
            Algorithm::FirstLayer(matrix) => Some(matrix),
            _ => None,
        }
    }

    /// The matrix of a 1×1 convolution.
    pub(crate) fn pointwise(&self) -> Option<&PackedMatrix> {
        match &self.algorithm {
            Algorithm::Pointwise(matrix) => Some(matrix),
            _ => None,
        }
    }

    /// The kernels of a depthwise convolution.
    pub(crate) fn depthwise(&self) -> Option<&Depthwise> {
        match &self.algorithm {
            Algorithm::Depthwise(depthwise) => Some(depthwise),
            _ => None,
        }
    }

    pub(crate) fn epilogue<'a>(&'a self, residual: Option<&'a [f32]>) -> Epilogue<'a> {
        Epilogue { accumulate: false, bias: Some(&self.bias), residual, activation: self.activation }
    }
}

/// Computes the output in parallel blocks of about [`PIXELS`] pixels: `block(first pixel, values, epilogue)`.
fn by_pixels(
    output: &mut [f32],
    shape: Shape,
    epilogue: Epilogue<'_>,
    block: impl Fn(usize, &mut [f32], Epilogue<'_>) + Sync,
) {
    let pixels = task_size(shape.pixels(), PIXELS);
    output.par_chunks_mut(pixels * shape.channels).enumerate().for_each(|(index, part)| {
        let start = index * pixels * shape.channels;
        let residual = epilogue.residual.map(|residual| &residual[start..start + part.len()]);
        block(index * pixels, part, Epilogue { residual, ..epilogue });
    });
}
