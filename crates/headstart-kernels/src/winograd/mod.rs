//! 3×3 convolutions by Winograd's algorithms (Lavin & Gray 2016, arXiv:1509.09308). Stride 1 is F(4×4, 3×3): tiles of
//! 6×6 inputs become 4×4 outputs through 36 matrix products, 2.25 multiplications for each output and channel pair
//! instead of 9. Stride 2 ([`stride2`]) takes 9×9 inputs and 81 products, 5.06 multiplications.

mod grid;
mod kernels;
pub(crate) mod on_the_fly;
mod outputs;
mod scheme;
mod stride2;
mod tiles;
mod transform;
mod weight_gradient;

use std::ops::Range;

use rayon::prelude::*;

use crate::disjoint::Disjoint;
use crate::matmul::{Epilogue, Rows, multiply, panel_width};
use crate::scratch::Scratch;
use crate::shape::{Convolution, Padding, Shape};
use crate::task_size::task_size;
use grid::Tiles;
use kernels::{GAP, Transformed};
use outputs::{Products, output_tile};
use scheme::Scheme;
use tiles::{Planes, input_tile};

pub(crate) use kernels::Kernels;
pub(crate) use weight_gradient::weight_gradient;

/// Values of a transformed kernel, and at stride 1 of a transformed tile.
const POINTS: usize = transform::IN * transform::IN;
/// Channels are handled in whole registers of the widest vector.
const LANES: usize = 16;

/// Tiles whose transforms stay within reach of the second cache, while matrices, which come from
/// further away, are read for as many as possible; at stride 2 half of them.
const TILES: usize = 56;
/// Tiles in all up to which it is the matrices that tasks share out.
const FEW: usize = 128;

/// Whether this algorithm computes `geometry`, at stride 1.
pub(crate) fn fits(geometry: &Convolution) -> bool {
    scheme(geometry) == Some(Scheme::Same)
}

/// What computes `geometry`.
fn scheme(geometry: &Convolution) -> Option<Scheme> {
    let is_padded = geometry.padding == Padding { top: 1, bottom: 1, left: 1, right: 1 };
    let is_whole =
        [geometry.in_channels, geometry.out_channels].iter().all(|channels| channels.is_multiple_of(LANES));
    match geometry.stride {
        _ if geometry.kernel != [3, 3] || geometry.groups != 1 || !is_padded || !is_whole => None,
        [1, 1] => Some(Scheme::Same),
        [2, 2] => Some(Scheme::Stride2),
        _ => None,
    }
}

/// A convolution with its kernels transformed.
#[derive(Debug)]
pub(crate) struct Winograd {
    scheme: Scheme,
    kernels: Transformed,
}

impl Winograd {
    /// `None` where this algorithm does not compute `geometry`.
    pub(crate) fn new(geometry: &Convolution, kernels: Kernels<'_>) -> Option<Self> {
        let scheme = scheme(geometry)?;
        Some(Self { scheme, kernels: Transformed::new(scheme, kernels) })
    }

    /// Computes a batch; with `pool`, the largest of each 2×2 outputs.
    pub(crate) fn forward(
        &self,
        input: &[f32],
        shape: Shape,
        (output, out): (&mut [f32], Shape),
        epilogue: Epilogue<'_>,
        pool: bool,
    ) {
        let [from, to] = [shape, out].map(|map| Tiles::new(self.scheme, map, [out.height, out.width], pool));
        let (kernels, points, output) = (&self.kernels, self.scheme.points(), Disjoint::new(output));
        let job = Job { kernels, points, input, from, to, output, epilogue, pool };
        let is_shared = rayon::current_num_threads() > 1;
        if is_shared && from.count() <= FEW { job.by_channels() } else { job.by_tiles() }
    }
}

/// One batch.
struct Job<'a> {
    kernels: &'a Transformed,
    points: usize,
    input: &'a [f32],
    from: Tiles,
    to: Tiles,
    output: Disjoint<'a>,
    epilogue: Epilogue<'a>,
    pool: bool,
}

impl Job<'_> {
    /// Each task computes some tiles.
    fn by_tiles(&self) {
        let (inputs, outputs, count) = (self.kernels.rows, self.kernels.columns, self.from.count());
        let block = task_size(count, TILES / self.from.scheme.stride());
        let scratch = || {
            [self.values(block, inputs + GAP), self.values(block, outputs), self.points * inputs]
                .map(Scratch::new)
        };
        (0..count.div_ceil(block)).into_par_iter().for_each_init(scratch, |[v, m, border], index| {
            let tiles = index * block..count.min((index + 1) * block);
            for (place, tile) in tiles.clone().enumerate() {
                let plane = v.len() / self.points;
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
        let mut v = Scratch::new(self.values(count, inputs + GAP));
        let (plane, to) = (v.len() / self.points, Disjoint::new(&mut v));
        let border = || Scratch::new(self.points * inputs);
        (0..count).into_par_iter().for_each_init(border, |border, tile| {
            // SAFETY: there is room for all tiles, which do not overlap.
            unsafe { self.transform(tile, border, to.at(tile * (inputs + GAP)), plane) }
        });
        let width = outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(panel_width());
        (0..outputs.div_ceil(width)).into_par_iter().for_each(|part| {
            let channels = part * width..outputs.min((part + 1) * width);
            let mut m = Scratch::new(self.values(count, channels.len()));
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
        let planes = v.chunks_exact(v.len() / self.points).zip(m.chunks_exact_mut(m.len() / self.points));
        for (point, (v, m)) in planes.enumerate() {
            let some = self.from.of_point(point, tiles.start, tiles.len());
            let rows = Rows { values: &v[some.start * stride..][..some.len() * stride], stride };
            let matrix =
                self.kernels.matrix(self.from.scheme.kernel_of(point)).columns(channels.start, count);
            multiply(rows, matrix, &mut m[some.start * count..][..some.len() * count], Epilogue::PLAIN);
        }
    }

    /// Transforms products back to these tiles' outputs.
    fn write(&self, m: &[f32], tiles: Range<usize>, channels: Range<usize>) {
        let (plane, count) = (m.len() / self.points, channels.len());
        for (place, tile) in tiles.enumerate() {
            let start = m[place * count..].as_ptr();
            let products = Products { start, plane, first: channels.start, channels: count };
            // SAFETY: these channels of these tiles are no other task's.
            unsafe { output_tile(products, self.to, tile, &self.output, self.epilogue, self.pool) }
        }
    }

    /// Values of so many tiles at all points, and of the gaps between them.
    fn values(&self, tiles: usize, row: usize) -> usize {
        self.points * (tiles * row + GAP)
    }
}
