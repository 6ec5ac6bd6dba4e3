//! What happens to the rows of a matrix by themselves.

use rayon::prelude::*;

/// Values that one task handles, and that are summed at a time.
const BLOCK: usize = 1 << 14;
/// Running sums, so that additions need not wait for each other.
const SUMS: usize = 32;

/// Each row times its factor.
///
/// # Shapes
/// - `matrix`, `scaled`: `[rows, columns]`
/// - `factors`: `[rows]`
pub fn scale_rows(matrix: &[f32], factors: &[f32], scaled: &mut [f32]) {
    let columns = matrix.len() / factors.len();
    assert_eq!(matrix.len(), factors.len() * columns, "a factor for each row");
    assert_eq!(scaled.len(), matrix.len(), "a matrix of the same shape");
    let rows = scaled.par_chunks_mut(columns).zip(matrix.par_chunks(columns)).zip(factors);
    rows.for_each(|((scaled, row), factor)| {
        scaled.par_chunks_mut(BLOCK).zip(row.par_chunks(BLOCK)).for_each(|(scaled, row)| {
            scaled.iter_mut().zip(row).for_each(|(slot, value)| *slot = value * factor);
        });
    });
}

/// The gradient of [`scale_rows`]' factors: each row's gradients times its values, summed.
///
/// # Shapes
/// - `matrix`, `gradient`: `[rows, columns]`
/// - `factors`: `[rows]`
pub fn row_factors(matrix: &[f32], gradient: &[f32], factors: &mut [f32]) {
    let columns = matrix.len() / factors.len();
    assert_eq!(matrix.len(), factors.len() * columns, "a factor for each row");
    assert_eq!(gradient.len(), matrix.len(), "a gradient like the matrix");
    let rows = matrix.par_chunks(columns).zip(gradient.par_chunks(columns));
    factors.par_iter_mut().zip(rows).for_each(|(factor, (row, gradient))| *factor = products(row, gradient));
}

/// `Σ values²`.
pub fn sum_of_squares(values: &[f32]) -> f32 {
    let sums: Vec<f32> = values.par_chunks(BLOCK).map(|block| products(block, block)).collect();
    sums.iter().sum()
}

/// `Σ a · b`, in a fixed order.
fn products(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; SUMS];
    for (a, b) in a.chunks(SUMS).zip(b.chunks(SUMS)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}
