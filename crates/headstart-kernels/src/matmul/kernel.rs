//! The innermost loop: a few rows of A by one panel of B, summed in registers.

use super::epilogue::{Epilogue, begin, write_rows, write_some};
use crate::vector::{self, Vector};

/// Values of a cache line.
const LINE: usize = 16;
/// Rows of A that are held in registers.
pub(super) const ROWS: usize = 6;
/// The same where there are 32 registers.
pub(super) const ROWS_AVX512: usize = 14;

/// Rows of A that this CPU's registers hold.
pub(super) fn tile_rows() -> usize {
    match vector::level() {
        #[cfg(target_arch = "x86_64")]
        vector::Level::Avx512 => ROWS_AVX512,
        _ => ROWS,
    }
}

/// Some rows and columns of A: the first value, and the way to the next row and column.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub(super) start: *const f32,
    pub(super) row: usize,
    pub(super) column: usize,
    /// Columns that lie evenly, and the way from the first of them to the next ones' first.
    pub(super) run: usize,
    pub(super) jump: usize,
}

/// Part of one panel of B: the first value, the way to the next row, and how many there are.
#[derive(Clone, Copy)]
pub(super) struct Right {
    pub(super) start: *const f32,
    pub(super) row: usize,
    pub(super) depth: usize,
    /// What is wanted after this: a line of it is brought nearer with each row.
    pub(super) ahead: *const f32,
}

/// Where in C a tile goes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// C's first value.
    pub(super) c: *mut f32,
    /// Columns of C.
    pub(super) columns: usize,
    /// The tile's first row and column.
    pub(super) row: usize,
    pub(super) column: usize,
    /// Rows that are written: at most the tile's.
    pub(super) rows: usize,
    /// From C's first value to the next tile's.
    pub(super) next: usize,
}

impl Place {
    /// Where the panel that begins at `column` goes.
    #[inline(always)]
    pub(super) fn panel(c: *mut f32, columns: usize, column: usize) -> Self {
        Self { c, columns, row: 0, column, rows: 0, next: column }
    }

    /// Where a panel's `rows` rows from `row` on go, of `m` in all; the next panel begins `width` columns behind it.
    #[inline(always)]
    pub(super) fn rows(self, row: usize, rows: usize, m: usize, width: usize) -> Self {
        let next = match row + rows {
            next if next < m => next * self.columns + self.column,
            _ => self.column + width,
        };
        Self { row, rows, next, ..self }
    }
}

/// `N` rows by one panel, or by its first register where no other column is left.
///
/// # Safety
/// `N` rows of `left` and `right.depth` rows of a panel of two registers can be read; the rows of
/// `place` lie inside of C.
#[inline(always)]
pub(super) unsafe fn tile<V: Vector, const N: usize>(
    left: Left,
    right: Right,
    place: Place,
    epilogue: Epilogue<'_>,
) {
    // SAFETY: the caller's contract.
    unsafe {
        match place.column + V::LANES < place.columns {
            true => registers::<V, N, 2>(left, right, place, epilogue),
            false => registers::<V, N, 1>(left, right, place, epilogue),
        }
    }
}

/// `N` rows by `W` registers of a panel.
#[inline(always)]
unsafe fn registers<V: Vector, const N: usize, const W: usize>(
    left: Left,
    right: Right,
    place: Place,
    epilogue: Epilogue<'_>,
) {
    // Lanes of the last register that are columns of C.
    let lanes = V::LANES.min(place.columns - place.column - (W - 1) * V::LANES);
    // SAFETY: the caller vouches for rows and panel, and for the rows and columns of `place`.
    unsafe {
        match lanes == V::LANES {
            true => lanes_of::<V, N, W, true>(left, right, place, lanes, epilogue),
            false => lanes_of::<V, N, W, false>(left, right, place, lanes, epilogue),
        }
    }
}

/// The same; where not `WHOLE`, `lanes` of a row's last register are written.
#[inline(always)]
unsafe fn lanes_of<V: Vector, const N: usize, const W: usize, const WHOLE: bool>(
    left: Left,
    right: Right,
    place: Place,
    lanes: usize,
    epilogue: Epilogue<'_>,
) {
    // SAFETY: the caller's contract.
    unsafe {
        let sums = begin::<V, N, W, WHOLE>(lanes, place, epilogue.bias);
        let sums = products(sums, left, right, Ahead::of(place, epilogue));
        match place.rows == N {
            true => write_rows::<V, N, W, WHOLE>(sums, lanes, place, epilogue),
            false => write_some::<V, N, W, WHOLE>(sums, lanes, place, epilogue),
        }
    }
}

/// Where the next tile will be written, and the residual that will be added to it.
struct Ahead {
    rows: [*const f32; 2],
    columns: usize,
}

impl Ahead {
    #[inline(always)]
    fn of(place: Place, epilogue: Epilogue<'_>) -> Self {
        let c = place.c.cast_const();
        let rows = [c, epilogue.residual.map_or(c, <[f32]>::as_ptr)];
        Self { rows: rows.map(|start| start.wrapping_add(place.next)), columns: place.columns }
    }
}

/// Adds the products to sums, which stay in registers: every loop here is unrolled. The first steps ask for what
/// lies ahead, a row at a time: so many lines at once would wait for each other, and `right`'s with them.
#[inline(always)]
unsafe fn products<V: Vector, const N: usize, const W: usize>(
    mut sums: [[V; W]; N],
    left: Left,
    right: Right,
    Ahead { rows: [mut wanted, mut then], columns }: Ahead,
) -> [[V; W]; N] {
    // SAFETY: the caller vouches for rows and panel.
    unsafe {
        let (mut line, mut b, mut ahead) = (left.start, right.start, right.ahead);
        let mut rows = 2 * N;
        for _ in 0..right.depth / left.run {
            let mut a = line;
            let some = rows.min(left.run);
            for _ in 0..some {
                for line in 0..(W * V::LANES).div_ceil(LINE) {
                    V::prefetch(wanted.wrapping_add(line * LINE));
                }
                (wanted, then) = (then, wanted.wrapping_add(columns));
                step(&mut sums, a, left.row, b);
                V::prefetch(ahead);
                (a, b, ahead) = (a.add(left.column), b.add(right.row), ahead.wrapping_add(LINE));
            }
            for _ in some..left.run {
                step(&mut sums, a, left.row, b);
                V::prefetch(ahead);
                (a, b, ahead) = (a.add(left.column), b.add(right.row), ahead.wrapping_add(LINE));
            }
            rows -= some;
            line = line.add(left.jump);
        }
        sums
    }
}

/// A column of A by a row of B.
#[inline(always)]
unsafe fn step<V: Vector, const N: usize, const W: usize>(
    sums: &mut [[V; W]; N],
    a: *const f32,
    row: usize,
    b: *const f32,
) {
    // SAFETY: the caller vouches for rows and panel.
    unsafe {
        let mut values = [V::splat(0.0); W];
        for (register, value) in values.iter_mut().enumerate() {
            *value = V::load(b.add(register * V::LANES));
        }
        for (index, sums) in sums.iter_mut().enumerate() {
            let factor = V::splat(*a.add(index * row));
            for (sum, value) in sums.iter_mut().zip(&values) {
                *sum = factor.multiply_add(*value, *sum);
            }
        }
    }
}
