//! Grey levels: gamma, contrast, brightness, the histogram of another image, noise.

use std::sync::Arc;

use super::planes::Planes;
use crate::random::Random;

/// The middle of the grey levels, which contrast leaves where it is.
const MIDDLE: f64 = 127.5;
/// The whitest level.
const WHITE: f64 = 255.0;

/// The levels of an image by rank: the darkest pixel's first, the lightest one's last.
pub(super) type Quantiles = [f32; 256];

/// What becomes of the grey levels of a view.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tone {
    /// Exponent: below 1 lighter, above 1 darker.
    pub(super) gamma: Option<f32>,
    /// Share by which there is more contrast, or below 0 less.
    pub(super) contrast: Option<f32>,
    /// Share of the whole range by which it is lighter, or below 0 darker.
    pub(super) brightness: Option<f32>,
    /// Another image's levels, and how far towards them.
    pub(super) histogram: Option<(Arc<Quantiles>, f32)>,
    /// Whether black and white change places.
    pub(super) invert: bool,
}

impl Tone {
    /// One curve, read between its 256 places, for all of them together.
    pub(super) fn apply(&self, planes: &mut Planes) {
        if *self == Self::default() {
            return;
        }
        let mut curve: [f64; 256] = std::array::from_fn(|level| level as f64);
        if let Some((target, share)) = &self.histogram {
            towards(&mut curve, &planes.histogram(), target, f64::from(*share));
        }
        for level in &mut curve {
            if let Some(gamma) = self.gamma {
                *level = (*level / WHITE).powf(f64::from(gamma)) * WHITE;
            }
            let contrast = 1.0 + f64::from(self.contrast.unwrap_or_default());
            let brightness = f64::from(self.brightness.unwrap_or_default()) * WHITE;
            *level = ((*level - MIDDLE) * contrast + MIDDLE + brightness).clamp(0.0, WHITE);
            if self.invert {
                *level = WHITE - *level;
            }
        }
        let curve = curve.map(|level| level as f32);
        planes.each(|plane| plane.iter().map(|level| at(&curve, *level)).collect());
    }
}

/// The curve between its places.
fn at(curve: &[f32; 256], level: f32) -> f32 {
    let level = level.clamp(0.0, 255.0);
    let below = (level as usize).min(254);
    curve[below] + (curve[below + 1] - curve[below]) * (level - below as f32)
}

/// Moves each level `share` of the way to the one that has the same rank in another image.
fn towards(curve: &mut [f64; 256], histogram: &[u32; 256], target: &Quantiles, share: f64) {
    let pixels: u32 = histogram.iter().sum();
    let mut darker = 0;
    for (level, count) in curve.iter_mut().zip(histogram) {
        // The middle of those that are equal.
        let rank = (f64::from(darker) + f64::from(*count) / 2.0) / f64::from(pixels.max(1));
        let place = (rank * 255.0).clamp(0.0, 255.0);
        let below = (place as usize).min(254);
        let [low, high] = [target[below], target[below + 1]].map(f64::from);
        *level += (low + (high - low) * (place - below as f64) - *level) * share;
        darker += count;
    }
}

/// The levels by rank of a picture.
pub(super) fn quantiles(planes: &Planes) -> Quantiles {
    let histogram = planes.histogram();
    let pixels: u32 = histogram.iter().sum();
    let (mut level, mut up_to) = (0, histogram[0]);
    std::array::from_fn(|rank| {
        let wanted = (rank as f64 / 255.0 * f64::from(pixels.saturating_sub(1))).round() as u32;
        while up_to <= wanted && level < 255 {
            level += 1;
            up_to += histogram[level];
        }
        level as f32
    })
}

/// Grey noise of this deviation in levels, the same in all channels.
pub(super) fn add_noise(planes: &mut Planes, deviation: f32, random: &mut Random) {
    let pixels = planes.size() * planes.size();
    let noise: Vec<f32> = (0..pixels).map(|_| normal(random) * deviation).collect();
    for plane in planes.planes() {
        plane.iter_mut().zip(&noise).for_each(|(level, noise)| *level = (*level + noise).clamp(0.0, 255.0));
    }
}

/// Standard normal (Box and Muller).
fn normal(random: &mut Random) -> f32 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f32::consts::TAU * random.unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(levels: &[f32]) -> Planes {
        let size = levels.len().isqrt();
        Planes::new(&levels.iter().flat_map(|level| [*level; 3]).collect::<Vec<_>>(), size)
    }

    #[test]
    fn gamma_contrast_and_brightness_follow_one_another() {
        let mut planes = picture(&[0.0, 63.75, 127.5, 255.0]);
        let tone = Tone { gamma: Some(2.0), contrast: Some(-0.5), brightness: Some(0.1), ..Tone::default() };
        tone.apply(&mut planes);
        // (level / 255)² · 255, half as far from 127.5, and 25.5 lighter.
        let expected = [89.25, 97.22, 121.125, 216.75];
        for (found, expected) in planes.planes()[0].iter().zip(expected) {
            assert!((found - expected).abs() < 0.01, "{found} {expected}");
        }
    }

    #[test]
    fn another_image_s_histogram_is_taken_over() {
        let mut planes = picture(&[10.0, 20.0, 30.0, 40.0]);
        let target = quantiles(&picture(&[100.0, 100.0, 200.0, 200.0]));
        assert_eq!((target[0], target[255]), (100.0, 200.0));
        let tone = Tone { histogram: Some((Arc::new(target), 1.0)), ..Tone::default() };
        tone.apply(&mut planes);
        assert_eq!(planes.planes()[0], [100.0, 100.0, 200.0, 200.0]);
    }

    #[test]
    fn an_inverted_picture_is_its_negative() {
        let mut planes = picture(&[0.0, 100.0, 200.0, 255.0]);
        Tone { invert: true, ..Tone::default() }.apply(&mut planes);
        assert_eq!(planes.planes()[0], [255.0, 155.0, 55.0, 0.0]);
    }
}
