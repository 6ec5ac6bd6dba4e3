//! The innermost loop: a few rows of A by one panel of B, summed in registers.

use std::mem::MaybeUninit;

use crate::vector::Vector;

/// Two of the widest registers.
const WIDEST: usize = 32;
/// Values of a cache line.
const LINE: usize = 16;
/// Rows of A that are held in registers.
pub(super) const ROWS: usize = 6;
/// The same where there are 32 registers.
pub(super) const ROWS_AVX512: usize = 12;

/// What happens to each sum before it is written.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    /// Whether the sum is added to what C holds, instead of replacing it.
    pub(crate) accumulate: bool,
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
        Finish { accumulate: false, bias: None, residual: None, range: (f32::NEG_INFINITY, f32::INFINITY) };
    /// The sum is added to C.
    pub(crate) const ACCUMULATE: Finish<'static> = Finish { accumulate: true, ..Finish::PLAIN };

    /// Whether sums are written as they are.
    fn is_plain(&self) -> bool {
        !self.accumulate && self.bias.is_none() && self.residual.is_none() && self.range == Self::PLAIN.range
    }

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
    // SAFETY: the caller vouches for rows and panel.
    let sums = unsafe { products::<V, N, W>(left, right) };
    let columns = (W * V::LANES).min(place.columns - place.column);
    // SAFETY: the rows and columns of `place` lie inside of C.
    unsafe {
        match place.rows == N && columns == W * V::LANES {
            true => write_whole(sums, place, finish),
            false => write_clipped(sums, place, columns, finish),
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

/// All sums, without a way through memory.
#[inline(always)]
unsafe fn write_whole<V: Vector, const N: usize, const W: usize>(
    sums: [[V; W]; N],
    place: Place,
    finish: Finish<'_>,
) {
    // SAFETY: the caller vouches for N rows and W registers in C, bias and residual.
    unsafe {
        let start = place.row * place.columns + place.column;
        if finish.is_plain() {
            for (index, sums) in sums.into_iter().enumerate() {
                for (register, sum) in sums.into_iter().enumerate() {
                    sum.store(place.c.add(start + index * place.columns + register * V::LANES));
                }
            }
            return;
        }
        for (index, sums) in sums.into_iter().enumerate() {
            for (register, sum) in sums.into_iter().enumerate() {
                let offset = register * V::LANES;
                write(sum, place.c, start + index * place.columns + offset, place.column + offset, finish);
            }
        }
    }
}

/// The first rows and columns of the sums, through memory: sums that were picked by number could
/// not stay in registers.
#[inline(always)]
unsafe fn write_clipped<V: Vector, const N: usize, const W: usize>(
    sums: [[V; W]; N],
    place: Place,
    columns: usize,
    finish: Finish<'_>,
) {
    // SAFETY: every lane is written before it is read; columns behind the last are left out.
    unsafe {
        let mut spill = [const { MaybeUninit::<[f32; WIDEST]>::uninit() }; N];
        for (sums, line) in sums.iter().zip(&mut spill) {
            for (register, sum) in sums.iter().enumerate() {
                sum.store(line.as_mut_ptr().cast::<f32>().add(register * V::LANES));
            }
        }
        for (index, line) in spill[..place.rows].iter().enumerate() {
            let start = (place.row + index) * place.columns + place.column;
            let mut offset = 0;
            while offset + V::LANES <= columns {
                let sum = V::load(line.as_ptr().cast::<f32>().add(offset));
                write(sum, place.c, start + offset, place.column + offset, finish);
                offset += V::LANES;
            }
            let rest = std::slice::from_raw_parts(line.as_ptr().cast::<f32>().add(offset), columns - offset);
            write_part(rest, place.c, start + offset, place.column + offset, finish);
        }
    }
}

#[inline(always)]
unsafe fn write<V: Vector>(mut sum: V, c: *mut f32, start: usize, column: usize, finish: Finish<'_>) {
    // SAFETY: a whole register lies inside of C, bias and residual.
    unsafe {
        let to = c.add(start);
        if finish.accumulate {
            sum = V::load(to).add(sum);
        }
        if let Some(bias) = finish.bias {
            sum = sum.add(V::load(bias.as_ptr().add(column)));
        }
        if let Some(residual) = finish.residual {
            sum = sum.add(V::load(residual.as_ptr().add(start)));
        }
        sum.clamp(finish.range).store(to);
    }
}

/// As [`write`], value by value, for the columns behind the last whole register.
unsafe fn write_part(sums: &[f32], c: *mut f32, start: usize, column: usize, finish: Finish<'_>) {
    for (offset, sum) in sums.iter().enumerate() {
        // SAFETY: the columns up to the last lie inside of C.
        let to = unsafe { &mut *c.add(start + offset) };
        let mut sum = if finish.accumulate { *to + sum } else { *sum };
        sum += finish.bias.map_or(0.0, |bias| bias[column + offset]);
        sum += finish.residual.map_or(0.0, |residual| residual[start + offset]);
        *to = sum.clamp(finish.range.0, finish.range.1);
    }
}
