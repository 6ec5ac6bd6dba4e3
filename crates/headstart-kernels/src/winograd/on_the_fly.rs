//! A convolution whose kernels are used once, as in training: they are transformed where they are
//! multiplied, some rows of a panel at a time, and never leave the second cache. All inputs are
//! transformed first, and lie in the order in which every panel reads them.

use std::ops::Range;

use rayon::prelude::*;

use super::POINTS;
use super::grid::Tiles;
use super::kernels::{GAP, Kernels, panel_dispatched};
use super::outputs::{Products, output_tile};
use super::scheme::Scheme;
use super::tiles::{Planes, input_tile};
use crate::disjoint::Disjoint;
use crate::matmul::{Epilogue, Panels, Rows, multiply, panel_width};
use crate::scratch::Scratch;
use crate::shape::Shape;

/// Tiles up to which a panel's products stay in the second cache.
const TILES: usize = 192;
/// Rows of a panel that are transformed at a time: a fixed number, so that the order of the sum is
/// fixed.
const DEPTH: usize = 128;

/// Whether [`forward`] suits kernels that are used once.
pub(crate) fn suits(shape: Shape) -> bool {
    Tiles::same(shape).count() <= TILES
}

/// Computes a batch.
pub(crate) fn forward(
    kernels: Kernels<'_>,
    input: &[f32],
    shape: Shape,
    output: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let inputs = Inputs::new(input, shape);
    let tiles = Tiles::same(Shape { channels: kernels.columns, ..shape });
    let width = panel_width();
    let plane = inputs.tiles * width + GAP;
    let output = Disjoint::new(output);
    let scratch = || [POINTS * (DEPTH * width + GAP), POINTS * plane].map(Scratch::new);
    (0..kernels.columns.div_ceil(width)).into_par_iter().for_each_init(scratch, |[u, m], panel| {
        let columns = width.min(kernels.columns - panel * width);
        for first in (0..kernels.rows).step_by(DEPTH) {
            let depth = DEPTH.min(kernels.rows - first);
            let matrix = depth * width + GAP;
            // SAFETY: 36 planes of these rows were made room for.
            unsafe {
                panel_dispatched(
                    Scheme::Same,
                    kernels.part(first, depth),
                    panel * width,
                    u.as_mut_ptr(),
                    matrix,
                )
            }
            for point in 0..POINTS {
                let matrix = Panels::new(depth, columns, &u[point * matrix..][..depth * width]);
                let some = tiles.of_point(point, 0, inputs.tiles);
                let product = &mut m[point * plane + some.start * columns..][..some.len() * columns];
                multiply(
                    inputs.rows(first, point, some),
                    matrix,
                    product,
                    Epilogue::PLAIN.of_block(first == 0, true),
                );
            }
        }
        for tile in 0..inputs.tiles {
            let start = m[tile * columns..].as_ptr();
            let products = Products { start, plane, first: panel * width, channels: columns };
            // SAFETY: these channels of a tile are no other task's.
            unsafe { output_tile(products, tiles, tile, &output, epilogue, false) }
        }
    });
}

/// All tiles, transformed: `[channels / DEPTH, 36, tiles, DEPTH]`.
struct Inputs {
    values: Scratch,
    channels: usize,
    tiles: usize,
}

impl Inputs {
    fn new(input: &[f32], shape: Shape) -> Self {
        let (tiles, channels) = (Tiles::same(shape), shape.channels);
        let count = tiles.count();
        let part = POINTS * Self::plane(count);
        let mut values = Scratch::new(channels.div_ceil(DEPTH) * part);
        let to = Disjoint::new(&mut values);
        let planes = Planes { plane: Self::plane(count), panel: part, width: DEPTH, tile: DEPTH };
        let border = || Scratch::new(POINTS * channels);
        (0..count).into_par_iter().for_each_init(border, |border, tile| {
            // SAFETY: tiles do not overlap, and all channels of them were made room for.
            unsafe { input_tile(input, tiles, tile, border, to.at(tile * DEPTH), planes) }
        });
        Self { values, channels, tiles: count }
    }

    fn plane(tiles: usize) -> usize {
        tiles * DEPTH + GAP
    }

    /// The channels from `first` on of some tiles, at one point.
    fn rows(&self, first: usize, point: usize, tiles: Range<usize>) -> Rows<'_> {
        let plane = Self::plane(self.tiles);
        debug_assert!(first < self.channels);
        let start = (first / DEPTH * POINTS + point) * plane + tiles.start * DEPTH;
        Rows { values: &self.values[start..][..tiles.len() * DEPTH], stride: DEPTH }
    }
}
