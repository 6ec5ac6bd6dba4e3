//! How one view of an image differs from it: every value is drawn, nothing is left to chance.

use super::affine::Affine;
use super::compression::compress;
use super::filters::{blur, lower_resolution, sharpen};
use super::planes::Planes;
use super::tone::{Tone, add_noise};
use crate::image::preprocess::Region;
use crate::image::{Image, Preprocess};
use crate::random::Random;

/// How a view differs from its image. The default changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Style {
    /// The part of the picture that is seen: left, top, width and height as shares of the picture's.
    pub(super) region: [f32; 4],
    pub(super) affine: Affine,
    pub(super) tone: Tone,
    /// Share of the side that it is shrunk to before it is enlarged again.
    pub(super) resolution: Option<f32>,
    /// Deviation of a Gaussian, in pixels of the net's input.
    pub(super) blur: Option<f32>,
    /// Amount of unsharp masking.
    pub(super) sharpen: Option<f32>,
    /// Share of the side, at each edge, that is black.
    pub(super) border: Option<f32>,
    /// Deviation of grey noise, in levels, and the seed that it is drawn from.
    pub(super) noise: Option<(f32, u64)>,
    /// Of JPEG.
    pub(super) quality: Option<f32>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            region: [0.0, 0.0, 1.0, 1.0],
            affine: Affine::new(0.0, 0.0, [0.0; 2], false),
            tone: Tone::default(),
            resolution: None,
            blur: None,
            sharpen: None,
            border: None,
            noise: None,
            quality: None,
        }
    }
}

impl Style {
    /// A net's input of an image that looks so. The picture's part is resized to the square; what follows happens there.
    ///
    /// # Shapes
    /// result: `[size, size, 3]`
    pub fn apply(&self, preprocess: &Preprocess, image: &Image) -> Vec<f32> {
        let region = Region::of_shares(image, self.region);
        let mut planes = Planes::new(&preprocess.levels(image, region), preprocess.size);
        self.affine.apply(&mut planes);
        self.tone.apply(&mut planes);
        if let Some(share) = self.resolution {
            lower_resolution(&mut planes, share);
        }
        if let Some(deviation) = self.blur {
            blur(&mut planes, deviation);
        }
        if let Some(amount) = self.sharpen {
            sharpen(&mut planes, amount);
        }
        if let Some(share) = self.border {
            blacken_border(&mut planes, share);
        }
        if let Some((deviation, seed)) = self.noise {
            add_noise(&mut planes, deviation, &mut Random::new(seed, 0));
        }
        if let Some(quality) = self.quality {
            compress(&mut planes, quality);
        }
        preprocess.normalise_levels(&planes.into_levels())
    }
}

/// Paints this share of the side black at each edge.
fn blacken_border(planes: &mut Planes, share: f32) {
    let size = planes.size();
    let width = (size as f32 * share).round() as usize;
    let inside = width..size.saturating_sub(width);
    planes.each(|plane| {
        let is_inside = |at: usize| inside.contains(&(at / size)) && inside.contains(&(at % size));
        plane.iter().enumerate().map(|(at, level)| if is_inside(at) { *level } else { 0.0 }).collect()
    });
}
