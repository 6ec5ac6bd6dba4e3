//! A mobile block with squeeze and excitation: nothing can be projected before all of an image has been
//! averaged, so what the projection reads is kept, some channels at a time, for one image.

use rayon::prelude::*;

use super::{CHANNELS, Separable};
use crate::first_layer;
use crate::matmul::{Rows, multiply};
use crate::scratch::Scratch;
use crate::shape::Shape;
use crate::squeeze::SqueezeExcite;
use crate::strip::Strip;

/// Pixels that one task projects.
const PIXELS: usize = 56;

impl Separable {
    /// [`Separable::forward`] through `gate`.
    pub(super) fn forward_gated(
        &self,
        gate: &SqueezeExcite,
        (input, shape): (&[f32], Shape),
        residual: Option<&[f32]>,
        output: &mut [f32],
    ) {
        let (shape, out) = (Shape { batch: 1, ..shape }, self.output_shape(Shape { batch: 1, ..shape }));
        let deep = Shape { channels: self.depthwise.geometry.in_channels, ..out };
        let images = output.par_chunks_mut(out.len()).zip(input.par_chunks(shape.len())).enumerate();
        images.for_each(|(image, (output, input))| {
            let residual = residual.map(|residual| &residual[image * out.len()..][..out.len()]);
            let [mut values, mut factors] = [deep.len(), deep.channels].map(Scratch::new);
            self.deepen((input, shape), deep, &mut values, &mut factors);
            gate.factors(1, &mut factors);
            self.project(deep, &values, &factors, residual, output);
        });
    }

    /// Computes what the depthwise convolution gives of an image, `[channels / CHANNELS, pixels, CHANNELS]`, and
    /// each channel's mean.
    fn deepen(&self, image: (&[f32], Shape), deep: Shape, values: &mut [f32], means: &mut [f32]) {
        let (map, pixels) = (self.wide_shape(image.1), deep.pixels());
        let padded =
            self.expand.as_ref().map_or(0, |expand| first_layer::scratch_len(&expand.geometry, image.1));
        // Not by the number of threads: strips are summed up one after the other.
        let rows = self.fitting_rows(map).min(deep.height);
        let strips = deep.height.div_ceil(rows);
        let whole = Strip::new(&self.depthwise.geometry, map.width, rows);
        let mut sums = Scratch::new(strips * deep.channels);
        let blocks = values.par_chunks_mut(pixels * CHANNELS).zip(sums.par_chunks_mut(strips * CHANNELS));
        blocks.enumerate().for_each(|(block, (values, sums))| {
            let (first, count) = (block * CHANNELS, values.len() / pixels);
            let parts = values.par_chunks_mut(rows * deep.width * count).zip(sums.par_chunks_mut(count));
            parts.enumerate().for_each(|(index, (values, sums))| {
                let strip = whole.at(index * rows, values.len() / (deep.width * count));
                let [mut wide, mut padded] = [strip.input_len(count), padded].map(Scratch::new);
                self.expand(image, strip, (first, count), &mut wide, &mut padded);
                strip.convolve(&wide, self.taps(first, count), values);
                sums.fill(0.0);
                values.chunks_exact(count).for_each(|pixel| add(sums, pixel));
            });
        });
        for (means, sums) in means.chunks_mut(CHANNELS).zip(sums.chunks(strips * CHANNELS)) {
            means.fill(0.0);
            sums.chunks_exact(means.len()).for_each(|sums| add(means, sums));
            means.iter_mut().for_each(|mean| *mean /= pixels as f32);
        }
    }

    /// Projects what [`Separable::deepen`] computed, each channel times its factor.
    fn project(
        &self,
        deep: Shape,
        values: &[f32],
        factors: &[f32],
        residual: Option<&[f32]>,
        output: &mut [f32],
    ) {
        let projection = self.project.pointwise().expect("checked when made");
        // Each by itself, whatever the number of threads.
        let share = PIXELS.min(deep.pixels().div_ceil(rayon::current_num_threads()));
        let part = share * projection.columns;
        output.par_chunks_mut(part).enumerate().for_each(|(index, output)| {
            let residual = residual.map(|residual| &residual[index * part..][..output.len()]);
            let pixels = output.len() / projection.columns;
            let mut scaled = Scratch::new(pixels * CHANNELS);
            for (block, factors) in factors.chunks(CHANNELS).enumerate() {
                let (first, count) = (block * CHANNELS, factors.len());
                let block = &values[first * deep.pixels()..][index * share * count..][..pixels * count];
                let scaled = &mut scaled[..block.len()];
                for (scaled, pixel) in scaled.chunks_exact_mut(count).zip(block.chunks_exact(count)) {
                    let values = scaled.iter_mut().zip(pixel.iter().zip(factors));
                    values.for_each(|(slot, (value, factor))| *slot = value * factor);
                }
                let epilogue =
                    self.project.epilogue(residual).of_block(first == 0, first + count == deep.channels);
                let rows = Rows { values: scaled, stride: count };
                multiply(rows, projection.panels().part(first, count), output, epilogue);
            }
        });
    }
}

fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}
