//! What differs between the algorithms of stride 1 and 2.

use super::halving::{self, Halving};
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
    Halving,
}

impl Scheme {
    pub(super) fn stride(self) -> usize {
        match self {
            Self::Same => Same::STRIDE,
            Self::Halving => Halving::STRIDE,
        }
    }

    /// Sides of the input tile, and points of an axis.
    pub(super) fn side(self) -> usize {
        match self {
            Self::Same => transform::IN,
            Self::Halving => halving::IN,
        }
    }

    pub(super) fn points(self) -> usize {
        self.side() * self.side()
    }

    /// Whether a short axis does without the point.
    pub(super) fn drops(self, point: usize) -> bool {
        match self {
            Self::Same => transform::drops(point),
            Self::Halving => halving::drops(point),
        }
    }

    /// Which of the kernels a point multiplies by.
    pub(super) fn kernel_of(self, point: usize) -> usize {
        match self {
            Self::Same => point,
            Self::Halving => {
                let [down, across] = [point / halving::IN, point % halving::IN].map(halving::kernel_of);
                down * transform::IN + across
            }
        }
    }
}
