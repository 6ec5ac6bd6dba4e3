//! 3×3 at stride 2, decomposed (Huang et al. 2020, arXiv:2002.00552): nine inputs a side become four outputs through nine
//! points.
//!
//! Outputs of stride 2 see every other input with the outer two taps, and those in between with the middle one. The
//! outer two are F(4, 2) of (Lavin & Gray 2016, arXiv:1509.09308), by values at 0, ±1, 2 and infinity; the middle one
//! multiplies four inputs as they are. 81 products for 16 outputs instead of 144, and no more kernels than F(4, 3) has:
//! the last four points multiply by the same one. `SHORT` transforms are those of F(3, 2), without the point 2, and
//! without the last of the plain ones; their inputs carry the factors by which F(4, 2) scales its kernels otherwise.

use super::scheme::Transform;
use super::transform::OUT;
use crate::vector::Vector;

/// Sides of the input tile.
pub(super) const IN: usize = 9;
/// Points with kernels of their own, the last of which it shares with all behind it.
const KERNELS: usize = super::transform::IN;

/// Whether a short axis does without the point.
pub(super) fn drops(point: usize) -> bool {
    point == 3 || point == IN - 1
}

/// The kernel that a point multiplies by.
pub(super) fn kernel_of(point: usize) -> usize {
    point.min(KERNELS - 1)
}

/// F(4, 2) and four plain products.
pub(super) struct Stride2;

impl Transform<IN> for Stride2 {
    const STRIDE: usize = 2;

    #[inline(always)]
    unsafe fn input<V: Vector, const SHORT: bool>(d: [V; IN]) -> [V; IN] {
        // SAFETY: arithmetic under the caller's instruction set.
        unsafe {
            let constant = |value: f32| V::splat(value);
            let [e0, o0, e1, o1, e2, o2, e3, o3, e4] = d;
            if SHORT {
                let near = e1.sub(e2);
                return [
                    e0.sub(e2).multiply(constant(2.0)),
                    e1.add(e2).multiply(constant(-1.0)),
                    near.multiply(constant(3.0)),
                    constant(0.0),
                    e3.sub(e1),
                    o0,
                    o1,
                    o2,
                    constant(0.0),
                ];
            }
            let outer = e3.sub(e1);
            [
                e0.sub(e2).multiply_add(constant(2.0), outer),
                e1.multiply_add(constant(-2.0), e3.sub(e2)),
                e1.multiply_add(constant(2.0), e2.multiply_add(constant(-3.0), e3)),
                outer,
                outer.multiply_add(constant(-2.0), e4.sub(e2)),
                o0,
                o1,
                o2,
                o3,
            ]
        }
    }

    #[inline(always)]
    unsafe fn output<V: Vector, const SHORT: bool>(m: [V; IN]) -> [V; OUT] {
        // SAFETY: arithmetic under the caller's instruction set.
        unsafe {
            let [zero, one, minus, two, infinity, o0, o1, o2, o3] = m;
            let (sum, difference) = (one.add(minus), one.sub(minus));
            if SHORT {
                return [zero.add(sum).add(o0), difference.add(o1), sum.add(infinity).add(o2), V::splat(0.0)];
            }
            [
                zero.add(sum).add(two.add(o0)),
                two.multiply_add(V::splat(2.0), difference.add(o1)),
                two.multiply_add(V::splat(4.0), sum.add(o2)),
                two.multiply_add(V::splat(8.0), difference.add(infinity.add(o3))),
            ]
        }
    }
}

/// `G · g`, of a kernel: five points of the outer taps, and the middle one.
#[inline(always)]
pub(super) unsafe fn kernel<V: Vector>(g: [V; 3]) -> [V; KERNELS] {
    // SAFETY: arithmetic under the caller's instruction set.
    unsafe {
        [
            g[0].multiply(V::splat(0.5)),
            g[0].add(g[2]).multiply(V::splat(-0.5)),
            g[2].sub(g[0]).multiply(V::splat(1.0 / 6.0)),
            g[2].multiply_add(V::splat(2.0), g[0]).multiply(V::splat(1.0 / 6.0)),
            g[2],
            g[1],
        ]
    }
}
