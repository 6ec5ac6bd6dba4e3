//! Depthwise convolution of a strip of lines that has its border of zeros already.

use std::ops::Range;

use crate::activation::Activation;
use crate::shape::{Convolution, Shape};
use crate::vector::{Vector, with_vector};

/// Pixels whose sums are computed side by side: they share the taps, and maps of ImageNet's nets
/// are 7, 14, 28 … pixels wide.
const PIXELS: usize = 7;

/// Some lines of output, and the lines of padded input that they are computed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strip {
    /// The first line of output, and how many.
    first: usize,
    rows: usize,
    /// Pixels of a padded input line, and zeros before the map's first.
    pub(crate) width: usize,
    pub(crate) left: usize,
    top: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
}

/// The kernels that a strip is computed with.
#[derive(Clone, Copy)]
pub(crate) struct Taps<'a> {
    /// `[kernel, kernel, C]`, from the first channel wanted on.
    pub(crate) values: &'a [f32],
    /// C.
    pub(crate) channels: usize,
    /// `[channels wanted]`
    pub(crate) bias: &'a [f32],
    /// What follows the sums.
    pub(crate) activation: Activation,
}

impl Strip {
    /// The first `rows` lines behind `geometry`, of maps `width` wide.
    pub(crate) fn new(geometry: &Convolution, width: usize, rows: usize) -> Self {
        let padding = geometry.padding;
        let width = width + padding.left + padding.right;
        let (kernel, stride) = (geometry.kernel, geometry.stride);
        Self { first: 0, rows, width, left: padding.left, top: padding.top, kernel, stride }
    }

    /// Other lines of the same output.
    pub(crate) fn at(self, first: usize, rows: usize) -> Self {
        Self { first, rows, ..self }
    }

    /// Whether kernels of this size are known.
    pub(crate) fn fits(geometry: &Convolution) -> bool {
        matches!(geometry.kernel, [_, 3 | 5])
    }

    /// Values of the padded input, `[lines, width, channels]`.
    pub(crate) fn input_len(self, channels: usize) -> usize {
        ((self.rows - 1) * self.stride[0] + self.kernel[0]) * self.width * channels
    }

    fn output_width(self) -> usize {
        (self.width - self.kernel[1]) / self.stride[1] + 1
    }

    /// Sets what lies outside of a map of `shape` to zero. Gives the map's lines that lie inside,
    /// and the strip's line where they begin.
    pub(crate) fn clear_border(
        self,
        shape: Shape,
        channels: usize,
        input: &mut [f32],
    ) -> (Range<usize>, usize) {
        let line = self.width * channels;
        let start = self.first * self.stride[0];
        let place = |row: usize| (start + row).checked_sub(self.top).filter(|y| *y < shape.height);
        for (row, values) in input.chunks_exact_mut(line).enumerate() {
            match place(row) {
                Some(_) => {
                    values[..self.left * channels].fill(0.0);
                    values[(self.left + shape.width) * channels..].fill(0.0);
                }
                None => values.fill(0.0),
            }
        }
        let top = self.top.saturating_sub(start);
        let first = (start + top - self.top).min(shape.height);
        let behind = (start + input.len() / line).saturating_sub(self.top).min(shape.height);
        (first..behind.max(first), top)
    }

    /// Computes `output` `[rows, output width, channels]`, channels in whole registers.
    pub(crate) fn convolve(self, input: &[f32], taps: Taps<'_>, output: &mut [f32]) {
        let channels = taps.bias.len();
        assert_eq!(input.len(), self.input_len(channels), "padded lines");
        assert_eq!(output.len(), self.rows * self.output_width() * channels, "lines of output");
        let last = (self.kernel[0] * self.kernel[1] - 1) * taps.channels + channels;
        assert!(channels.is_multiple_of(16) && taps.values.len() >= last, "taps of each channel");
        // SAFETY: the lengths were checked above.
        unsafe { convolve_dispatched(self, input, taps, output) }
        taps.activation.bend(output);
    }
}

with_vector! {
    unsafe fn convolve_dispatched(strip: Strip, input: &[f32], taps: Taps<'_>, output: &mut [f32]) = convolve_with;
}

#[inline(always)]
unsafe fn convolve_with<V: Vector>(strip: Strip, input: &[f32], taps: Taps<'_>, output: &mut [f32]) {
    // SAFETY: the caller's contract.
    unsafe {
        match strip.kernel[1] {
            3 => channels_with::<V, 3>(strip, input, taps, output),
            _ => channels_with::<V, 5>(strip, input, taps, output),
        }
    }
}

/// A register of channels at a time, whose lines then stay in the first cache.
#[inline(always)]
unsafe fn channels_with<V: Vector, const K: usize>(
    strip: Strip,
    input: &[f32],
    taps: Taps<'_>,
    output: &mut [f32],
) {
    let (channels, width) = (taps.bias.len(), strip.output_width());
    for channel in (0..channels).step_by(V::LANES) {
        for row in 0..strip.rows {
            let mut x = 0;
            // SAFETY: the windows lie inside of the padded lines, the pixels inside of the output.
            unsafe {
                let from = row * strip.stride[0] * strip.width * channels + channel;
                let from = |x: usize| input.as_ptr().add(from + x * strip.stride[1] * channels);
                let to = output.as_mut_ptr().add(row * width * channels + channel);
                while x + PIXELS <= width {
                    pixels::<V, K, PIXELS>(strip, from(x), taps, channel, to.add(x * channels));
                    x += PIXELS;
                }
                while x < width {
                    pixels::<V, K, 1>(strip, from(x), taps, channel, to.add(x * channels));
                    x += 1;
                }
            }
        }
    }
}

/// One register of channels of `N` pixels side by side.
#[inline(always)]
unsafe fn pixels<V: Vector, const K: usize, const N: usize>(
    strip: Strip,
    from: *const f32,
    taps: Taps<'_>,
    channel: usize,
    to: *mut f32,
) {
    let channels = taps.bias.len();
    // SAFETY: the caller's contract.
    unsafe {
        let mut sums = [V::load(taps.bias.as_ptr().add(channel)); N];
        for row in 0..strip.kernel[0] {
            let line = from.add(row * strip.width * channels);
            let tap = taps.values.as_ptr().add(row * K * taps.channels + channel);
            for column in 0..K {
                let tap = V::load(tap.add(column * taps.channels));
                for (pixel, sum) in sums.iter_mut().enumerate() {
                    let value = V::load(line.add((pixel * strip.stride[1] + column) * channels));
                    *sum = value.multiply_add(tap, *sum);
                }
            }
        }
        for (pixel, sum) in sums.into_iter().enumerate() {
            sum.clamp(taps.activation.range()).store(to.add(pixel * channels));
        }
    }
}
