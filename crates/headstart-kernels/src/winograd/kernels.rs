//! Kernels in the Winograd domain: 36 matrices, packed as a product takes them.

use rayon::prelude::*;

use super::scheme::Scheme;
use super::tiles::write_points;
use super::transform::{self, IN, both_axes};
use super::{POINTS, stride2};
use crate::disjoint::Disjoint;
use crate::matmul::{Panels, panel_width};
use crate::scratch::Scratch;
use crate::vector::{Vector, with_vector};

/// Values between two planes, so that they do not share the cache's sets.
pub(super) const GAP: usize = 16;

/// Rows of kernels that are asked for ahead.
const AHEAD: usize = 3;

/// 3×3 kernels as a matrix: `rows` are summed over, `columns` come out.
#[derive(Clone, Copy)]
pub(crate) struct Kernels<'a> {
    weight: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Values from a row's kernel to the next, and from a column's.
    row: usize,
    column: usize,
    /// Whether kernels are turned by half a circle.
    turned: bool,
}

impl<'a> Kernels<'a> {
    /// Of a convolution with `weight` `[output, input, 3, 3]`.
    pub(crate) fn forward(weight: &'a [f32], input: usize, output: usize) -> Self {
        Self { weight, rows: input, columns: output, row: 9, column: 9 * input, turned: false }
    }

    /// Of the same convolution's input gradient.
    pub(crate) fn backward(weight: &'a [f32], input: usize, output: usize) -> Self {
        Self { weight, rows: output, columns: input, row: 9 * input, column: 9, turned: true }
    }

    /// The rows from `first` on.
    pub(super) fn part(self, first: usize, rows: usize) -> Self {
        Self { weight: &self.weight[first * self.row..], rows, ..self }
    }
}

/// Transformed kernels.
#[derive(Debug)]
pub(super) struct Transformed {
    values: Scratch,
    pub(super) rows: usize,
    pub(super) columns: usize,
    plane: usize,
}

impl Transformed {
    pub(super) fn new(scheme: Scheme, kernels: Kernels<'_>) -> Self {
        let (rows, columns, width) = (kernels.rows, kernels.columns, panel_width());
        let panels = columns.div_ceil(width);
        let plane = panels * rows * width + GAP;
        let mut values = Scratch::new(POINTS * plane);
        let to = Disjoint::new(&mut values);
        (0..panels).into_par_iter().for_each(|panel| {
            // SAFETY: panels do not overlap; 36 planes of them were made room for.
            unsafe { panel_dispatched(scheme, kernels, panel * width, to.at(panel * rows * width), plane) }
        });
        Self { values, rows, columns, plane }
    }

    /// The matrix of one point.
    pub(super) fn matrix(&self, point: usize) -> Panels<'_> {
        let length = self.plane - GAP;
        Panels::new(self.rows, self.columns, &self.values[point * self.plane..][..length])
    }
}

with_vector! {
    /// Transforms the kernels of one panel of columns from `first` on.
    pub(super) unsafe fn panel_dispatched(scheme: Scheme, kernels: Kernels<'_>, first: usize, to: *mut f32, plane: usize) = panel_with;
}

#[inline(always)]
unsafe fn panel_with<V: Vector>(
    scheme: Scheme,
    kernels: Kernels<'_>,
    first: usize,
    to: *mut f32,
    plane: usize,
) {
    let width = 2 * V::LANES;
    // The lanes of each of nine taps; zero behind the last column.
    let mut taps = [[0.0f32; 16]; 9];
    for row in 0..kernels.rows {
        for half in [0, V::LANES] {
            for lane in 0..V::LANES {
                let column = first + half + lane;
                if column >= kernels.columns {
                    taps.iter_mut().for_each(|tap| tap[lane] = 0.0);
                    continue;
                }
                let place = column * kernels.column + row * kernels.row;
                // Kernels of a row may lie apart, where no hardware looks ahead.
                V::prefetch(kernels.weight.as_ptr().wrapping_add(place + AHEAD * kernels.row));
                let kernel = &kernels.weight[place..][..9];
                for (tap, values) in taps.iter_mut().enumerate() {
                    values[lane] = kernel[if kernels.turned { 8 - tap } else { tap }];
                }
            }
            // SAFETY: a register lies inside of each tap's lanes; the planes are the caller's.
            unsafe {
                let mut values = [[V::splat(0.0); 3]; 3];
                for (value, lanes) in values.as_flattened_mut().iter_mut().zip(&taps) {
                    *value = V::load(lanes.as_ptr());
                }
                let points = match scheme {
                    Scheme::Same => both_axes!(transform::kernel::<V>, values, 3 => IN),
                    Scheme::Stride2 => both_axes!(stride2::kernel::<V>, values, 3 => IN),
                };
                write_points(points, to.add(row * width + half), plane);
            }
        }
    }
}
