//! 3×3 convolutions at stride 1 by Winograd's F(4×4, 3×3) (Lavin & Gray 2016, arXiv:1509.09308):
//! tiles of 6×6 inputs become 4×4 outputs through 36 matrix products, 2.25 multiplications for
//! each output and channel pair instead of 9.

mod kernels;
mod tiles;
mod transform;
mod weight_gradient;

use rayon::prelude::*;

use crate::disjoint::Disjoint;
use crate::matmul::{Finish, Rows, multiply};
use crate::scratch::Scratch;
use crate::shape::{Convolution, Padding, Shape};
use kernels::{GAP, Transformed};
use tiles::{Planes, Tiles, input_tile, output_tile};

pub(crate) use kernels::Kernels;
pub(crate) use weight_gradient::weight_gradient;

/// Values of a transformed tile.
const POINTS: usize = transform::IN * transform::IN;
/// Channels are handled in whole registers of the widest vector.
const LANES: usize = 16;
/// Bytes of transformed tiles that a task keeps in its core's cache.
const CACHE: usize = 1 << 20;

/// Whether this algorithm computes `geometry`.
pub(crate) fn fits(geometry: &Convolution) -> bool {
    let same = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    geometry.kernel == [3, 3]
        && geometry.stride == [1, 1]
        && geometry.padding == same
        && geometry.groups == 1
        && geometry.in_channels.is_multiple_of(LANES)
        && geometry.out_channels.is_multiple_of(LANES)
}

/// A convolution with its kernels transformed.
#[derive(Debug)]
pub(crate) struct Winograd(Transformed);

impl Winograd {
    pub(crate) fn new(kernels: Kernels<'_>) -> Self {
        Self(Transformed::new(kernels))
    }

    pub(crate) fn forward(&self, input: &[f32], shape: Shape, output: &mut [f32], finish: Finish<'_>) {
        let (inputs, outputs) = (self.0.rows, self.0.columns);
        let (from, to) = (Tiles::new(shape), Tiles::new(Shape { channels: outputs, ..shape }));
        let block = block(from.count(), inputs);
        let (row, plane, products) = (inputs + GAP, block * (inputs + GAP) + GAP, block * outputs + GAP);
        let output = Disjoint::new(output);
        let scratch = || (Scratch::new(POINTS * plane), Scratch::new(POINTS * products));
        (0..from.count().div_ceil(block)).into_par_iter().for_each_init(scratch, |(v, m), index| {
            let first = index * block;
            let count = block.min(from.count() - first);
            // SAFETY: the scratch holds `block` tiles; tiles of different blocks do not overlap.
            unsafe {
                for tile in 0..count {
                    let start = v.as_mut_ptr().add(tile * row);
                    input_tile(input, from, first + tile, start, Planes::rows(plane));
                }
                for point in 0..POINTS {
                    let rows = Rows { values: &v[point * plane..][..block * row], stride: row };
                    let product = &mut m[point * products..][..count * outputs];
                    multiply(rows, self.0.matrix(point), product, Finish::PLAIN);
                }
                for tile in 0..count {
                    let start = m.as_ptr().add(tile * outputs);
                    output_tile(start, products, to, first + tile, &output, finish);
                }
            }
        });
    }
}

/// Tiles that one task computes.
fn block(tiles: usize, inputs: usize) -> usize {
    let fair = tiles.div_ceil(rayon::current_num_threads());
    // Many channels have large matrices, which are then worth reading for more tiles.
    let least = if inputs >= 512 { 48 } else { 12 };
    (CACHE / (POINTS * size_of::<f32>() * inputs)).clamp(least, 96).min(fair).max(1)
}
