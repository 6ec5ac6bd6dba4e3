//! Squeeze and excitation (Hu et al. 2017, arXiv:1709.01507).

use crate::channels::{global_average_pool, scale_channels};
use crate::convolution::PackedConvolution;
use crate::scratch::Scratch;
use crate::shape::Shape;

/// `x · gate(x)`: the mean of each channel passes two fully connected layers, 1×1 convolutions here, and
/// becomes the factor of its channel.
#[derive(Debug)]
pub struct SqueezeExcite {
    reduce: PackedConvolution,
    expand: PackedConvolution,
}

impl SqueezeExcite {
    /// Joins packed 1×1 convolutions.
    ///
    /// # Panics
    /// When the second does not give as many channels as the first takes.
    pub fn new(reduce: PackedConvolution, expand: PackedConvolution) -> Self {
        let geometries = (&reduce.geometry, &expand.geometry);
        assert_eq!(geometries.0.in_channels, geometries.1.out_channels, "channels of {geometries:?}");
        Self { reduce, expand }
    }

    pub(crate) fn channels(&self) -> usize {
        self.reduce.geometry.in_channels
    }

    /// Computes a batch.
    ///
    /// # Shapes
    /// - `input`, `output`: `shape`
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn forward(&self, input: &[f32], shape: Shape, output: &mut [f32]) {
        let mut factors = Scratch::new(shape.batch * shape.channels);
        global_average_pool(input, shape, &mut factors);
        self.factors(shape.batch, &mut factors);
        scale_channels(input, shape, &factors, output);
    }

    /// Puts the factors where the means are, `[batch, channels]`.
    pub(crate) fn factors(&self, batch: usize, means: &mut [f32]) {
        let shape = Shape { batch, height: 1, width: 1, channels: self.channels() };
        let narrow = self.reduce.output_shape(shape);
        let mut squeezed = Scratch::new(narrow.len());
        self.reduce.forward(means, shape, None, &mut squeezed);
        self.expand.forward(&squeezed, narrow, None, means);
    }
}
