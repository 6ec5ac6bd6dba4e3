//! 3×3 convolutions at stride 1 by Winograd's F(4×4, 3×3) (Lavin & Gray 2016, arXiv:1509.09308):
//! tiles of 6×6 inputs become 4×4 outputs through 36 matrix products, 2.25 multiplications for
//! each output and channel pair instead of 9.

pub(crate) mod fresh;
mod grid;
mod kernels;
mod tiles;
mod transform;
mod weight_gradient;

use std::ops::Range;

use rayon::prelude::*;

use crate::disjoint::Disjoint;
use crate::matmul::{Finish, Rows, multiply, panel_width};
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
/// Tiles in all up to which it is the matrices that tasks share out.
const FEW: usize = 128;

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
        let from = Tiles::new(shape, pool);
        let to = Tiles::new(Shape { channels: self.0.columns, ..shape }, pool);
        let job = Job { kernels: &self.0, input, from, to, output: Disjoint::new(output), finish, pool };
        if from.count() <= FEW { job.by_channels() } else { job.by_tiles() }
    }
}

/// One batch.
struct Job<'a> {
    kernels: &'a Transformed,
    input: &'a [f32],
    from: Tiles,
    to: Tiles,
    output: Disjoint<'a>,
    finish: Finish<'a>,
    pool: bool,
}

impl Job<'_> {
    /// Each task computes some tiles.
    fn by_tiles(&self) {
        let (inputs, outputs, count) = (self.kernels.rows, self.kernels.columns, self.from.count());
        let block = share(count, TILES);
        let scratch =
            || [points(block, inputs + GAP), points(block, outputs), POINTS * inputs].map(Scratch::new);
        (0..count.div_ceil(block)).into_par_iter().for_each_init(scratch, |[v, m, border], index| {
            let tiles = index * block..count.min((index + 1) * block);
            for (place, tile) in tiles.clone().enumerate() {
                let plane = v.len() / POINTS;
                // SAFETY: the scratch has room for `block` tiles.
                unsafe { self.transform(tile, border, v.as_mut_ptr().add(place * (inputs + GAP)), plane) }
            }
            self.multiply(v, m, tiles.clone(), 0..outputs);
            self.write(m, tiles, 0..outputs);
        });
    }

    /// Of few tiles, each task computes some channels of all, so that no two threads read the same kernels.
    fn by_channels(&self) {
        let (inputs, outputs, count) = (self.kernels.rows, self.kernels.columns, self.from.count());
        let mut v = Scratch::new(points(count, inputs + GAP));
        let (plane, to) = (v.len() / POINTS, Disjoint::new(&mut v));
        let border = || Scratch::new(POINTS * inputs);
        (0..count).into_par_iter().for_each_init(border, |border, tile| {
            // SAFETY: there is room for all tiles, which do not overlap.
            unsafe { self.transform(tile, border, to.at(tile * (inputs + GAP)), plane) }
        });
        let width = outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(panel_width());
        (0..outputs.div_ceil(width)).into_par_iter().for_each(|part| {
            let channels = part * width..outputs.min((part + 1) * width);
            let mut m = Scratch::new(points(count, channels.len()));
            self.multiply(&v, &mut m, 0..count, channels.clone());
            self.write(&m, 0..count, channels);
        });
    }

    /// Transforms a tile to where it begins in planes so far apart.
    unsafe fn transform(&self, tile: usize, border: &mut [f32], to: *mut f32, plane: usize) {
        let planes = Planes::rows(plane, self.kernels.rows + GAP);
        // SAFETY: the caller's contract.
        unsafe { input_tile(self.input, self.from, tile, border, to, planes) }
    }

    /// The products of some transformed tiles at each point, for some output channels.
    fn multiply(&self, v: &[f32], m: &mut [f32], tiles: Range<usize>, channels: Range<usize>) {
        let (stride, count) = (self.kernels.rows + GAP, channels.len());
        let planes = v.chunks_exact(v.len() / POINTS).zip(m.chunks_exact_mut(m.len() / POINTS));
        for (point, (v, m)) in planes.enumerate() {
            let some = self.from.of_point(point, tiles.start, tiles.len());
            let rows = Rows { values: &v[some.start * stride..][..some.len() * stride], stride };
            let matrix = self.kernels.matrix(point).columns(channels.start, count);
            multiply(rows, matrix, &mut m[some.start * count..][..some.len() * count], Finish::PLAIN);
        }
    }

    /// Transforms products back to these tiles' outputs.
    fn write(&self, m: &[f32], tiles: Range<usize>, channels: Range<usize>) {
        let (plane, count) = (m.len() / POINTS, channels.len());
        for (place, tile) in tiles.enumerate() {
            let start = m[place * count..].as_ptr();
            let products = Products { start, plane, first: channels.start, channels: count };
            // SAFETY: these channels of these tiles are no other task's.
            unsafe { output_tile(products, self.to, tile, &self.output, self.finish, self.pool) }
        }
    }
}

/// Values of so many tiles at all points, and of the gaps between them.
fn points(tiles: usize, row: usize) -> usize {
    POINTS * (tiles * row + GAP)
}
