//! The gradient of 3×3 kernels: the forward algorithm's transpose. For each of the 36 points the
//! transformed outputs' gradients times the transformed inputs, summed over all tiles.

use rayon::prelude::*;

use super::grid::Tiles;
use super::kernels::GAP;
use super::outputs::read_points;
use super::tiles::{Planes, gradient_tile, input_tile};
use super::transform::{self, IN, both_axes};
use super::{POINTS, Shape};
use crate::disjoint::Disjoint;
use crate::matmul::{Columns, Epilogue, Panels, block_rows, multiply_transposed_block, panel_width};
use crate::scratch::Scratch;
use crate::vector::{Vector, with_vector};

/// Tiles that are summed at a time: a fixed number, so that the order of the sum is fixed.
const BLOCK: usize = 512;

/// Computes `weight` `[output, input, 3, 3]` from `input` of shape `shape` and the gradient of
/// as many output pixels.
pub(crate) fn weight_gradient(input: &[f32], shape: Shape, gradient: &[f32], weight: &mut [f32]) {
    let (inputs, outputs) = (shape.channels, weight.len() / shape.channels / 9);
    let tiles = (Tiles::same(shape), Tiles::same(Shape { channels: outputs, ..shape }));
    let plane = outputs * inputs + GAP;
    let mut products = Scratch::new(POINTS * plane);
    for first in (0..tiles.0.count()).step_by(BLOCK) {
        let count = BLOCK.min(tiles.0.count() - first);
        let block = Block::new((input, gradient), tiles, (inputs, outputs), first, count);
        block.multiply(&mut products, plane, if first == 0 { Epilogue::PLAIN } else { Epilogue::ACCUMULATE });
    }
    weight.par_chunks_exact_mut(9 * inputs).enumerate().for_each(|(output, kernels)| {
        // SAFETY: each plane holds `outputs` rows of `inputs`.
        unsafe { kernels_back(products.as_ptr().add(output * inputs), plane, kernels) }
    });
}

/// Some tiles, transformed: inputs in panels, the outputs' gradients in rows.
struct Block {
    inputs: Scratch,
    gradients: Scratch,
    channels: (usize, usize),
    tiles: Tiles,
    first: usize,
    count: usize,
}

impl Block {
    fn new(
        (input, gradient): (&[f32], &[f32]),
        tiles: (Tiles, Tiles),
        channels: (usize, usize),
        first: usize,
        count: usize,
    ) -> Self {
        let width = panel_width();
        let planes = (Self::input_plane(channels.0, count), Self::gradient_plane(channels.1, count));
        let mut block = Self {
            inputs: Scratch::new(POINTS * planes.0),
            gradients: Scratch::new(POINTS * planes.1),
            channels,
            tiles: tiles.0,
            first,
            count,
        };
        if !channels.0.is_multiple_of(width) {
            block.inputs.fill(0.0);
        }
        let (inputs, gradients) = (Disjoint::new(&mut block.inputs), Disjoint::new(&mut block.gradients));
        let border = || Scratch::new(POINTS * channels.0);
        (0..count).into_par_iter().for_each_init(border, |border, tile| {
            let panels = Planes { plane: planes.0, panel: count * width, width, tile: width };
            // SAFETY: tiles do not overlap; 36 planes of `count` tiles were made room for.
            unsafe {
                input_tile(input, tiles.0, first + tile, border, inputs.at(tile * width), panels);
                let (to, rows) = (gradients.at(tile * channels.1), Planes::rows(planes.1, channels.1));
                gradient_tile(gradient, tiles.1, first + tile, to, rows);
            }
        });
        block
    }

    fn input_plane(inputs: usize, count: usize) -> usize {
        inputs.next_multiple_of(panel_width()) * count + GAP
    }

    fn gradient_plane(outputs: usize, count: usize) -> usize {
        outputs * count + GAP
    }

    /// `[output, input]` for each point.
    fn multiply(&self, products: &mut [f32], plane: usize, epilogue: Epilogue<'_>) {
        let (inputs, outputs) = self.channels;
        let (of_inputs, of_gradients) =
            (Self::input_plane(inputs, self.count), Self::gradient_plane(outputs, self.count));
        let block = block_rows();
        products.par_chunks_mut(plane).enumerate().for_each(|(point, product)| {
            let product = &mut product[..outputs * inputs];
            let tiles = self.tiles.of_point(point, self.first, self.count);
            if tiles.is_empty() {
                if !epilogue.accumulate {
                    product.fill(0.0);
                }
                return;
            }
            let panels = &self.inputs[point * of_inputs..][..of_inputs - GAP];
            let panels = Panels::new(self.count, inputs, panels).part(tiles.start, tiles.len());
            let values = &self.gradients[point * of_gradients..][..of_gradients - GAP];
            let columns = Columns { values: &values[tiles.start * outputs..], stride: outputs };
            let rows = product.par_chunks_mut(block * inputs);
            rows.enumerate().for_each(|(index, rows)| {
                multiply_transposed_block(columns, index * block, panels, rows, epilogue);
            });
        });
    }
}

with_vector! {
    /// Transforms the products of one output channel back to kernels `[input, 3, 3]`.
    unsafe fn kernels_back(from: *const f32, plane: usize, kernels: &mut [f32]) = kernels_back_with;
}

#[inline(always)]
unsafe fn kernels_back_with<V: Vector>(from: *const f32, plane: usize, kernels: &mut [f32]) {
    for (index, kernels) in kernels.chunks_exact_mut(9 * V::LANES).enumerate() {
        let mut taps = [[0.0f32; 16]; 9];
        // SAFETY: channels come in whole registers; a register lies inside of each tap's lanes.
        unsafe {
            let points = read_points::<V, IN>(from.add(index * V::LANES), plane);
            let values = both_axes!(transform::kernel_transposed::<V>, points, IN => 3);
            for (value, lanes) in values.as_flattened().iter().zip(&mut taps) {
                value.store(lanes.as_mut_ptr());
            }
        }
        for (lane, kernel) in kernels.chunks_exact_mut(9).enumerate() {
            kernel.iter_mut().zip(&taps).for_each(|(slot, tap)| *slot = tap[lane]);
        }
    }
}
