//! The innermost loop: a few rows of A by one panel of B, summed in registers.

use std::mem::MaybeUninit;

use crate::vector::Vector;

/// Two of the widest registers.
const WIDEST: usize = 32;
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

    /// What is left to do for one of several blocks of a sum: all but the first add to C, and
    /// only the last finishes.
    pub(super) fn of_block(self, first: bool, last: bool) -> Self {
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
}

/// Part of one panel of B: the first value, the way to the next row, and how many there are.
#[derive(Clone, Copy)]
pub(super) struct Right {
    pub(super) start: *const f32,
    pub(super) row: usize,
    pub(super) depth: usize,
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

/// `N` rows by one panel.
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
    // SAFETY: the caller vouches for rows and panel; every lane of the spill is written before it
    // is read, and columns behind the last are left out.
    unsafe {
        let mut sums = [[V::splat(0.0); 2]; N];
        let (mut a, mut b) = (left.start, right.start);
        for _ in 0..right.depth {
            let (first, second) = (V::load(b), V::load(b.add(V::LANES)));
            for (index, sum) in sums.iter_mut().enumerate() {
                let value = V::splat(*a.add(index * left.row));
                sum[0] = value.multiply_add(first, sum[0]);
                sum[1] = value.multiply_add(second, sum[1]);
            }
            a = a.add(left.column);
            b = b.add(right.row);
        }
        // Through memory: sums that were picked by number could not stay in registers above.
        let mut spill = [const { MaybeUninit::<[f32; WIDEST]>::uninit() }; N];
        for (sum, line) in sums.iter().zip(&mut spill) {
            sum[0].store(line.as_mut_ptr().cast());
            sum[1].store(line.as_mut_ptr().cast::<f32>().add(V::LANES));
        }
        let whole = place.column + 2 * V::LANES <= place.columns;
        for (index, line) in spill[..place.rows].iter().enumerate() {
            let start = (place.row + index) * place.columns + place.column;
            let line = line.as_ptr().cast::<f32>();
            if whole {
                write::<V>(line, place.c, start, place.column, finish);
            } else {
                let line = std::slice::from_raw_parts(line, place.columns - place.column);
                write_part(line, place.c, start, place.column, finish);
            }
        }
    }
}

#[inline(always)]
unsafe fn write<V: Vector>(sums: *const f32, c: *mut f32, start: usize, column: usize, finish: Finish<'_>) {
    for offset in [0, V::LANES] {
        // SAFETY: a whole panel lies inside of the sums, C, bias and residual.
        unsafe {
            let to = c.add(start + offset);
            let mut sum = V::load(sums.add(offset));
            if finish.accumulate {
                sum = V::load(to).add(sum);
            }
            if let Some(bias) = finish.bias {
                sum = sum.add(V::load(bias.as_ptr().add(column + offset)));
            }
            if let Some(residual) = finish.residual {
                sum = sum.add(V::load(residual.as_ptr().add(start + offset)));
            }
            sum.clamp(finish.range).store(to);
        }
    }
}

/// As [`write`], value by value, for a panel that reaches over the last column.
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
