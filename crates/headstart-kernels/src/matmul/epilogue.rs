//! What happens to sums before and after the products.

use std::mem::MaybeUninit;

use super::kernel::{Place, ROWS_AVX512};
use crate::activation::Activation;
use crate::vector::Vector;

/// Two of the widest registers.
const WIDEST: usize = 32;

/// What happens to each sum before it is written.
#[derive(Clone, Copy)]
pub(crate) struct Epilogue<'a> {
    /// Whether the sum is added to what C holds, instead of replacing it.
    pub(crate) accumulate: bool,
    /// One value for each column, or none.
    pub(crate) bias: Option<&'a [f32]>,
    /// A matrix like C that is added, or none.
    pub(crate) residual: Option<&'a [f32]>,
    /// Of this, clamps are applied here; a curve is left to who knows where C lies whole.
    pub(crate) activation: Activation,
}

impl Epilogue<'_> {
    /// Nothing else.
    pub(crate) const PLAIN: Epilogue<'static> =
        Epilogue { accumulate: false, bias: None, residual: None, activation: Activation::Identity };
    /// The sum is added to C.
    pub(crate) const ACCUMULATE: Epilogue<'static> = Epilogue { accumulate: true, ..Epilogue::PLAIN };

    /// What is left to do for one of several blocks of a sum: all but the first add to C, and
    /// only the last finishes.
    pub(crate) fn of_block(self, first: bool, last: bool) -> Self {
        let accumulate = self.accumulate || !first;
        let bias = self.bias.filter(|_| first);
        match last {
            true => Self { accumulate, bias, ..self },
            false => Epilogue { accumulate, bias, ..Epilogue::PLAIN },
        }
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

/// What sums begin with: the bias. What C holds is added last, which is more exact: a sum of many has a chain for
/// each block.
#[inline(always)]
pub(super) unsafe fn begin<V: Vector, const N: usize, const W: usize, const WHOLE: bool>(
    lanes: usize,
    place: Place,
    bias: Option<&[f32]>,
) -> [[V; W]; N] {
    // SAFETY: the caller vouches for the bias.
    unsafe {
        match bias {
            Some(bias) => [load_row::<V, W, WHOLE>(bias.as_ptr().add(place.column), lanes); N],
            None => [[V::splat(0.0); W]; N],
        }
    }
}

/// All rows of the sums, which began with the bias, straight from their registers: one thing after the other is
/// done to all of them. Where not `WHOLE`, `lanes` of a row's last register. Plain loops: a closure would be
/// compiled without the caller's instruction set.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // halves of the rows
pub(super) unsafe fn write_rows<V: Vector, const N: usize, const W: usize, const WHOLE: bool>(
    mut sums: [[V; W]; N],
    lanes: usize,
    place: Place,
    epilogue: Epilogue<'_>,
) {
    let start = place.row * place.columns + place.column;
    // SAFETY: the caller vouches for N rows in C and residual.
    unsafe {
        let c = place.c.add(start);
        if epilogue.accumulate {
            each_row!(row < N {
                let line = load_row::<V, W, WHOLE>(c.add(row * place.columns), lanes);
                sums[row] = add_rows(line, sums[row]);
            });
        }
        if let Some(residual) = epilogue.residual {
            let from = residual.as_ptr().add(start);
            each_row!(row < N {
                let line = load_row::<V, W, WHOLE>(from.add(row * place.columns), lanes);
                sums[row] = add_rows(sums[row], line);
            });
        }
        let range = epilogue.activation.range();
        if range == Activation::Relu.range() {
            // Half of a clamp.
            let zero = V::splat(0.0);
            each_row!(row < N {
                for sum in &mut sums[row] {
                    *sum = zero.max(*sum);
                }
            });
        } else if range != Activation::Identity.range() {
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
pub(super) unsafe fn write_some<V: Vector, const N: usize, const W: usize, const WHOLE: bool>(
    sums: [[V; W]; N],
    lanes: usize,
    place: Place,
    epilogue: Epilogue<'_>,
) {
    let mut spill = [const { MaybeUninit::<[f32; WIDEST]>::uninit() }; N];
    // SAFETY: every lane is written before it is read; the caller vouches for these rows in C
    // and residual.
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
            write_rows::<V, 1, W, WHOLE>([sums], lanes, place, epilogue);
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
