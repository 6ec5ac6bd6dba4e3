//! `C = clamp(A · B + bias + residual)` with B packed in panels: what 1×1 convolutions, fully
//! connected layers and the Winograd domain come down to.

use crate::vector::{Level, Vector, level, with_vector};

/// Rows of A that one micro-kernel holds in registers.
const ROWS: usize = 6;
/// The same where there are 32 registers.
const ROWS_AVX512: usize = 12;

/// Columns of a panel: two registers.
pub(crate) fn panel_width() -> usize {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 32,
        _ => 16,
    }
}

/// B, as panels `[columns / width][rows][width]`, zero behind the last column.
#[derive(Debug)]
pub(crate) struct PackedMatrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    panels: Vec<f32>,
}

impl PackedMatrix {
    /// Packs the matrix whose value at (row, column) is `value(row, column)`.
    pub(crate) fn new(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let width = panel_width();
        let mut panels = vec![0.0; columns.div_ceil(width) * rows * width];
        for (panel, values) in panels.chunks_exact_mut(rows * width).enumerate() {
            let filled = width.min(columns - panel * width);
            for (row, line) in values.chunks_exact_mut(width).enumerate() {
                for (offset, slot) in line[..filled].iter_mut().enumerate() {
                    *slot = value(row, panel * width + offset);
                }
            }
        }
        Self { rows, columns, panels }
    }
}

/// What happens to each sum before it is written.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    /// One value for each column, or none.
    pub(crate) bias: Option<&'a [f32]>,
    /// A matrix like C that is added, or none.
    pub(crate) residual: Option<&'a [f32]>,
    /// Where the sum is clamped to.
    pub(crate) range: (f32, f32),
}

impl Finish<'_> {
    /// Nothing is added or clamped.
    pub(crate) const PLAIN: Finish<'static> =
        Finish { bias: None, residual: None, range: (f32::NEG_INFINITY, f32::INFINITY) };
}

/// Multiplies `a` `[m, b.rows]` by `b` into `c` `[m, b.columns]`.
pub(crate) fn multiply(a: &[f32], b: &PackedMatrix, c: &mut [f32], finish: Finish<'_>) {
    let m = c.len() / b.columns;
    assert_eq!(c.len(), m * b.columns, "C has whole rows");
    assert_eq!(a.len(), m * b.rows, "A has as many rows as C");
    assert!(finish.bias.is_none_or(|bias| bias.len() == b.columns), "a bias for each column");
    assert!(finish.residual.is_none_or(|residual| residual.len() == c.len()), "a residual like C");
    // SAFETY: the lengths were checked above.
    unsafe { multiply_dispatched(a, b, c.as_mut_ptr(), m, finish) }
}

with_vector! {
    unsafe fn multiply_dispatched(a: &[f32], b: &PackedMatrix, c: *mut f32, m: usize, finish: Finish<'_>) = multiply_with;
}

#[inline(always)]
unsafe fn multiply_with<V: Vector>(a: &[f32], b: &PackedMatrix, c: *mut f32, m: usize, finish: Finish<'_>) {
    let width = 2 * V::LANES;
    for (panel, values) in b.panels.chunks_exact(b.rows * width).enumerate() {
        let mut row = 0;
        // SAFETY: rows `row..row + N` are below m, and the panel is `b.rows × width`.
        unsafe {
            if V::LANES == 16 {
                while row + ROWS_AVX512 <= m {
                    tile::<V, ROWS_AVX512>(a, b, values.as_ptr(), c, row, panel * width, finish);
                    row += ROWS_AVX512;
                }
            }
            while row + ROWS <= m {
                tile::<V, ROWS>(a, b, values.as_ptr(), c, row, panel * width, finish);
                row += ROWS;
            }
            while row + 2 <= m {
                tile::<V, 2>(a, b, values.as_ptr(), c, row, panel * width, finish);
                row += 2;
            }
            if row < m {
                tile::<V, 1>(a, b, values.as_ptr(), c, row, panel * width, finish);
            }
        }
    }
}

/// `N` rows by one panel, summed in registers over all of B's rows in order.
#[inline(always)]
unsafe fn tile<V: Vector, const N: usize>(
    a: &[f32],
    b: &PackedMatrix,
    panel: *const f32,
    c: *mut f32,
    row: usize,
    column: usize,
    finish: Finish<'_>,
) {
    // SAFETY: the caller vouches for rows and panel; columns behind the last go through a spill.
    unsafe {
        let mut sums = [[V::splat(0.0); 2]; N];
        let mut left = a.as_ptr().add(row * b.rows);
        let mut right = panel;
        for _ in 0..b.rows {
            let (first, second) = (V::load(right), V::load(right.add(V::LANES)));
            for (index, sum) in sums.iter_mut().enumerate() {
                let value = V::splat(*left.add(index * b.rows));
                sum[0] = value.multiply_add(first, sum[0]);
                sum[1] = value.multiply_add(second, sum[1]);
            }
            left = left.add(1);
            right = right.add(2 * V::LANES);
        }
        let whole = column + 2 * V::LANES <= b.columns;
        for (index, sum) in sums.iter().enumerate() {
            let start = (row + index) * b.columns + column;
            if whole {
                write(sum, c, start, column, finish);
            } else {
                let mut spill = [0.0; 32];
                sum[0].store(spill.as_mut_ptr());
                sum[1].store(spill.as_mut_ptr().add(V::LANES));
                write_part(&spill[..b.columns - column], c, start, column, finish);
            }
        }
    }
}

#[inline(always)]
unsafe fn write<V: Vector>(sums: &[V; 2], c: *mut f32, start: usize, column: usize, finish: Finish<'_>) {
    for (half, sum) in sums.iter().enumerate() {
        let (mut sum, offset) = (*sum, half * V::LANES);
        // SAFETY: a whole panel lies inside of C, bias and residual.
        unsafe {
            if let Some(bias) = finish.bias {
                sum = sum.add(V::load(bias.as_ptr().add(column + offset)));
            }
            if let Some(residual) = finish.residual {
                sum = sum.add(V::load(residual.as_ptr().add(start + offset)));
            }
            sum.clamp(finish.range).store(c.add(start + offset));
        }
    }
}

/// As [`write`], value by value, for a panel that reaches over the last column.
unsafe fn write_part(sums: &[f32], c: *mut f32, start: usize, column: usize, finish: Finish<'_>) {
    for (offset, sum) in sums.iter().enumerate() {
        let bias = finish.bias.map_or(0.0, |bias| bias[column + offset]);
        let residual = finish.residual.map_or(0.0, |residual| residual[start + offset]);
        let value = (sum + bias + residual).clamp(finish.range.0, finish.range.1);
        // SAFETY: the columns up to the last lie inside of C.
        unsafe { *c.add(start + offset) = value }
    }
}
