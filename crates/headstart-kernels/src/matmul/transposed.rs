//! `C = Aᵀ · B` or `C += Aᵀ · B`, both row by row: what gradients of weights come down to.

use rayon::prelude::*;

use super::DEPTH;
use super::epilogue::Epilogue;
use super::kernel::{Left, Place, ROWS, ROWS_AVX512, Right, tile, tile_rows};
use super::panels::Panels;
use crate::scratch::Scratch;
use crate::vector::{Vector, with_vector};

/// Rows of C that one task computes, about: whole tiles of the CPU's are taken.
const BLOCK: usize = 112;

/// Rows of C that one task computes.
pub(crate) fn block_rows() -> usize {
    BLOCK / tile_rows() * tile_rows()
}

/// A, whose columns become rows of C; from a row to the next are `stride` values.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

/// Multiplies in parallel, `a` `[b.rows, m]`, `c` `[m, b.columns]`.
pub(crate) fn multiply_transposed(a: Columns<'_>, b: Panels<'_>, c: &mut [f32], epilogue: Epilogue<'_>) {
    // A few rows are shared out so that each thread has some.
    let fair = (c.len() / b.columns).div_ceil(rayon::current_num_threads()).next_multiple_of(tile_rows());
    let block = block_rows().min(fair);
    c.par_chunks_mut(block * b.columns).enumerate().for_each(|(index, c)| {
        multiply_transposed_block(a, index * block, b, c, epilogue);
    });
}

/// Multiplies columns `first..` of `a` into `c`, as many as it has rows.
pub(crate) fn multiply_transposed_block(
    a: Columns<'_>,
    first: usize,
    b: Panels<'_>,
    c: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let m = c.len() / b.columns;
    assert_eq!(c.len(), m * b.columns, "C has whole rows");
    assert!(
        a.stride >= first + m && a.values.len() + a.stride >= b.rows * a.stride + first + m,
        "columns of A"
    );
    assert!(epilogue.bias.is_none() && epilogue.residual.is_none(), "nothing but C is added");
    let height = m.next_multiple_of(tile_rows());
    let mut packed = Scratch::new(height * DEPTH.min(b.rows));
    // SAFETY: the lengths were checked above.
    unsafe { block_dispatched(a, first, b, c.as_mut_ptr(), m, &mut packed, epilogue) }
}

with_vector! {
    unsafe fn block_dispatched(
        a: Columns<'_>, first: usize, b: Panels<'_>, c: *mut f32, m: usize, packed: &mut [f32], epilogue: Epilogue<'_>,
    ) = block_with;
}

#[inline(always)]
unsafe fn block_with<V: Vector>(
    a: Columns<'_>,
    first: usize,
    b: Panels<'_>,
    c: *mut f32,
    m: usize,
    packed: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    // SAFETY: the caller vouches for `packed`, which holds whole tiles, and for C.
    unsafe {
        match V::LANES {
            16 => tiles::<V, ROWS_AVX512>(a, first, b, c, m, packed, epilogue),
            _ => tiles::<V, ROWS>(a, first, b, c, m, packed, epilogue),
        }
    }
}

#[inline(always)]
unsafe fn tiles<V: Vector, const N: usize>(
    a: Columns<'_>,
    first: usize,
    b: Panels<'_>,
    c: *mut f32,
    m: usize,
    packed: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let width = 2 * V::LANES;
    for start in (0..b.rows).step_by(DEPTH) {
        let depth = DEPTH.min(b.rows - start);
        let epilogue = epilogue.of_block(start == 0, start + depth == b.rows);
        pack::<N>(&a.values[start * a.stride + first..], a.stride, depth, m, packed);
        for panel in 0..b.columns.div_ceil(width) {
            // SAFETY: the panel has `b.rows` rows; tiles are whole in `packed` and clipped in C.
            unsafe {
                let from = b.values.as_ptr().add(panel * b.panel + start * b.row);
                let right = |tile: usize| {
                    let ahead = from.wrapping_add(b.panel + tile * depth * V::LANES);
                    Right { start: from, row: b.row, depth, ahead }
                };
                for row in (0..m).step_by(N) {
                    let start = packed.as_ptr().add(row * depth);
                    let left = Left { start, row: 1, column: N, run: depth, jump: 0 };
                    let rows = N.min(m - row);
                    let place = Place::panel(c, b.columns, panel * width).rows(row, rows, m, width);
                    tile::<V, N>(left, right(row / N), place, epilogue);
                }
            }
        }
    }
}

/// Copies `m` columns of `depth` rows into tiles `[m / N][depth][N]`, zero behind the last column.
fn pack<const N: usize>(a: &[f32], stride: usize, depth: usize, m: usize, packed: &mut [f32]) {
    for (tile, values) in packed[..m.next_multiple_of(N) * depth].chunks_exact_mut(N * depth).enumerate() {
        let filled = N.min(m - tile * N);
        for (row, slots) in values.chunks_exact_mut(N).enumerate() {
            let source = &a[row * stride + tile * N..];
            // Of a known length, a copy is a few instructions and no call.
            match source.first_chunk::<N>().filter(|_| filled == N) {
                Some(source) => slots.copy_from_slice(source),
                None => {
                    slots[..filled].copy_from_slice(&source[..filled]);
                    slots[filled..].fill(0.0);
                }
            }
        }
    }
}
