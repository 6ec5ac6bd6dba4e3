//! `C = clamp(A · B + bias + residual)`, A row by row.

use super::DEPTH;
use super::kernel::{Finish, Left, Place, ROWS, ROWS_AVX512, Right, tile};
use super::panels::Panels;
use crate::vector::{Vector, with_vector};

/// A, row by row; from a row to the next are `stride` values.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

/// Multiplies `a` `[m, b.rows]` by `b` into `c` `[m, b.columns]`.
pub(crate) fn multiply(a: Rows<'_>, b: Panels<'_>, c: &mut [f32], finish: Finish<'_>) {
    let m = c.len() / b.columns;
    assert_eq!(c.len(), m * b.columns, "C has whole rows");
    assert!(a.stride >= b.rows && a.values.len() + a.stride >= m * a.stride + b.rows, "as many rows as C");
    assert!(finish.bias.is_none_or(|bias| bias.len() == b.columns), "a bias for each column");
    assert!(finish.residual.is_none_or(|residual| residual.len() == c.len()), "a residual like C");
    // SAFETY: the lengths were checked above.
    unsafe { multiply_dispatched(a, b, c.as_mut_ptr(), m, finish) }
}

with_vector! {
    unsafe fn multiply_dispatched(a: Rows<'_>, b: Panels<'_>, c: *mut f32, m: usize, finish: Finish<'_>) = multiply_with;
}

#[inline(always)]
unsafe fn multiply_with<V: Vector>(a: Rows<'_>, b: Panels<'_>, c: *mut f32, m: usize, finish: Finish<'_>) {
    let width = 2 * V::LANES;
    for first in (0..b.rows).step_by(DEPTH) {
        let depth = DEPTH.min(b.rows - first);
        let finish = finish.of_block(first == 0, first + depth == b.rows);
        for panel in 0..b.columns.div_ceil(width) {
            // SAFETY: the panel has `b.rows` rows, A and C have m.
            unsafe {
                let start = b.values.as_ptr().add(panel * b.panel + first * b.row);
                let right = Right { start, row: b.row, depth };
                let place = Place { c, columns: b.columns, row: 0, column: panel * width, rows: 0 };
                panel_with::<V>(a, first, right, place, m, finish);
            }
        }
    }
}

/// All rows of A by one panel.
#[inline(always)]
unsafe fn panel_with<V: Vector>(
    a: Rows<'_>,
    first: usize,
    right: Right,
    place: Place,
    m: usize,
    finish: Finish<'_>,
) {
    let left = |row: usize| {
        // SAFETY: the row is below m.
        let start = unsafe { a.values.as_ptr().add(row * a.stride + first) };
        Left { start, row: a.stride, column: 1 }
    };
    let at = |row: usize, rows: usize| Place { row, rows, ..place };
    let mut row = 0;
    // SAFETY: rows `row..row + N` are below m.
    unsafe {
        if V::LANES == 16 {
            while row + ROWS_AVX512 <= m {
                tile::<V, ROWS_AVX512>(left(row), right, at(row, ROWS_AVX512), finish);
                row += ROWS_AVX512;
            }
        }
        while row + ROWS <= m {
            tile::<V, ROWS>(left(row), right, at(row, ROWS), finish);
            row += ROWS;
        }
        while row + 2 <= m {
            tile::<V, 2>(left(row), right, at(row, 2), finish);
            row += 2;
        }
        if row < m {
            tile::<V, 1>(left(row), right, at(row, 1), finish);
        }
    }
}
