//! MobileNet's block (Sandler et al. 2018, arXiv:1801.04381) in one go: a 1×1 expansion, a
//! depthwise convolution and a 1×1 projection, before which channels may be weighed. A net's first
//! convolution, of few input channels, may stand in the expansion's place. The maps in between are
//! many times as wide as those around the block; they are made strip by strip and some channels at
//! a time, so that they never leave the second cache.

mod gated;
mod halves;

use std::ops::Range;

use rayon::prelude::*;

use crate::convolution::PackedConvolution;
use crate::first_layer;
use crate::matmul::{Epilogue, Lines, Rows, multiply, multiply_lines};
use crate::scratch::Scratch;
use crate::shape::{Convolution, Shape};
use crate::squeeze::SqueezeExcite;
use crate::strip::{Strip, Taps};

/// Channels in between that are computed at a time: whole panels. A fixed number, so that the
/// order of the projection's sum is fixed.
const CHANNELS: usize = 96;
/// Values of the expanded strip that stay in the second cache.
const STRIP: usize = 1 << 17;

/// An expansion or none, a depthwise convolution, a gate or none, and a projection.
#[derive(Debug)]
pub struct Separable {
    expand: Option<PackedConvolution>,
    depthwise: PackedConvolution,
    gate: Option<SqueezeExcite>,
    project: PackedConvolution,
}

impl Separable {
    /// What the number of channels in between is a multiple of.
    pub const LANES: usize = 16;

    /// Whether these convolutions, one behind the other, can be computed in one go.
    pub fn fits(expand: Option<&Convolution>, depthwise: &Convolution, project: &Convolution) -> bool {
        expand.is_none_or(|expand| expand.is_pointwise() || first_layer::fits(expand))
            && depthwise.is_depthwise()
            && project.is_pointwise()
            && depthwise.in_channels.is_multiple_of(Self::LANES)
            && Strip::fits(depthwise)
    }

    /// Joins packed convolutions.
    ///
    /// # Panics
    /// When they do not fit ([`Separable::fits`]), or not behind each other.
    pub fn new(
        expand: Option<PackedConvolution>,
        depthwise: PackedConvolution,
        gate: Option<SqueezeExcite>,
        project: PackedConvolution,
    ) -> Self {
        let geometries =
            (expand.as_ref().map(|expand| &expand.geometry), &depthwise.geometry, &project.geometry);
        assert!(
            Self::fits(geometries.0, geometries.1, geometries.2),
            "1×1, depthwise and 1×1: {geometries:?}"
        );
        let wide = depthwise.geometry.in_channels;
        assert!(geometries.0.is_none_or(|expand| expand.out_channels == wide), "channels of {geometries:?}");
        assert_eq!(project.geometry.in_channels, wide, "channels of {geometries:?}");
        let gated = gate.as_ref().map_or(wide, SqueezeExcite::channels);
        assert_eq!(gated, wide, "channels of the gate of {geometries:?}");
        Self { expand, depthwise, gate, project }
    }

    /// The shape behind the block.
    pub fn output_shape(&self, input: Shape) -> Shape {
        self.project.output_shape(self.depthwise.output_shape(self.wide_shape(input)))
    }

    fn wide_shape(&self, input: Shape) -> Shape {
        self.expand.as_ref().map_or(input, |expand| expand.output_shape(input))
    }

    /// Computes a batch.
    ///
    /// # Shapes
    /// - `input`: `shape`
    /// - `residual`, `output`: [`Separable::output_shape`]
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn forward(&self, input: &[f32], shape: Shape, residual: Option<&[f32]>, output: &mut [f32]) {
        let out = self.output_shape(shape);
        assert_eq!(input.len(), shape.len(), "input of shape {shape:?}");
        assert_eq!(output.len(), out.len(), "output of shape {out:?}");
        assert!(residual.is_none_or(|residual| residual.len() == out.len()), "residual of shape {out:?}");
        if let Some(gate) = &self.gate {
            return self.forward_gated(gate, (input, shape), residual, output);
        }
        let geometry = &self.depthwise.geometry;
        let wide = self.wide_shape(shape);
        let rows = self.rows(wide, out);
        let line = out.width * out.channels;
        let strip = Strip::new(geometry, wide.width, rows);
        let images = output.par_chunks_mut(out.height * line).enumerate();
        images.for_each(|(image, output)| {
            let length = shape.height * shape.width * shape.channels;
            let input = &input[image * length..][..length];
            let strips = output.par_chunks_mut(rows * line).enumerate();
            strips.for_each(|(index, output)| {
                let first = index * rows;
                let residual =
                    residual.map(|residual| &residual[(image * out.height + first) * line..][..output.len()]);
                let strip = strip.at(first, output.len() / line);
                let (image, epilogue) = ((input, shape), self.project.epilogue(residual));
                match self.middle(out) {
                    None => self.sum(image, strip, 0..geometry.in_channels, epilogue, output),
                    Some(middle) => self.sum_halves(image, strip, middle, epilogue, output),
                }
            });
        });
    }

    /// Lines of output that one task computes.
    fn rows(&self, wide: Shape, out: Shape) -> usize {
        let halves = if self.middle(out).is_some() { 2 } else { 1 };
        // As many strips of one height for each thread.
        let strips =
            out.height.div_ceil(self.fitting_rows(wide)).next_multiple_of(shares(out.batch * halves));
        out.height.div_ceil(strips)
    }

    /// Lines of output whose expanded strip stays in the second cache.
    fn fitting_rows(&self, wide: Shape) -> usize {
        let geometry = &self.depthwise.geometry;
        let line = (wide.width + geometry.kernel[1]) * CHANNELS.min(geometry.in_channels);
        ((STRIP / line).saturating_sub(geometry.kernel[0]) / geometry.stride[0]).max(1)
    }

    /// Computes one strip of an image, of the projection's sum what some channels in between add.
    fn sum(
        &self,
        image: (&[f32], Shape),
        strip: Strip,
        channels: Range<usize>,
        epilogue: Epilogue<'_>,
        output: &mut [f32],
    ) {
        let projection = self.project.pointwise().expect("checked when made");
        let widest = CHANNELS.min(channels.len());
        let pixels = output.len() / projection.columns;
        let padded =
            self.expand.as_ref().map_or(0, |expand| first_layer::scratch_len(&expand.geometry, image.1));
        let [mut wide, mut deep, mut padded] =
            [strip.input_len(widest), pixels * widest, padded].map(Scratch::new);
        for first in channels.clone().step_by(CHANNELS) {
            let count = CHANNELS.min(channels.end - first);
            let wide = &mut wide[..strip.input_len(count)];
            let deep = &mut deep[..pixels * count];
            self.expand(image, strip, (first, count), wide, &mut padded);
            strip.convolve(wide, self.taps(first, count), deep);
            let epilogue = epilogue.of_block(first == channels.start, first + count == channels.end);
            let rows = Rows { values: deep, stride: count };
            multiply(rows, projection.panels().part(first, count), output, epilogue);
        }
    }

    /// The depthwise kernels of `count` channels from `first` on.
    fn taps(&self, first: usize, count: usize) -> Taps<'_> {
        let depthwise = self.depthwise.depthwise().expect("checked when made");
        Taps {
            values: &depthwise.taps()[first..],
            channels: self.depthwise.geometry.in_channels,
            bias: &self.depthwise.bias[first..first + count],
            activation: self.depthwise.activation,
        }
    }

    /// Computes `count` channels from `first` on of the map that the depthwise convolution reads,
    /// with its border of zeros.
    fn expand(
        &self,
        (image, shape): (&[f32], Shape),
        strip: Strip,
        (first, count): (usize, usize),
        wide: &mut [f32],
        padded: &mut [f32],
    ) {
        let map = self.wide_shape(shape);
        let (lines, top) = strip.clear_border(map, count, wide);
        let stride = strip.width * count;
        let start = top * stride + strip.left * count;
        let input_line = |y: usize| &image[y * shape.width * shape.channels..];
        let Some(expand) = &self.expand else {
            for (index, y) in lines.enumerate() {
                let pixels = wide[start + index * stride..].chunks_exact_mut(count);
                for (pixel, from) in pixels.zip(input_line(y).chunks_exact(shape.channels).take(map.width)) {
                    pixel.copy_from_slice(&from[first..first + count]);
                }
            }
            return;
        };
        let epilogue = Epilogue { bias: Some(&expand.bias[first..first + count]), ..expand.epilogue(None) };
        if let Some(matrix) = expand.first_layer() {
            let matrix = matrix.panels().columns(first, count);
            for (index, y) in lines.enumerate() {
                let output = &mut wide[start + index * stride..][..map.width * count];
                first_layer::output_line(
                    &expand.geometry,
                    matrix,
                    (image, shape),
                    y,
                    padded,
                    output,
                    epilogue,
                );
            }
        } else if !lines.is_empty() {
            let matrix = expand.pointwise().expect("checked when made").panels().columns(first, count);
            let rows = Rows { values: input_line(lines.start), stride: shape.channels };
            let lines = Lines { rows: map.width, stride, count: lines.len() };
            multiply_lines(rows, matrix, &mut wide[start..], lines, epilogue);
        }
    }
}

/// Parts of an image, so that there is as much for each thread.
fn shares(batch: usize) -> usize {
    let threads = rayon::current_num_threads();
    let (mut a, mut b) = (threads, batch);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    threads / a
}
