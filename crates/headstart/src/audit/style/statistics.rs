//! Global statistics of one picture. None of them says where in the picture anything is.

use serde::{Deserialize, Serialize};

use super::super::plane::{Plane, SIDE};
use super::Family;
use super::blocks::blockiness;
use super::scales::{FLOOR, Laplacian, Scales};
use crate::image::{Coding, Image};

/// Shares of the pixels that are darker than the quantiles.
const SHARES: [f32; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
/// Levels below the first are black, from the second on white.
const BLACK: usize = 8;
const WHITE: usize = 248;
/// Width of the edge strip.
const STRIP: usize = SIDE / 32;
/// The strip's own limits of black and white are wider: compression blurs the edge of a frame.
const BLACK_STRIP: f32 = 16.0;
const WHITE_STRIP: f32 = 240.0;

/// What tells of a picture's file. Pixels in an array have none.
#[derive(Debug, Clone, Copy)]
pub(in crate::audit) struct File {
    /// Its length.
    pub(in crate::audit) bytes: Option<u64>,
    /// How it was written, if it is a JPEG.
    pub(in crate::audit) coding: Option<Coding>,
}

/// The statistics of a picture, by family.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(in crate::audit) struct Statistics {
    geometry: [f32; 7],
    grey: [f32; 12],
    bands: [f32; 6],
    sharpness: [Option<f32>; 6],
    border: [f32; 4],
}

impl Statistics {
    /// Of `image`, of which `plane` is made.
    pub(in crate::audit) fn of(image: &Image, plane: &Plane, file: File) -> Self {
        let scales = Scales::of(&plane.grey);
        Self {
            geometry: geometry(image, &scales),
            grey: grey(plane),
            bands: scales.bands(),
            sharpness: sharpness(image, &scales, file),
            border: border(&plane.grey),
        }
    }

    /// Those of a family; `None` for what this picture does not have.
    pub(super) fn family(&self, family: Family) -> Vec<Option<f32>> {
        let known = |values: &[f32]| values.iter().copied().map(Some).collect();
        match family {
            Family::Geometry => known(&self.geometry),
            Family::Grey => known(&self.grey),
            Family::Bands => known(&self.bands),
            Family::Sharpness => self.sharpness.to_vec(),
            Family::Border => known(&self.border),
        }
    }
}

/// Logarithms of width over height and of the number of pixels, and of horizontal over vertical detail
/// at five scales: squashing to a square leaves the shape in these.
fn geometry(image: &Image, scales: &Scales) -> [f32; 7] {
    let (width, height) = (image.width() as f64, image.height() as f64);
    let [finest, second, third, fourth, fifth] = scales.anisotropy();
    [(width / height).ln() as f32, (width * height).ln() as f32, finest, second, third, fourth, fifth]
}

/// Seven quantiles, mean, standard deviation, shares of black and of white, entropy in bits.
fn grey(plane: &Plane) -> [f32; 12] {
    let (counts, total) = (plane.histogram(), plane.grey.len() as f64);
    let share = |levels: std::ops::Range<usize>| counts[levels].iter().sum::<usize>() as f64 / total;
    let information = |count: &usize| -(*count as f64 / total) * (*count as f64 / total).log2();
    let entropy: f64 = counts.iter().filter(|count| **count > 0).map(information).sum();
    let Spread { mean, deviation } = Spread::of(plane.grey.iter());
    let [a, b, c, d, e, f, g] = plane.percentiles(SHARES);
    let [mean, deviation, black, white, entropy] =
        [mean, deviation, share(0..BLACK), share(WHITE..256), entropy].map(|value| value as f32);
    [a, b, c, d, e, f, g, mean, deviation, black, white, entropy]
}

/// Logarithms of the Laplacian's energy over the variance at full and at half size, of how seldom and
/// strong its peaks are, and of the edges of 8×8 blocks; a JPEG's quality; bytes a pixel, as a logarithm.
fn sharpness(image: &Image, scales: &Scales, file: File) -> [Option<f32>; 6] {
    let pixels = (image.width() * image.height()) as f64;
    let relative = |laplacian: Laplacian| ((laplacian.square + FLOOR) / (scales.variance + FLOOR)).ln();
    [
        Some(relative(scales.full) as f32),
        Some(relative(scales.half) as f32),
        Some(scales.full.peaks() as f32),
        blockiness(image),
        file.coding.map(|coding| coding.quality),
        file.bytes.map(|bytes| (bytes.max(1) as f64 / pixels).ln() as f32),
    ]
}

/// The edge strip against what it surrounds: difference of the means, logarithm of the deviations'
/// ratio, and the shares of its pixels that are black and white.
fn border(grey: &[f32]) -> [f32; 4] {
    let within = STRIP..SIDE - STRIP;
    let is_inside = |index: usize| within.contains(&(index / SIDE)) && within.contains(&(index % SIDE));
    let levels = |inside: bool| {
        grey.iter().enumerate().filter(move |(index, _)| is_inside(*index) == inside).map(|(_, level)| level)
    };
    let share = |holds: fn(&f32) -> bool| {
        levels(false).filter(|level| holds(level)).count() as f32 / levels(false).count() as f32
    };
    let (edge, inside) = (Spread::of(levels(false)), Spread::of(levels(true)));
    [
        (edge.mean - inside.mean) as f32,
        // One grey level more, so that a frame of one level is no extreme.
        ((edge.deviation + 1.0) / (inside.deviation + 1.0)).ln() as f32,
        share(|level| *level < BLACK_STRIP),
        share(|level| *level >= WHITE_STRIP),
    ]
}

/// Mean and standard deviation.
struct Spread {
    mean: f64,
    deviation: f64,
}

impl Spread {
    fn of<'a>(levels: impl Iterator<Item = &'a f32>) -> Self {
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for level in levels.map(|level| f64::from(*level)) {
            (count, sum, squares) = (count + 1.0, sum + level, squares + level * level);
        }
        let mean = sum / count;
        Self { mean, deviation: (squares / count - mean * mean).max(0.0).sqrt() }
    }
}
