//! 3×3 convolutions at stride 1 by Winograd's F(4×4, 3×3) (Lavin & Gray 2016, arXiv:1509.09308):
//! tiles of 6×6 inputs become 4×4 outputs through 36 matrix products, 2.25 multiplications for
//! each output and channel pair instead of 9.

pub(crate) mod fresh;
mod grid;
mod kernels;
mod tiles;
mod transform;
mod weight_gradient;

use rayon::prelude::*;

use crate::disjoint::Disjoint;
use crate::matmul::{Finish, Rows, multiply};
use crate::scratch::Scratch;
use crate::shape::{Convolution, Padding, Shape};
use crate::share::share;
use grid::Tiles;
use kernels::{GAP, Transformed};
use tiles::{Planes, Products, input_tile, output_tile};

pub(crate) use kernels::Kernels;
pub(crate) use weight_gradient::weight_gradient;

/// Values of a transformed tile.
const POINTS: usize = transform::IN * transform::IN;
/// Channels are handled in whole registers of the widest vector.
const LANES: usize = 16;

/// Tiles whose transforms stay within reach of the second cache, while matrices, which come from
/// further away, are read for as many as possible.
const TILES: usize = 56;

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

    /// Computes a batch; with `pool`, the largest of each 2×2 outputs.
    pub(crate) fn forward(
        &self,
        input: &[f32],
        shape: Shape,
        output: &mut [f32],
        finish: Finish<'_>,
        pool: bool,
    ) {
        let (inputs, outputs) = (self.0.rows, self.0.columns);
        let (from, to) = (Tiles::new(shape, pool), Tiles::new(Shape { channels: outputs, ..shape }, pool));
        let block = share(from.count(), TILES);
        let (row, plane) = (inputs + GAP, block * (inputs + GAP) + GAP);
        let products = block * outputs + GAP;
        let output = Disjoint::new(output);
        let scratch = || [POINTS * plane, POINTS * products, POINTS * inputs].map(Scratch::new);
        (0..from.count().div_ceil(block)).into_par_iter().for_each_init(scratch, |[v, m, border], index| {
            let first = index * block;
            let count = block.min(from.count() - first);
            // SAFETY: the scratch holds `block` tiles; tiles of different blocks do not overlap.
            unsafe {
                for tile in 0..count {
                    let start = v.as_mut_ptr().add(tile * row);
                    input_tile(input, from, first + tile, border, start, Planes::rows(plane, row));
                }
                for point in 0..POINTS {
                    let some = from.of_point(point, first, count);
                    let rows = &v[point * plane + some.start * row..][..some.len() * row];
                    let rows = Rows { values: rows, stride: row };
                    let product = &mut m[point * products + some.start * outputs..][..some.len() * outputs];
                    multiply(rows, self.0.matrix(point), product, Finish::PLAIN);
                }
                for tile in 0..count {
                    let start = m.as_ptr().add(tile * outputs);
                    let products = Products { start, plane: products, first: 0, channels: outputs };
                    output_tile(products, to, first + tile, &output, finish, pool);
                }
            }
        });
    }
}
