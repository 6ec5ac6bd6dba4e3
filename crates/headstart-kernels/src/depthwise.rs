//! Depthwise convolution: each channel with its own kernel.

use rayon::prelude::*;

use crate::matmul::Epilogue;
use crate::scratch::Scratch;
use crate::shape::{Convolution, Shape};
use crate::strip::{Strip, Taps};
use crate::vector::{Vector, with_vector};

/// Registers of channels whose sums are computed side by side.
const SEVERAL: usize = 4;
/// Channels of a register of the widest vector, and of a strip.
const LANES: usize = 16;
const CHANNELS: usize = 4 * LANES;
/// Values of a strip's padded input, which stays in the second cache.
const INPUT: usize = 1 << 15;

/// Weights as `[kernel, kernel, C]`.
#[derive(Debug)]
pub(crate) struct Depthwise {
    taps: Vec<f32>,
}

impl Depthwise {
    pub(crate) fn new(geometry: &Convolution, weight: &[f32]) -> Self {
        let size = geometry.kernel[0] * geometry.kernel[1];
        let mut taps = vec![0.0; weight.len()];
        for (channel, kernel) in weight.chunks_exact(size).enumerate() {
            for (tap, value) in kernel.iter().enumerate() {
                taps[tap * geometry.in_channels + channel] = *value;
            }
        }
        Self { taps }
    }

    /// `[kernel, kernel, C]`
    pub(crate) fn taps(&self) -> &[f32] {
        &self.taps
    }

    /// One tap of every channel.
    pub(crate) fn tap(&self, tap: usize, channels: usize) -> &[f32] {
        &self.taps[tap * channels..][..channels]
    }

    pub(crate) fn forward(
        &self,
        geometry: &Convolution,
        input: &[f32],
        shape: Shape,
        output: &mut [f32],
        epilogue: Epilogue<'_>,
    ) {
        let out = geometry.output_shape(shape);
        let row = out.width * out.channels;
        let fits = Strip::fits(geometry) && shape.channels.is_multiple_of(LANES);
        if fits && epilogue.residual.is_none() {
            return self.by_strips(geometry, (input, shape), (output, out), epilogue);
        }
        output.par_chunks_mut(row).enumerate().for_each(|(index, line)| {
            let residual = epilogue.residual.map(|residual| &residual[index * row..][..row]);
            let job = Line {
                geometry,
                taps: &self.taps,
                image: &input[index / out.height * shape.height * shape.width * shape.channels..],
                shape,
                y: index % out.height,
                epilogue: Epilogue { residual, ..epilogue },
            };
            // SAFETY: the line is `out.width × channels`; windows are clipped to the image.
            unsafe { line_dispatched(&job, line) }
            epilogue.activation.bend(line);
        });
    }

    /// Copies a few lines of some channels at a time to where they have a border of zeros.
    fn by_strips(
        &self,
        geometry: &Convolution,
        (input, shape): (&[f32], Shape),
        (output, out): (&mut [f32], Shape),
        epilogue: Epilogue<'_>,
    ) {
        let (channels, row) = (shape.channels, out.width * out.channels);
        let none = vec![0.0; channels];
        let (bias, activation) = (epilogue.bias.unwrap_or(&none), epilogue.activation);
        let whole = Strip::new(geometry, shape.width, out.height);
        let lines = INPUT / (whole.width * CHANNELS);
        let rows = (lines.saturating_sub(geometry.kernel[0]) / geometry.stride[0] + 1).min(out.height);
        let pixels = shape.height * shape.width * channels;
        let images = output.par_chunks_exact_mut(out.height * row).zip(input.par_chunks_exact(pixels));
        images.for_each(|(output, image)| {
            output.par_chunks_mut(rows * row).enumerate().for_each(|(index, output)| {
                let strip = whole.at(index * rows, output.len() / row);
                let mut padded = Scratch::new(strip.input_len(CHANNELS));
                let mut sums = Scratch::new(output.len() / channels * CHANNELS);
                for first in (0..channels).step_by(CHANNELS) {
                    let count = CHANNELS.min(channels - first);
                    let padded = &mut padded[..strip.input_len(count)];
                    let sums = &mut sums[..output.len() / channels * count];
                    copy_lines(strip, (image, shape), (first, count), padded);
                    let bias = &bias[first..][..count];
                    let taps = Taps { values: &self.taps[first..], channels, bias, activation };
                    strip.convolve(padded, taps, sums);
                    let pixels = output.chunks_exact_mut(channels).zip(sums.chunks_exact(count));
                    pixels.for_each(|(pixel, sums)| pixel[first..][..count].copy_from_slice(sums));
                }
            });
        });
    }
}

/// Copies `count` channels from `first` on of the lines that a strip reads, zeros around them.
fn copy_lines(
    strip: Strip,
    (image, shape): (&[f32], Shape),
    (first, count): (usize, usize),
    padded: &mut [f32],
) {
    let (lines, start) = strip.clear_border(shape, count, padded);
    let to = padded.chunks_exact_mut(strip.width * count).skip(start);
    for (to, y) in to.zip(lines) {
        let line = image[y * shape.width * shape.channels..].chunks_exact(shape.channels);
        let to = to.chunks_exact_mut(count).skip(strip.left).take(shape.width);
        to.zip(line).for_each(|(to, from)| to.copy_from_slice(&from[first..][..count]));
    }
}

/// One row of output.
struct Line<'a> {
    geometry: &'a Convolution,
    taps: &'a [f32],
    image: &'a [f32],
    shape: Shape,
    y: usize,
    epilogue: Epilogue<'a>,
}

/// The part `start..end` of a window that begins at `first` and lies inside of `length`.
fn inside(first: isize, window: usize, length: usize) -> (usize, usize) {
    let start = (-first).clamp(0, window as isize);
    (start as usize, (length as isize - first).clamp(start, window as isize) as usize)
}

with_vector! {
    unsafe fn line_dispatched(job: &Line<'_>, line: &mut [f32]) = line_with;
}

#[inline(always)]
unsafe fn line_with<V: Vector>(job: &Line<'_>, line: &mut [f32]) {
    let channels = job.shape.channels;
    let top = (job.y * job.geometry.stride[0]) as isize - job.geometry.padding.top as isize;
    let rows = inside(top, job.geometry.kernel[0], job.shape.height);
    for (x, pixel) in line.chunks_exact_mut(channels).enumerate() {
        let left = (x * job.geometry.stride[1]) as isize - job.geometry.padding.left as isize;
        let columns = inside(left, job.geometry.kernel[1], job.shape.width);
        let window = Window { top, left, rows, columns, start: x * channels };
        let mut channel = 0;
        // SAFETY: the window was clipped, and the registers lie below `channels`.
        unsafe {
            while channel + SEVERAL * V::LANES <= channels {
                several::<V, SEVERAL>(job, &window, channel, pixel.as_mut_ptr().add(channel));
                channel += SEVERAL * V::LANES;
            }
            while channel + V::LANES <= channels {
                several::<V, 1>(job, &window, channel, pixel.as_mut_ptr().add(channel));
                channel += V::LANES;
            }
        }
        for (channel, slot) in pixel.iter_mut().enumerate().skip(channel) {
            *slot = single(job, &window, channel);
        }
    }
}

/// What a sum begins with.
#[inline(always)]
unsafe fn start<V: Vector>(job: &Line<'_>, channel: usize) -> V {
    // SAFETY: the caller vouches for a whole register of channels.
    unsafe {
        match job.epilogue.bias {
            Some(bias) => V::load(bias.as_ptr().add(channel)),
            None => V::splat(0.0),
        }
    }
}

/// Adds the residual, clamps and writes value `place` of the line.
#[inline(always)]
unsafe fn epilogue<V: Vector>(job: &Line<'_>, mut sum: V, place: usize, to: *mut f32) {
    // SAFETY: the caller vouches for a whole register in the line.
    unsafe {
        if let Some(residual) = job.epilogue.residual {
            sum = sum.add(V::load(residual.as_ptr().add(place)));
        }
        sum.clamp(job.epilogue.activation.range()).store(to);
    }
}

/// Where a window lies, and what of it is inside of the image.
struct Window {
    top: isize,
    left: isize,
    rows: (usize, usize),
    columns: (usize, usize),
    /// First value of the output pixel in its line.
    start: usize,
}

impl Window {
    /// Indices of the taps and pixels inside of the image.
    #[inline(always)]
    fn taps(&self, job: &Line<'_>) -> impl Iterator<Item = (usize, usize)> {
        let (width, image_width, channels) = (job.geometry.kernel[1], job.shape.width, job.shape.channels);
        let (top, left, columns) = (self.top, self.left, self.columns);
        (self.rows.0..self.rows.1).flat_map(move |row| {
            let line = (top + row as isize) as usize * image_width;
            (columns.0..columns.1).map(move |column| {
                let pixel = line + (left + column as isize) as usize;
                ((row * width + column) * channels, pixel * channels)
            })
        })
    }
}

/// `N` registers of channels of one pixel.
#[inline(always)]
unsafe fn several<V: Vector, const N: usize>(job: &Line<'_>, window: &Window, channel: usize, to: *mut f32) {
    // SAFETY: the caller vouches for whole registers from `channel` on in every pixel.
    unsafe {
        let mut sums = [V::splat(0.0); N];
        for (register, sum) in sums.iter_mut().enumerate() {
            *sum = start(job, channel + register * V::LANES);
        }
        for row in window.rows.0..window.rows.1 {
            let line = (window.top + row as isize) as usize * job.shape.width;
            for column in window.columns.0..window.columns.1 {
                let pixel = line + (window.left + column as isize) as usize;
                let tap = row * job.geometry.kernel[1] + column;
                let values = job.image.as_ptr().add(pixel * job.shape.channels + channel);
                let weights = job.taps.as_ptr().add(tap * job.shape.channels + channel);
                for (register, sum) in sums.iter_mut().enumerate() {
                    let value = V::load(values.add(register * V::LANES));
                    *sum = value.multiply_add(V::load(weights.add(register * V::LANES)), *sum);
                }
            }
        }
        for (register, sum) in sums.into_iter().enumerate() {
            let offset = register * V::LANES;
            epilogue(job, sum, window.start + channel + offset, to.add(offset));
        }
    }
}

fn single(job: &Line<'_>, window: &Window, channel: usize) -> f32 {
    let mut sum = job.epilogue.bias.map_or(0.0, |bias| bias[channel]);
    for (tap, pixel) in window.taps(job) {
        sum += job.taps[tap + channel] * job.image[pixel + channel];
    }
    sum += job.epilogue.residual.map_or(0.0, |residual| residual[window.start + channel]);
    let (low, high) = job.epilogue.activation.range();
    sum.clamp(low, high)
}
