//! `C = activation(A · B + bias + residual)`, A row by row.

use super::DEPTH;
use super::epilogue::Epilogue;
use super::kernel::{Left, Place, ROWS, ROWS_AVX512, Right, tile};
use super::panels::Panels;
use crate::vector::{Vector, with_vector};

/// A, row by row; from a row to the next are `stride` values.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

/// A whose rows overlap: row i is `count` runs of `run` values each, which begin at `i · stride`
/// and every `jump` values from there. So the windows of a line of pixels lie in its lines.
#[derive(Clone, Copy)]
pub(crate) struct Windows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) count: usize,
    pub(crate) run: usize,
    pub(crate) jump: usize,
}

/// Multiplies `a` `[m, b.rows]`, of few columns, by `b` into `c` `[m, b.columns]`.
pub(crate) fn multiply_windows(a: Windows<'_>, b: Panels<'_>, c: &mut [f32], epilogue: Epilogue<'_>) {
    let m = c.len() / b.columns;
    assert_eq!(c.len(), m * b.columns, "C has whole rows");
    assert_eq!(a.count * a.run, b.rows, "as many columns as B has rows");
    assert!(
        a.values.len() + a.stride + a.jump >= m * a.stride + a.count * a.jump + a.run,
        "as many rows as C"
    );
    assert!(epilogue.bias.is_none_or(|bias| bias.len() == b.columns), "a bias for each column");
    assert!(epilogue.residual.is_none_or(|residual| residual.len() == c.len()), "a residual like C");
    // SAFETY: the lengths were checked above.
    unsafe { windows_dispatched(a, b, c.as_mut_ptr(), m, epilogue) }
    epilogue.activation.bend(c);
}

with_vector! {
    unsafe fn windows_dispatched(a: Windows<'_>, b: Panels<'_>, c: *mut f32, m: usize, epilogue: Epilogue<'_>) = windows_with;
}

#[inline(always)]
unsafe fn windows_with<V: Vector>(
    a: Windows<'_>,
    b: Panels<'_>,
    c: *mut f32,
    m: usize,
    epilogue: Epilogue<'_>,
) {
    let width = 2 * V::LANES;
    let left = Left { start: a.values.as_ptr(), row: a.stride, column: 1, run: a.run, jump: a.jump };
    for panel in 0..b.columns.div_ceil(width) {
        // SAFETY: the panel has `b.rows` rows, A and C have m.
        unsafe {
            let start = b.values.as_ptr().add(panel * b.panel);
            let right = Right { start, row: b.row, depth: b.rows, ahead: start.wrapping_add(b.panel) };
            let place = Place::panel(c, b.columns, panel * width);
            panel_with::<V>(left, right, place, m, epilogue);
        }
    }
}

/// Multiplies `a` `[m, b.rows]` by `b` into `c` `[m, b.columns]`.
pub(crate) fn multiply(a: Rows<'_>, b: Panels<'_>, c: &mut [f32], epilogue: Epilogue<'_>) {
    let m = c.len() / b.columns;
    assert_eq!(c.len(), m * b.columns, "C has whole rows");
    multiply_lines(a, b, c, Lines { rows: m, stride: c.len(), count: 1 }, epilogue);
}

/// C in lines: so many rows without a gap, and the way from a line to the next.
#[derive(Clone, Copy)]
pub(crate) struct Lines {
    pub(crate) rows: usize,
    pub(crate) stride: usize,
    pub(crate) count: usize,
}

/// Multiplies `a` `[lines.count · lines.rows, b.rows]` by `b` into the lines of `c`.
pub(crate) fn multiply_lines(
    a: Rows<'_>,
    b: Panels<'_>,
    c: &mut [f32],
    lines: Lines,
    epilogue: Epilogue<'_>,
) {
    let (m, line) = (lines.count * lines.rows, lines.rows * b.columns);
    assert!(
        lines.stride >= line && c.len() + lines.stride >= lines.count * lines.stride + line,
        "lines of C"
    );
    assert!(a.stride >= b.rows && a.values.len() + a.stride >= m * a.stride + b.rows, "as many rows as C");
    assert!(epilogue.bias.is_none_or(|bias| bias.len() == b.columns), "a bias for each column");
    assert!(
        epilogue.residual.is_none_or(|residual| lines.count == 1 && residual.len() == c.len()),
        "a residual like C"
    );
    // SAFETY: the lengths were checked above.
    unsafe { multiply_dispatched(a, b, c.as_mut_ptr(), lines, epilogue) }
    if epilogue.activation.is_curve() {
        let lines = c.chunks_mut(lines.stride).take(lines.count);
        lines.for_each(|c| epilogue.activation.bend(&mut c[..line]));
    }
}

with_vector! {
    unsafe fn multiply_dispatched(a: Rows<'_>, b: Panels<'_>, c: *mut f32, lines: Lines, epilogue: Epilogue<'_>) = multiply_with;
}

#[inline(always)]
unsafe fn multiply_with<V: Vector>(
    a: Rows<'_>,
    b: Panels<'_>,
    c: *mut f32,
    lines: Lines,
    epilogue: Epilogue<'_>,
) {
    let width = 2 * V::LANES;
    for first in (0..b.rows).step_by(DEPTH) {
        let depth = DEPTH.min(b.rows - first);
        let epilogue = epilogue.of_block(first == 0, first + depth == b.rows);
        for panel in 0..b.columns.div_ceil(width) {
            for line in 0..lines.count {
                // SAFETY: the panel has `b.rows` rows, A and C have as many rows as `lines`.
                unsafe {
                    let start = b.values.as_ptr().add(panel * b.panel + first * b.row);
                    let right = Right { start, row: b.row, depth, ahead: start.wrapping_add(b.panel) };
                    let c = c.add(line * lines.stride);
                    let place = Place::panel(c, b.columns, panel * width);
                    let start = a.values.as_ptr().add(line * lines.rows * a.stride + first);
                    let left = Left { start, row: a.stride, column: 1, run: depth, jump: 0 };
                    panel_with::<V>(left, right, place, lines.rows, epilogue);
                }
            }
        }
    }
}

/// All rows of A by one panel.
#[inline(always)]
unsafe fn panel_with<V: Vector>(left: Left, right: Right, place: Place, m: usize, epilogue: Epilogue<'_>) {
    // Each tile brings nearer as many lines of what comes next as there are rows in B: the next panel, or by
    // the first panel, where A comes from further away, the next rows of A.
    let (tile_rows, is_first) = (if V::LANES == 16 { ROWS_AVX512 } else { ROWS }, place.column == 0);
    let right = |row: usize| {
        let ahead = match is_first {
            true => left.start.wrapping_add((row + tile_rows) * left.row),
            false => right.ahead.wrapping_add(row / ROWS_AVX512 * right.depth * V::LANES),
        };
        Right { ahead, ..right }
    };
    let left = |row: usize| {
        // SAFETY: the row is below m.
        let start = unsafe { left.start.add(row * left.row) };
        Left { start, ..left }
    };
    let at = |row: usize, rows: usize| place.rows(row, rows, m, 2 * V::LANES);
    let mut row = 0;
    // SAFETY: rows `row..row + N` are below m.
    unsafe {
        if V::LANES == 16 {
            while row + ROWS_AVX512 <= m {
                tile::<V, ROWS_AVX512>(left(row), right(row), at(row, ROWS_AVX512), epilogue);
                row += ROWS_AVX512;
            }
            // The last maps of ImageNet's nets are 7 pixels wide, or 4 by 4 tiles.
            if row + 8 == m {
                tile::<V, 8>(left(row), right(row), at(row, 8), epilogue);
                row += 8;
            } else if row + 7 <= m {
                tile::<V, 7>(left(row), right(row), at(row, 7), epilogue);
                row += 7;
            }
        }
        while row + ROWS <= m {
            tile::<V, ROWS>(left(row), right(row), at(row, ROWS), epilogue);
            row += ROWS;
        }
        while row + 2 <= m {
            tile::<V, 2>(left(row), right(row), at(row, 2), epilogue);
            row += 2;
        }
        if row < m {
            tile::<V, 1>(left(row), right(row), at(row, 1), epilogue);
        }
    }
}
