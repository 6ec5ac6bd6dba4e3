//! Depthwise convolution: each channel with its own kernel.

use rayon::prelude::*;

use crate::matmul::Finish;
use crate::shape::{Convolution, Shape};
use crate::vector::{Vector, with_vector};

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
        finish: Finish<'_>,
    ) {
        let out = geometry.output_shape(shape);
        let row = out.width * out.channels;
        output.par_chunks_mut(row).enumerate().for_each(|(index, line)| {
            let residual = finish.residual.map(|residual| &residual[index * row..][..row]);
            let job = Line {
                geometry,
                taps: &self.taps,
                image: &input[index / out.height * shape.height * shape.width * shape.channels..],
                shape,
                y: index % out.height,
                finish: Finish { residual, ..finish },
            };
            // SAFETY: the line is `out.width × channels`; windows are clipped to the image.
            unsafe { line_dispatched(&job, line) }
        });
    }
}

/// One row of output.
struct Line<'a> {
    geometry: &'a Convolution,
    taps: &'a [f32],
    image: &'a [f32],
    shape: Shape,
    y: usize,
    finish: Finish<'a>,
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
        let whole = channels - channels % V::LANES;
        // SAFETY: the window was clipped, and whole registers lie below `channels`.
        unsafe {
            for channel in (0..whole).step_by(V::LANES) {
                several::<V>(job, &window, channel, pixel.as_mut_ptr().add(channel));
            }
        }
        for (channel, slot) in pixel.iter_mut().enumerate().skip(whole) {
            *slot = single(job, &window, channel);
        }
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

#[inline(always)]
unsafe fn several<V: Vector>(job: &Line<'_>, window: &Window, channel: usize, to: *mut f32) {
    // SAFETY: the caller vouches for a whole register from `channel` on in every pixel.
    unsafe {
        let mut sum = match job.finish.bias {
            Some(bias) => V::load(bias.as_ptr().add(channel)),
            None => V::splat(0.0),
        };
        for row in window.rows.0..window.rows.1 {
            let line = (window.top + row as isize) as usize * job.shape.width;
            for column in window.columns.0..window.columns.1 {
                let pixel = line + (window.left + column as isize) as usize;
                let tap = row * job.geometry.kernel[1] + column;
                let value = V::load(job.image.as_ptr().add(pixel * job.shape.channels + channel));
                let weight = V::load(job.taps.as_ptr().add(tap * job.shape.channels + channel));
                sum = value.multiply_add(weight, sum);
            }
        }
        if let Some(residual) = job.finish.residual {
            sum = sum.add(V::load(residual.as_ptr().add(window.start + channel)));
        }
        sum.clamp(job.finish.range).store(to);
    }
}

fn single(job: &Line<'_>, window: &Window, channel: usize) -> f32 {
    let mut sum = job.finish.bias.map_or(0.0, |bias| bias[channel]);
    for (tap, pixel) in window.taps(job) {
        sum += job.taps[tap + channel] * job.image[pixel + channel];
    }
    sum += job.finish.residual.map_or(0.0, |residual| residual[window.start + channel]);
    sum.clamp(job.finish.range.0, job.finish.range.1)
}
