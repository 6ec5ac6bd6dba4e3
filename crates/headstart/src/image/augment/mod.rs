//! Views of an image: the same picture as another device, another operator or another archive would have made it.

mod affine;
mod compression;
mod filters;
mod planes;
mod setting;
mod stress;
mod style;
mod test_view;
mod tone;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::affine::Affine;
use self::planes::Planes;
use self::tone::{Quantiles, Tone, quantiles};
use super::{Image, Preprocess};
use crate::random::Random;
use crate::sha256::sha256;

pub use setting::Setting;
pub use stress::{Perturbation, RESTYLED, perturbations};
pub use style::Style;
pub use test_view::TestView;

/// Crops that do not fit are drawn anew at most so often; then the whole picture is taken.
const TRIES: usize = 10;

/// How far views may differ from their image. What is not named stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Views of each training image.
    pub views: usize,
    /// Whether training sees the views only, not the images themselves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
    /// How far to go from leaving images as they are, 0, to the whole ranges below, 1.
    #[serde(skip_serializing_if = "Strength::is_whole")]
    pub strength: Strength,
    /// Whether half of the views are mirrored. Not for images whose sides differ, as a chest's do.
    pub flip: bool,
    /// Share of the picture's area that a view shows, somewhere in the picture.
    #[serde(deserialize_with = "setting::range", skip_serializing_if = "Option::is_none")]
    pub area: Option<Setting>,
    /// Width to height of what a view shows, against the picture's own; it is then squashed as every picture is.
    #[serde(deserialize_with = "setting::range", skip_serializing_if = "Option::is_none")]
    pub aspect: Option<Setting>,
    /// Degrees, clockwise.
    #[serde(deserialize_with = "setting::around_zero", skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Setting>,
    /// Share of the side by which a view is moved along each axis.
    #[serde(deserialize_with = "setting::around_zero", skip_serializing_if = "Option::is_none")]
    pub shift: Option<Setting>,
    /// Share by which a view is larger, or below 0 smaller.
    #[serde(deserialize_with = "setting::around_zero", skip_serializing_if = "Option::is_none")]
    pub scale: Option<Setting>,
    /// Exponent of the grey levels: below 1 lighter, above 1 darker.
    #[serde(deserialize_with = "setting::range", skip_serializing_if = "Option::is_none")]
    pub gamma: Option<Setting>,
    /// Share by which a view has more contrast, or below 0 less.
    #[serde(deserialize_with = "setting::around_zero", skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Setting>,
    /// Share of the whole range by which a view is lighter, or below 0 darker.
    #[serde(deserialize_with = "setting::around_zero", skip_serializing_if = "Option::is_none")]
    pub brightness: Option<Setting>,
    /// How far, from 0 to 1, the grey levels move to those of another training image.
    #[serde(deserialize_with = "setting::range", skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Setting>,
    /// Share of the side that a view is shrunk to before it is enlarged again.
    #[serde(deserialize_with = "setting::range", skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Setting>,
    /// Deviation of the Gaussian that blurs a view, in pixels of the net's input.
    #[serde(deserialize_with = "setting::up_to", skip_serializing_if = "Option::is_none")]
    pub blur: Option<Setting>,
    /// How much a view is sharpened: 1 adds what a blur of 2 pixels would take away.
    #[serde(deserialize_with = "setting::up_to", skip_serializing_if = "Option::is_none")]
    pub sharpen: Option<Setting>,
    /// Deviation of grey noise, in grey levels.
    #[serde(deserialize_with = "setting::exactly", skip_serializing_if = "Option::is_none")]
    pub noise: Option<Setting>,
    /// Quality of the JPEG compression, from 1 to 100.
    #[serde(deserialize_with = "setting::range", skip_serializing_if = "Option::is_none")]
    pub jpeg: Option<Setting>,
}

/// How far views go from their images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number from 0 to 1, or \"auto\"")]
pub enum Strength {
    /// So much of the ranges, from 0 to 1.
    Share(f32),
    /// As much as the style of the training images tells of their class.
    Auto(Auto),
}

/// The word `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// The only one.
    Auto,
}

impl Default for Strength {
    fn default() -> Self {
        Self::Share(1.0)
    }
}

impl Strength {
    fn is_whole(&self) -> bool {
        *self == Self::default()
    }
}

impl Augment {
    /// The same settings, `strength` (0 to 1) of the way from leaving images as they are.
    #[must_use]
    pub fn at(self, strength: f32) -> Self {
        let scaled =
            |setting: Option<Setting>, neutral: f32| setting.map(|setting| setting.scaled(neutral, strength));
        Self {
            area: scaled(self.area, 1.0),
            aspect: scaled(self.aspect, 1.0),
            rotation: scaled(self.rotation, 0.0),
            shift: scaled(self.shift, 0.0),
            scale: scaled(self.scale, 0.0),
            gamma: scaled(self.gamma, 1.0),
            contrast: scaled(self.contrast, 0.0),
            brightness: scaled(self.brightness, 0.0),
            histogram: scaled(self.histogram, 0.0),
            resolution: scaled(self.resolution, 1.0),
            blur: scaled(self.blur, 0.0),
            sharpen: scaled(self.sharpen, 0.0),
            noise: scaled(self.noise, 0.0),
            jpeg: scaled(self.jpeg, 100.0),
            strength: Strength::default(),
            ..self
        }
    }

    /// The settings, with their names, and the values that they may have.
    pub fn settings(&self) -> [(&'static str, Option<Setting>, [f32; 2]); 14] {
        [
            ("area", self.area, [0.01, 1.0]),
            ("aspect", self.aspect, [0.1, 10.0]),
            ("rotation", self.rotation, [-180.0, 180.0]),
            ("shift", self.shift, [-0.9, 0.9]),
            ("scale", self.scale, [-0.9, 4.0]),
            ("gamma", self.gamma, [0.1, 10.0]),
            ("contrast", self.contrast, [-1.0, 4.0]),
            ("brightness", self.brightness, [-1.0, 1.0]),
            ("histogram", self.histogram, [0.0, 1.0]),
            ("resolution", self.resolution, [0.01, 1.0]),
            ("blur", self.blur, [0.0, 20.0]),
            ("sharpen", self.sharpen, [0.0, 10.0]),
            ("noise", self.noise, [0.0, 100.0]),
            ("jpeg", self.jpeg, [1.0, 100.0]),
        ]
    }
}

/// Draws styles: the settings, and what they need of the training images.
#[derive(Debug, Clone, Default)]
pub struct Stylist {
    augment: Augment,
    /// Grey levels of some training images.
    histograms: Vec<Arc<Quantiles>>,
}

impl Stylist {
    /// With grey levels of no other image: [`Augment::histogram`] does nothing then.
    pub fn new(augment: Augment) -> Self {
        Self { augment, histograms: vec![] }
    }

    /// With the grey levels of these images.
    #[must_use]
    pub fn with_histograms<'a>(
        self,
        preprocess: &Preprocess,
        images: impl IntoIterator<Item = &'a Image>,
    ) -> Self {
        let of = |image: &Image| {
            let levels = preprocess.levels(image, super::preprocess::Region::whole(image));
            Arc::new(quantiles(&Planes::new(&levels, preprocess.size)))
        };
        Self { histograms: images.into_iter().map(of).collect(), ..self }
    }

    /// The settings.
    pub fn augment(&self) -> Augment {
        self.augment
    }

    /// Names all that a view depends on besides its image and number.
    pub fn key(&self) -> String {
        let settings = Augment { views: 0, replace: false, strength: Strength::default(), ..self.augment };
        let settings = serde_json::to_string(&settings).expect("a plain struct becomes JSON");
        let levels: Vec<u8> = self
            .histograms
            .iter()
            .flat_map(|levels| levels.iter().flat_map(|level| level.to_le_bytes()))
            .collect();
        format!("{settings}{}", sha256(&levels))
    }

    /// The style of view `number` of the image with this content: always the same.
    pub fn style(&self, content: &[u8; 32], number: usize) -> Style {
        let [start, ..] = content.as_chunks::<8>().0 else { return Style::default() };
        let random = &mut Random::new(u64::from_le_bytes(*start), number as u64);
        let augment = &self.augment;
        let region = region(augment, random);
        let rotation = Setting::draw(augment.rotation, random).unwrap_or_default();
        let scale = Setting::draw(augment.scale, random).unwrap_or_default();
        let shift = [(); 2].map(|()| Setting::draw(augment.shift, random).unwrap_or_default());
        let flip = random.below(2) == 1 && augment.flip;
        let other = random.below(self.histograms.len().max(1));
        let histogram = Setting::draw(augment.histogram, random);
        Style {
            region,
            affine: Affine::new(rotation, scale, shift, flip),
            tone: Tone {
                gamma: Setting::draw_factor(augment.gamma, random),
                contrast: Setting::draw(augment.contrast, random),
                brightness: Setting::draw(augment.brightness, random),
                histogram: self.histograms.get(other).cloned().zip(histogram),
                invert: false,
            },
            resolution: Setting::draw(augment.resolution, random),
            blur: Setting::draw(augment.blur, random),
            sharpen: Setting::draw(augment.sharpen, random),
            border: None,
            noise: Setting::draw(augment.noise, random).zip(Some(random.bits())),
            quality: Setting::draw(augment.jpeg, random),
        }
    }
}

/// Which part of the picture a view shows: left, top, width and height as shares (Szegedy 2015; torchvision's
/// `RandomResizedCrop`).
fn region(augment: &Augment, random: &mut Random) -> [f32; 4] {
    let mut random = Random::new(random.bits(), 0);
    for _ in 0..TRIES {
        let area = Setting::draw(augment.area, &mut random).unwrap_or(1.0);
        let aspect = Setting::draw_factor(augment.aspect, &mut random).unwrap_or(1.0);
        let [width, height] = [(area * aspect).sqrt(), (area / aspect).sqrt()];
        if width <= 1.0 && height <= 1.0 {
            return [random.unit() * (1.0 - width), random.unit() * (1.0 - height), width, height];
        }
    }
    [0.0, 0.0, 1.0, 1.0]
}

#[cfg(test)]
mod tests;
