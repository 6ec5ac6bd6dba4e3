//! Where the windows of convolutions and pools lie.

use headstart_kernels as kernels;
use serde::{Deserialize, Serialize};

/// How far a convolution's windows reach over the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// TensorFlow's `same`: the output side is `ceil(side / stride)`; of an odd
    /// padding the larger half lies at the bottom and right.
    #[default]
    Same,
    /// Half the kernel on each side, as PyTorch's nets have it.
    Symmetric,
}

impl Padding {
    /// Pixels before and after one side of `length`, for a window of `kernel` at `stride`.
    pub fn amounts(self, length: usize, kernel: usize, stride: usize) -> (usize, usize) {
        match self {
            Self::Same => {
                let total = ((length.div_ceil(stride) - 1) * stride + kernel).saturating_sub(length);
                (total / 2, total - total / 2)
            }
            Self::Symmetric => (kernel / 2, kernel / 2),
        }
    }

    pub(super) fn output(self, length: usize, kernel: usize, stride: usize) -> usize {
        let (before, after) = self.amounts(length, kernel, stride);
        (before + length + after).saturating_sub(kernel) / stride + 1
    }
}

/// The largest value of each window; what lies over the border does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxPool {
    /// Side of the window.
    pub window: usize,
    /// Stride in both directions; `None` is the window's side.
    #[serde(default)]
    pub stride: Option<usize>,
    /// Pixels that the first window reaches over the border; at most half its side.
    #[serde(default)]
    pub padding: usize,
}

impl MaxPool {
    /// Windows that lie side by side, all within the map.
    pub fn tiling(window: usize) -> Self {
        Self { window, stride: None, padding: 0 }
    }
}

impl From<MaxPool> for kernels::Pool {
    fn from(pool: MaxPool) -> Self {
        let MaxPool { window, stride, padding } = pool;
        Self { window, stride: stride.unwrap_or(window), padding }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_is_tensorflows() {
        assert_eq!(Padding::Same.amounts(224, 3, 2), (0, 1));
        assert_eq!(Padding::Same.amounts(7, 3, 2), (1, 1));
        assert_eq!(Padding::Same.amounts(14, 5, 1), (2, 2));
        assert_eq!(Padding::Same.amounts(1, 3, 2), (1, 1));
    }

    #[test]
    fn symmetric_padding_is_pytorchs() {
        for (length, kernel, stride, output) in [(224, 7, 2, 112), (56, 3, 2, 28), (9, 3, 2, 5), (8, 1, 2, 4)]
        {
            assert_eq!(Padding::Symmetric.amounts(length, kernel, stride), (kernel / 2, kernel / 2));
            assert_eq!(Padding::Symmetric.output(length, kernel, stride), output);
        }
    }
}
