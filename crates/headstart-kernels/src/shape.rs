//! Geometry of maps, convolutions and pools.

use std::ops::Range;

/// Shape of a batch of maps, `[batch, height, width, channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Images.
    pub batch: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Shape {
    /// Number of values.
    pub fn len(self) -> usize {
        self.batch * self.height * self.width * self.channels
    }

    /// Whether it holds no value.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Number of pixels of all images.
    pub(crate) fn pixels(self) -> usize {
        self.batch * self.height * self.width
    }
}

/// Zero pixels around a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

/// Geometry of a convolution. `groups` is 1, or `in_channels` with as many `out_channels` (depthwise).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// Input channels.
    pub in_channels: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding,
    /// Groups.
    pub groups: usize,
}

impl Convolution {
    /// The shape behind the convolution.
    ///
    /// # Panics
    /// When the kernel is larger than the padded map.
    pub fn output_shape(&self, input: Shape) -> Shape {
        let Padding { top, bottom, left, right } = self.padding;
        let side = |length: usize, kernel: usize, stride: usize| {
            assert!(kernel <= length, "a kernel of {kernel} is larger than the padded map of {length}");
            (length - kernel) / stride + 1
        };
        Shape {
            batch: input.batch,
            height: side(input.height + top + bottom, self.kernel[0], self.stride[0]),
            width: side(input.width + left + right, self.kernel[1], self.stride[1]),
            channels: self.out_channels,
        }
    }

    /// Weights of one output channel.
    pub(crate) fn fan(&self) -> usize {
        self.in_channels / self.groups * self.kernel[0] * self.kernel[1]
    }

    /// Whether the pixels are the rows of a matrix already.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1]
            && self.stride == [1, 1]
            && self.padding == Padding::default()
            && self.groups == 1
    }

    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups > 1
    }
}

/// Geometry of a pool: square windows, `stride` apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// Side of a window.
    pub window: usize,
    /// From a window to the next, in both directions.
    pub stride: usize,
    /// Pixels that the first window reaches over the border; at most half its side.
    pub padding: usize,
}

impl Pool {
    /// Windows that lie side by side, all within the map.
    pub fn tiling(window: usize) -> Self {
        Self { window, stride: window, padding: 0 }
    }

    /// The shape behind the pool.
    pub fn output_shape(&self, input: Shape) -> Shape {
        let side = |length: usize| {
            let beyond_the_first = (length + 2 * self.padding).checked_sub(self.window);
            beyond_the_first.map_or(0, |rest| rest / self.stride + 1)
        };
        Shape { height: side(input.height), width: side(input.width), ..input }
    }

    /// What window `index` covers of a side of `length`.
    pub(crate) fn places(&self, index: usize, length: usize) -> Range<usize> {
        let start = index * self.stride;
        start.saturating_sub(self.padding)..(start + self.window - self.padding).min(length)
    }
}
