//! What one picture looks like, in a few numbers: read once, while its pixels are there.

use serde::{Deserialize, Serialize};

use super::burned_in_text::{self, BurnedInText};
use super::marks::Marks;
use super::mirroring::Sides;
use super::perceptual::{self, Hashes};
use super::plane::{Plane, SIDE};
use crate::image::Image;

/// Width of the frame whose brightness is measured.
const BORDER: usize = 4;
/// Side of the four corner squares.
const CORNER: usize = 16;
/// Below this distance of dark and bright there is nothing to see, and nothing to compare.
const FLAT: f32 = 3.0;

/// What a picture looks like. Brightness is in grey levels, 0 to 255.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Appearance {
    /// The level below which 1 % of the pixels lie.
    pub(super) dark: f32,
    /// The level below which 99 % of the pixels lie.
    pub(super) bright: f32,
    /// Mean of the outermost pixels.
    pub(super) border: f32,
    /// Mean of the four corners.
    pub(super) corners: f32,
    /// Variance of the Laplacian over the variance of the picture: how much of what it shows is fine
    /// detail, whatever its contrast. `None` for a flat picture.
    pub(super) sharpness: Option<f32>,
    /// Share of the pixels that are coloured.
    pub(super) coloured: f32,
    /// For finding pictures that are nearly the same. `None` for a flat picture.
    pub(super) hashes: Option<Hashes>,
    /// Letters that are burned in.
    pub(super) writing: Option<BurnedInText>,
    /// Where there are small sharp marks, such as single letters.
    pub(super) marks: Marks,
    /// What the left half has that the right half does not.
    pub(super) sides: Sides,
}

impl Appearance {
    /// Measures `image`, of which `plane` is made.
    pub(super) fn of(image: &Image, plane: &Plane) -> Self {
        let grey = &plane.grey;
        let [dark, bright] = plane.percentiles([0.01, 0.99]);
        let flat = bright - dark < FLAT;
        let (writing, marks) = burned_in_text::find(image);
        Self {
            dark,
            bright,
            border: mean(grey, |x, y| edge(x) < BORDER || edge(y) < BORDER),
            corners: mean(grey, |x, y| edge(x) < CORNER && edge(y) < CORNER),
            sharpness: (!flat).then(|| sharpness(grey)),
            coloured: plane.coloured,
            hashes: (!flat).then(|| perceptual::hashes(grey)),
            writing,
            marks,
            sides: Sides::of(grey),
        }
    }

    /// Whether there is nothing to see.
    pub(super) fn is_flat(&self) -> bool {
        self.hashes.is_none()
    }
}

/// Pixels to the nearer end of a side.
fn edge(at: usize) -> usize {
    at.min(SIDE - 1 - at)
}

/// Mean over the pixels that `counts` picks by column and row.
fn mean(grey: &[f32], counts: impl Fn(usize, usize) -> bool) -> f32 {
    let picked = grey.iter().enumerate().filter(|(index, _)| counts(index % SIDE, index / SIDE));
    let (sum, count) =
        picked.fold((0.0, 0), |(sum, count): (f64, usize), (_, level)| (sum + f64::from(*level), count + 1));
    (sum / count as f64) as f32
}

/// Pech-Pacheco et al. 2000, made independent of contrast.
fn sharpness(grey: &[f32]) -> f32 {
    let inner = || (1..SIDE - 1).flat_map(|y| (1..SIDE - 1).map(move |x| y * SIDE + x));
    let laplacian =
        |at: usize| grey[at - 1] + grey[at + 1] + grey[at - SIDE] + grey[at + SIDE] - 4.0 * grey[at];
    variance(inner().map(laplacian)) / variance(grey.iter().copied())
}

fn variance(values: impl Iterator<Item = f32>) -> f32 {
    let (mut count, mut sum, mut squares) = (0.0f64, 0.0f64, 0.0f64);
    for value in values.map(f64::from) {
        (count, sum, squares) = (count + 1.0, sum + value, squares + value * value);
    }
    (squares / count - (sum / count).powi(2)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(value: impl Fn(usize, usize) -> u8) -> Image {
        let pixels: Vec<u8> = (0..SIDE * SIDE).map(|index| value(index % SIDE, index / SIDE)).collect();
        Image::from_grey8(SIDE, SIDE, &pixels)
    }

    fn look(image: &Image) -> Appearance {
        Appearance::of(image, &Plane::of(image))
    }

    #[test]
    fn border_and_corners_are_measured_apart() {
        let framed = grey(|x, y| if edge(x) < BORDER || edge(y) < BORDER { 200 } else { 100 });
        let look = look(&framed);
        assert_eq!((look.border, look.dark, look.bright), (200.0, 100.0, 200.0));
        // 16² pixels of which 12² are inside.
        assert_eq!(look.corners, (200.0 * 112.0 + 100.0 * 144.0) / 256.0);
    }

    #[test]
    fn fine_detail_is_sharp_whatever_its_contrast() {
        let wave = |period: usize, depth: u8| {
            let look = look(&grey(|x, _| 100 + if x % period < period / 2 { depth } else { 0 }));
            look.sharpness.expect("not flat")
        };
        assert!(wave(4, 50) > 5.0 * wave(64, 50));
        assert!((wave(4, 50) / wave(4, 100) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_flat_picture_has_no_hash() {
        let look = look(&grey(|x, _| 7 + (x % 2) as u8));
        assert!(look.is_flat() && look.sharpness.is_none());
        assert_eq!(look.coloured, 0.0);
    }
}
