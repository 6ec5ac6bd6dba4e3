//! Gradients of a depthwise convolution.

use rayon::prelude::*;

use crate::depthwise::Depthwise;
use crate::shape::{Convolution, Shape};
use crate::vector::{Vector, with_vector};

/// Channels whose weights one task computes: four registers of the widest vector.
const STRIP: usize = 64;

/// The input's gradient at any stride: each line collects from the output lines that read it.
pub(super) fn input(
    geometry: &Convolution,
    weight: &[f32],
    gradient: &[f32],
    shape: Shape,
    input: &mut [f32],
) {
    let depthwise = Depthwise::new(geometry, weight);
    let out = geometry.output_shape(shape);
    input.par_chunks_exact_mut(shape.width * shape.channels).enumerate().for_each(|(index, line)| {
        let (image, y) = (index / shape.height, index % shape.height);
        line.fill(0.0);
        for row in 0..geometry.kernel[0] {
            let Some(from) = reader(y + geometry.padding.top, row, geometry.stride[0], out.height) else {
                continue;
            };
            for column in 0..geometry.kernel[1] {
                let tap = depthwise.tap(row * geometry.kernel[1] + column, shape.channels);
                for (x, pixel) in line.chunks_exact_mut(shape.channels).enumerate() {
                    let x = reader(x + geometry.padding.left, column, geometry.stride[1], out.width);
                    let Some(x) = x else { continue };
                    let source = ((image * out.height + from) * out.width + x) * out.channels;
                    let values = &gradient[source..][..out.channels];
                    // SAFETY: as many values as channels in each.
                    unsafe { add_products(pixel, values, tap) }
                }
            }
        }
    });
}

/// The output place whose tap `tap` lay on padded input place `place`.
fn reader(place: usize, tap: usize, stride: usize, length: usize) -> Option<usize> {
    let start = place.checked_sub(tap).filter(|start| start.is_multiple_of(stride))?;
    Some(start / stride).filter(|reader| *reader < length)
}

with_vector! {
    /// `sums += a · b`; all of one length.
    unsafe fn add_products(sums: &mut [f32], a: &[f32], b: &[f32]) = add_products_with;
}

#[inline(always)]
unsafe fn add_products_with<V: Vector>(sums: &mut [f32], a: &[f32], b: &[f32]) {
    let whole = sums.len() - sums.len() % V::LANES;
    for start in (0..whole).step_by(V::LANES) {
        // SAFETY: whole registers lie inside of each.
        unsafe {
            let sum = sums.as_mut_ptr().add(start);
            let (a, b) = (V::load(a.as_ptr().add(start)), V::load(b.as_ptr().add(start)));
            a.multiply_add(b, V::load(sum)).store(sum);
        }
    }
    for index in whole..sums.len() {
        sums[index] += a[index] * b[index];
    }
}

/// The weight's gradient, `[channels, 1, kernel, kernel]`.
pub(super) fn weight(
    geometry: &Convolution,
    input: &[f32],
    shape: Shape,
    gradient: &[f32],
    weight: &mut [f32],
) {
    let job = Job { geometry, input, shape, gradient, out: geometry.output_shape(shape) };
    weight.par_chunks_mut(STRIP * geometry.fan()).enumerate().for_each(|(index, kernels)| {
        // SAFETY: the strip's channels lie inside of every pixel.
        unsafe { strip(&job, index * STRIP, kernels) }
    });
}

struct Job<'a> {
    geometry: &'a Convolution,
    input: &'a [f32],
    shape: Shape,
    gradient: &'a [f32],
    out: Shape,
}

with_vector! {
    /// Kernels of the channels from `first` on.
    unsafe fn strip(job: &Job<'_>, first: usize, kernels: &mut [f32]) = strip_with;
}

#[inline(always)]
unsafe fn strip_with<V: Vector>(job: &Job<'_>, first: usize, kernels: &mut [f32]) {
    let taps: Vec<Tap> = (0..job.geometry.fan()).map(|tap| Tap::new(job, tap)).collect();
    let channels = kernels.len() / taps.len();
    let mut sums = vec![[0.0; STRIP]; taps.len()];
    let mut behind = 0;
    // Image by image: what all taps of one read stays in the first cache.
    for image in 0..job.shape.batch {
        for (tap, sums) in taps.iter().zip(&mut sums) {
            let mut channel = 0;
            // SAFETY: `channel..` and the registers read lie inside of the strip.
            unsafe {
                while channel + 4 * V::LANES <= channels {
                    registers::<V, 4>(job, tap, image, first + channel, sums.as_mut_ptr().add(channel));
                    channel += 4 * V::LANES;
                }
                while channel + V::LANES <= channels {
                    registers::<V, 1>(job, tap, image, first + channel, sums.as_mut_ptr().add(channel));
                    channel += V::LANES;
                }
            }
            behind = channel;
        }
    }
    for (tap, sums) in taps.iter().zip(&mut sums) {
        for (channel, sum) in sums.iter_mut().enumerate().take(channels).skip(behind) {
            tap.pairs(job, |input, gradient| {
                *sum += job.input[input + first + channel] * job.gradient[gradient + first + channel];
            });
        }
    }
    for (channel, kernel) in kernels.chunks_exact_mut(taps.len()).enumerate() {
        kernel.iter_mut().zip(&sums).for_each(|(slot, sums)| *slot = sums[channel]);
    }
}

/// Adds one tap's products of one image for `N` registers of channels.
#[inline(always)]
unsafe fn registers<V: Vector, const N: usize>(
    job: &Job<'_>,
    tap: &Tap,
    image: usize,
    channel: usize,
    to: *mut f32,
) {
    // SAFETY: pixels are clipped to both maps; the channels are the caller's.
    unsafe {
        let mut sums = [V::splat(0.0); N];
        for (register, sum) in sums.iter_mut().enumerate() {
            *sum = V::load(to.add(register * V::LANES));
        }
        let across = job.geometry.stride[1];
        for y in tap.rows.0..tap.rows.1 {
            let (source, line) = tap.line(job, image, y);
            for x in tap.columns.0..tap.columns.1 {
                let pixel = source.wrapping_add(x * across);
                let a = job.input.as_ptr().add(pixel * job.shape.channels + channel);
                let b = job.gradient.as_ptr().add((line + x) * job.out.channels + channel);
                for (register, sum) in sums.iter_mut().enumerate() {
                    let (a, b) = (a.add(register * V::LANES), b.add(register * V::LANES));
                    *sum = V::load(a).multiply_add(V::load(b), *sum);
                }
            }
        }
        for (register, sum) in sums.iter().enumerate() {
            sum.store(to.add(register * V::LANES));
        }
    }
}

/// A place of the kernel, and the output pixels that it meets a pixel of the input from.
struct Tap {
    y: usize,
    x: usize,
    rows: (usize, usize),
    columns: (usize, usize),
}

impl Tap {
    fn new(job: &Job<'_>, index: usize) -> Self {
        let (y, x) = (index / job.geometry.kernel[1], index % job.geometry.kernel[1]);
        let ([down, across], padding) = (job.geometry.stride, job.geometry.padding);
        let rows = overlap(y, padding.top, down, job.shape.height, job.out.height);
        let columns = overlap(x, padding.left, across, job.shape.width, job.out.width);
        Self { y, x, rows, columns }
    }

    /// The input pixel that output pixel `(y, 0)` of an image would meet, and that output pixel.
    #[inline(always)]
    fn line(&self, job: &Job<'_>, image: usize, y: usize) -> (usize, usize) {
        let padding = job.geometry.padding;
        let line = image * job.shape.height + y * job.geometry.stride[0] + self.y - padding.top;
        let source = (line * job.shape.width + self.x).wrapping_sub(padding.left);
        (source, (image * job.out.height + y) * job.out.width)
    }

    /// Calls `each(input, gradient)` with the first values of every pair of pixels that it joins.
    fn pairs(&self, job: &Job<'_>, mut each: impl FnMut(usize, usize)) {
        for image in 0..job.shape.batch {
            for y in self.rows.0..self.rows.1 {
                let (source, line) = self.line(job, image, y);
                for x in self.columns.0..self.columns.1 {
                    let pixel = source.wrapping_add(x * job.geometry.stride[1]);
                    each(pixel * job.shape.channels, (line + x) * job.out.channels);
                }
            }
        }
    }
}

/// The output places `start..end` whose tap `tap` lies inside of `length` input places.
fn overlap(tap: usize, padding: usize, stride: usize, length: usize, outputs: usize) -> (usize, usize) {
    let start = padding.saturating_sub(tap).div_ceil(stride);
    let end = (length + padding).saturating_sub(tap).div_ceil(stride).min(outputs);
    (start.min(end), end)
}
