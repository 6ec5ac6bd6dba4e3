//! The innermost loop: a few rows of A by one panel of B, summed in registers.

use std::mem::MaybeUninit;

use crate::activation::Activation;
use crate::vector::{self, Vector};

/// Two of the widest registers.
const WIDEST: usize = 32;
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

/// What happens to each sum before it is written.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    /// Whether the sum is added to what C holds, instead of replacing it.
    pub(crate) accumulate: bool,
    /// One value for each column, or none.
    pub(crate) bias: Option<&'a [f32]>,
    /// A matrix like C that is added, or none.
    pub(crate) residual: Option<&'a [f32]>,
    /// Of this, clamps are applied here; a curve is left to who knows where C lies whole.
    pub(crate) activation: Activation,
}

impl Finish<'_> {
    /// Nothing else.
    pub(crate) const PLAIN: Finish<'static> =
        Finish { accumulate: false, bias: None, residual: None, activation: Activation::Identity };
    /// The sum is added to C.
    pub(crate) const ACCUMULATE: Finish<'static> = Finish { accumulate: true, ..Finish::PLAIN };

    /// What is left to do for one of several blocks of a sum: all but the first add to C, and
    /// only the last finishes.
    pub(crate) fn of_block(self, first: bool, last: bool) -> Self {
        let accumulate = self.accumulate || !first;
        match last {
            true => Self { accumulate, ..self },
            false => Finish { accumulate, ..Finish::PLAIN },
        }
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
    finish: Finish<'_>,
) {
    // SAFETY: the caller's contract.
    unsafe {
        match place.column + V::LANES < place.columns {
            true => registers::<V, N, 2>(left, right, place, finish),
            false => registers::<V, N, 1>(left, right, place, finish),
        }
    }
}

/// `N` rows by `W` registers of a panel.
#[inline(always)]
unsafe fn registers<V: Vector, const N: usize, const W: usize>(
    left: Left,
    right: Right,
    place: Place,
    finish: Finish<'_>,
) {
    // SAFETY: the caller vouches for rows and panel, and for the rows and columns of `place`.
    unsafe {
        fetch::<V, N, W>(place, finish);
        let sums = products::<V, N, W>(left, right);
        let columns = (W * V::LANES).min(place.columns - place.column);
        // Lanes of the last register that are columns of C.
        let lanes = columns - (W - 1) * V::LANES;
        match place.rows == N {
            true if lanes == V::LANES => write_rows::<V, N, W, true>(sums, lanes, place, finish),
            true => write_rows::<V, N, W, false>(sums, lanes, place, finish),
            false => write_some::<V, N, W>(sums, lanes, place, finish),
        }
    }
}

/// Asks for what will be written, and read, when the sums are there: by then it has come nearer.
#[inline(always)]
fn fetch<V: Vector, const N: usize, const W: usize>(place: Place, finish: Finish<'_>) {
    let start = place.row * place.columns + place.column;
    if !finish.accumulate {
        fetch_rows::<V, N, W>(place.c.wrapping_add(start), place.columns);
    }
    if let Some(residual) = finish.residual {
        fetch_rows::<V, N, W>(residual.as_ptr().wrapping_add(start), place.columns);
    }
}

/// Asks for `N` rows of `W` registers.
#[inline(always)]
fn fetch_rows<V: Vector, const N: usize, const W: usize>(at: *const f32, columns: usize) {
    for row in 0..N {
        for line in 0..(W * V::LANES).div_ceil(LINE) {
            V::prefetch(at.wrapping_add(row * columns + line * LINE));
        }
    }
}

/// The sums, which stay in registers: every loop here is unrolled.
#[inline(always)]
unsafe fn products<V: Vector, const N: usize, const W: usize>(left: Left, right: Right) -> [[V; W]; N] {
    // SAFETY: the caller vouches for rows and panel.
    unsafe {
        let mut sums = [[V::splat(0.0); W]; N];
        let (mut line, mut b, mut ahead) = (left.start, right.start, right.ahead);
        for _ in 0..right.depth / left.run {
            let mut a = line;
            for _ in 0..left.run {
                V::prefetch(ahead);
                ahead = ahead.wrapping_add(LINE);
                let mut values = [V::splat(0.0); W];
                for (register, value) in values.iter_mut().enumerate() {
                    *value = V::load(b.add(register * V::LANES));
                }
                for (index, sums) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*a.add(index * left.row));
                    for (sum, value) in sums.iter_mut().zip(&values) {
                        *sum = factor.multiply_add(*value, *sum);
                    }
                }
                a = a.add(left.column);
                b = b.add(right.row);
            }
            line = line.add(left.jump);
        }
        sums
    }
}

/// A loop over the rows of a tile in two halves, each short enough for the compiler to unroll: sums
/// that were picked by a number could not stay in registers.
macro_rules! each_row {
    ($row:ident < $rows:ident $body:block) => {
        for $row in 0..$rows.min(ROWS_AVX512 / 2) $body
        for $row in ROWS_AVX512 / 2..$rows.max(ROWS_AVX512 / 2) $body
    };
}

/// All rows of the sums, straight from their registers: one thing after the other is done to all
/// of them. Where not `WHOLE`, `lanes` of a row's last register. Plain loops: a closure would be
/// compiled without the caller's instruction set.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // halves of the rows
unsafe fn write_rows<V: Vector, const N: usize, const W: usize, const WHOLE: bool>(
    mut sums: [[V; W]; N],
    lanes: usize,
    place: Place,
    finish: Finish<'_>,
) {
    let start = place.row * place.columns + place.column;
    // SAFETY: the caller vouches for N rows in C, bias and residual.
    unsafe {
        let c = place.c.add(start);
        if finish.accumulate {
            each_row!(row < N {
                let line = load_row::<V, W, WHOLE>(c.add(row * place.columns), lanes);
                sums[row] = add_rows(line, sums[row]);
            });
        }
        if let Some(bias) = finish.bias {
            let line = load_row::<V, W, WHOLE>(bias.as_ptr().add(place.column), lanes);
            each_row!(row < N {
                sums[row] = add_rows(sums[row], line);
            });
        }
        if let Some(residual) = finish.residual {
            let from = residual.as_ptr().add(start);
            each_row!(row < N {
                let line = load_row::<V, W, WHOLE>(from.add(row * place.columns), lanes);
                sums[row] = add_rows(sums[row], line);
            });
        }
        let range = finish.activation.range();
        if range != Activation::Identity.range() {
            each_row!(row < N {
                for sum in &mut sums[row] {
                    *sum = sum.clamp(range);
                }
            });
        }
        each_row!(row < N {
            store_row::<V, W, WHOLE>(sums[row], c.add(row * place.columns), lanes);
        });
    }
}

#[inline(always)]
unsafe fn add_rows<V: Vector, const W: usize>(mut a: [V; W], b: [V; W]) -> [V; W] {
    for (a, b) in a.iter_mut().zip(b) {
        // SAFETY: arithmetic under the caller's instruction set.
        unsafe { *a = a.add(b) }
    }
    a
}

/// The first rows of the sums, through memory: sums that were picked by number could not stay in
/// registers.
#[inline(always)]
unsafe fn write_some<V: Vector, const N: usize, const W: usize>(
    sums: [[V; W]; N],
    lanes: usize,
    place: Place,
    finish: Finish<'_>,
) {
    let mut spill = [const { MaybeUninit::<[f32; WIDEST]>::uninit() }; N];
    // SAFETY: every lane is written before it is read; the caller vouches for these rows in C,
    // bias and residual.
    unsafe {
        for (sums, line) in sums.iter().zip(&mut spill) {
            for (register, sum) in sums.iter().enumerate() {
                sum.store(line.as_mut_ptr().cast::<f32>().add(register * V::LANES));
            }
        }
        for (index, line) in spill[..place.rows].iter().enumerate() {
            let mut sums = [V::splat(0.0); W];
            for (register, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(line.as_ptr().cast::<f32>().add(register * V::LANES));
            }
            let place = Place { row: place.row + index, rows: 1, ..place };
            match lanes == V::LANES {
                true => write_rows::<V, 1, W, true>([sums], lanes, place, finish),
                false => write_rows::<V, 1, W, false>([sums], lanes, place, finish),
            }
        }
    }
}

/// A row of registers; where not `WHOLE`, the first lanes of the last.
#[inline(always)]
unsafe fn load_row<V: Vector, const W: usize, const WHOLE: bool>(from: *const f32, lanes: usize) -> [V; W] {
    // SAFETY: the caller vouches for the registers and lanes.
    unsafe {
        let mut line = [V::splat(0.0); W];
        for (register, value) in line.iter_mut().enumerate() {
            let from = from.add(register * V::LANES);
            *value = if WHOLE || register + 1 < W { V::load(from) } else { V::load_first(from, lanes) };
        }
        line
    }
}

/// Writes what [`load_row`] reads.
#[inline(always)]
unsafe fn store_row<V: Vector, const W: usize, const WHOLE: bool>(line: [V; W], to: *mut f32, lanes: usize) {
    for (register, value) in line.into_iter().enumerate() {
        // SAFETY: the caller vouches for the registers and lanes.
        unsafe {
            let to = to.add(register * V::LANES);
            match WHOLE || register + 1 < W {
                true => value.store(to),
                false => value.store_first(to, lanes),
            }
        }
    }
}
