//! The transforms of F(4×4, 3×3) along one axis (Lavin & Gray 2016, arXiv:1509.09308), and their
//! transposes, which gradients go through.
//!
//! F(4, 3) multiplies polynomials by their values at 0, ±1, ±2 and infinity. `SHORT` transforms are those of
//! F(3, 3) without the point −2: three outputs of five inputs. Their inputs carry the factor by which
//! F(4, 3) scales its kernels more than F(3, 3) does, so that both multiply by the same kernels.

use super::scheme::Transform;
use crate::vector::Vector;

/// Sides of the output and the input tile.
pub(super) const OUT: usize = 4;
pub(super) const IN: usize = 6;
/// Outputs of a short axis.
pub(super) const OUT_SHORT: usize = 3;

/// F(4, 3).
pub(super) struct Same;

impl Transform<IN> for Same {
    const STRIDE: usize = 1;

    #[inline(always)]
    unsafe fn input<V: Vector, const SHORT: bool>(d: [V; IN]) -> [V; IN] {
        // SAFETY: arithmetic under the caller's instruction set.
        unsafe {
            let constant = |value: f32| V::splat(value);
            if SHORT {
                let outer = d[3].sub(d[1]);
                return [
                    outer.multiply_add(constant(2.0), d[0].sub(d[2]).multiply(constant(4.0))),
                    d[3].sub(d[2]).multiply_add(constant(3.0), d[1].multiply(constant(-6.0))),
                    d[1].multiply_add(constant(2.0), d[2].multiply_add(constant(-3.0), d[3])),
                    outer.multiply(constant(4.0)),
                    V::splat(0.0),
                    outer.multiply_add(constant(-2.0), d[4].sub(d[2])),
                ];
            }
            let even = d[2].multiply_add(constant(-4.0), d[4]);
            let odd = d[1].multiply_add(constant(-4.0), d[3]);
            let near = d[4].sub(d[2]);
            let far = d[3].sub(d[1]);
            [
                d[0].multiply_add(constant(4.0), d[2].multiply_add(constant(-5.0), d[4])),
                even.add(odd),
                even.sub(odd),
                far.multiply_add(constant(2.0), near),
                far.multiply_add(constant(-2.0), near),
                d[1].multiply_add(constant(4.0), d[3].multiply_add(constant(-5.0), d[5])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<V: Vector, const SHORT: bool>(m: [V; IN]) -> [V; OUT] {
        // SAFETY: arithmetic under the caller's instruction set.
        unsafe {
            let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
            if SHORT {
                return [
                    m[0].add(sum.add(m[3])),
                    m[3].multiply_add(V::splat(2.0), difference),
                    m[3].multiply_add(V::splat(4.0), sum).add(m[5]),
                    V::splat(0.0),
                ];
            }
            let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(sum.add(far_sum)),
                far_difference.multiply_add(V::splat(2.0), difference),
                far_sum.multiply_add(V::splat(4.0), sum),
                m[5].add(far_difference.multiply_add(V::splat(8.0), difference)),
            ]
        }
    }
}

/// Whether a short axis does without the point: −2.
pub(super) fn drops(point: usize) -> bool {
    point == 4
}

/// `G · g`, of a kernel.
#[inline(always)]
pub(super) unsafe fn kernel<V: Vector>(g: [V; 3]) -> [V; IN] {
    // SAFETY: arithmetic under the caller's instruction set.
    unsafe {
        let outer = g[0].add(g[2]);
        let near = outer.multiply(V::splat(-1.0 / 6.0));
        let far = g[2].multiply_add(V::splat(1.0 / 6.0), g[0].multiply(V::splat(1.0 / 24.0)));
        let (sixth, twelfth) = (g[1].multiply(V::splat(1.0 / 6.0)), g[1].multiply(V::splat(1.0 / 12.0)));
        [
            g[0].multiply(V::splat(0.25)),
            near.sub(sixth),
            near.add(sixth),
            far.add(twelfth),
            far.sub(twelfth),
            g[2],
        ]
    }
}

/// `Gᵀ · u`, of a kernel's gradient.
#[inline(always)]
pub(super) unsafe fn kernel_transposed<V: Vector>(u: [V; IN]) -> [V; 3] {
    // SAFETY: arithmetic under the caller's instruction set.
    unsafe {
        let near = u[1].add(u[2]).multiply(V::splat(-1.0 / 6.0));
        let far = u[3].add(u[4]);
        let across = u[2].sub(u[1]).multiply(V::splat(1.0 / 6.0));
        [
            u[0].multiply_add(V::splat(0.25), far.multiply_add(V::splat(1.0 / 24.0), near)),
            u[3].sub(u[4]).multiply_add(V::splat(1.0 / 12.0), across),
            far.multiply_add(V::splat(1.0 / 6.0), near).add(u[5]),
        ]
    }
}

/// `A · y`, of an output's gradient.
#[inline(always)]
pub(super) unsafe fn output_transposed<V: Vector, const SHORT: bool>(y: [V; OUT]) -> [V; IN] {
    // SAFETY: arithmetic under the caller's instruction set.
    unsafe {
        if SHORT {
            let even = y[0].add(y[2]);
            let far = y[2].multiply_add(V::splat(4.0), y[1].multiply_add(V::splat(2.0), y[0]));
            return [y[0], even.add(y[1]), even.sub(y[1]), far, V::splat(0.0), y[2]];
        }
        let (even, odd) = (y[0].add(y[2]), y[1].add(y[3]));
        let far_even = y[2].multiply_add(V::splat(4.0), y[0]);
        let far_odd = y[3].multiply_add(V::splat(8.0), y[1].add(y[1]));
        [y[0], even.add(odd), even.sub(odd), far_even.add(far_odd), far_even.sub(far_odd), y[3]]
    }
}

/// Applies `along` to the columns, then to the rows, of a matrix kept by rows; each axis may be short. Plain loops: a
/// closure would be compiled without the caller's instruction set.
macro_rules! both_axes {
    ($along:path, $values:expr, $from:expr => $to:expr) => {
        both_axes!($along, $along, $values, $from => $to)
    };
    ($down:path, $across:path, $values:expr, $from:expr => $to:expr) => {{
        let values = $values;
        let mut half = [[V::splat(0.0); $from]; $to];
        #[allow(clippy::needless_range_loop)] // columns of matrices kept by rows
        for column in 0..$from {
            let mut line = [V::splat(0.0); $from];
            for row in 0..$from {
                line[row] = values[row][column];
            }
            let line = $down(line);
            for row in 0..$to {
                half[row][column] = line[row];
            }
        }
        let mut whole = [[V::splat(0.0); $to]; $to];
        for (to, row) in whole.iter_mut().zip(half) {
            *to = $across(row);
        }
        whole
    }};
}
pub(super) use both_axes;
