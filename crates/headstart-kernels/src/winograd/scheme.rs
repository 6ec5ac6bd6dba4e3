//! What differs between the algorithms of stride 1 and 2.

use super::stride2::{self, Stride2};
use super::transform::{self, OUT, Same};
use crate::vector::Vector;

/// One axis of an algorithm: [`OUT`] outputs of `IN` inputs, through `IN` points; short, one output fewer.
pub(super) trait Transform<const IN: usize> {
    const STRIDE: usize;

    /// `Bᵀ · d`, of inputs.
    unsafe fn input<V: Vector, const SHORT: bool>(d: [V; IN]) -> [V; IN];

    /// `Aᵀ · m`, of products.
    unsafe fn output<V: Vector, const SHORT: bool>(m: [V; IN]) -> [V; OUT];
}

/// An algorithm, by its stride.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scheme {
    /// F(4×4, 3×3), stride 1.
    Same,
    /// Stride 2.
    Stride2,
}

impl Scheme {
    pub(super) fn stride(self) -> usize {
        match self {
            Self::Same => Same::STRIDE,
            Self::Stride2 => Stride2::STRIDE,
        }
    }

    /// Sides of the input tile, and points of an axis.
    pub(super) fn side(self) -> usize {
        match self {
            Self::Same => transform::IN,
            Self::Stride2 => stride2::IN,
        }
    }

    pub(super) fn points(self) -> usize {
        self.side() * self.side()
    }

    /// Whether a short axis does without the point.
    pub(super) fn drops(self, point: usize) -> bool {
        match self {
            Self::Same => transform::drops(point),
            Self::Stride2 => stride2::drops(point),
        }
    }

    /// Which of the kernels a point multiplies by.
    pub(super) fn kernel_of(self, point: usize) -> usize {
        match self {
            Self::Same => point,
            Self::Stride2 => {
                let [down, across] = [point / stride2::IN, point % stride2::IN].map(stride2::kernel_of);
                down * transform::IN + across
            }
        }
    }
}
