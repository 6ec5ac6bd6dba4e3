//! Pictures that are unlike the others, in size, shape or colour, or that are dark, flat, blurred or
//! written upon.

use super::burned_in_text::BurnedInText;
use super::shortcuts::place;
use super::survey::Look;
use super::{Oddity, OddityKind, Place};
use crate::dataset::Dataset;

/// How many times larger or smaller an odd number of pixels is at least.
const SIZE_FACTOR: f64 = 2.0;
/// How many times wider or narrower an odd shape is at least.
const SHAPE_FACTOR: f64 = 1.5;
/// How many times less sharp a blurred picture is at least.
const BLUR_FACTOR: f64 = 4.0;
/// A picture whose bright parts are darker than this level is black, and the other way round.
const BLACK: f32 = 16.0;
const WHITE: f32 = 239.0;
/// Below this share of the range from black to white the contrast is low (as in scikit-image).
const LOW_CONTRAST: f32 = 0.05;
/// With more coloured pixels than this share a picture is coloured, not a grey one with a mark on it.
const COLOURED: f32 = 0.005;
/// With more of one kind than this share, of grey and coloured pictures, the others are odd.
const MOSTLY: f64 = 0.8;

/// All that is odd, in the order of the samples.
pub(super) fn find(dataset: &Dataset, looks: &[Option<Look>]) -> Vec<Oddity> {
    let Some(usual) = Usual::of(looks) else { return Vec::new() };
    let seen = looks.iter().enumerate().filter_map(|(sample, look)| Some((sample, look.as_ref()?)));
    let oddity = |sample: usize, (kind, why)| Oddity { image: Place::new(dataset, sample), kind, why };
    seen.flat_map(|(sample, look)| usual.oddities(look).into_iter().map(move |odd| oddity(sample, odd)))
        .collect()
}

/// What most of the pictures are like.
struct Usual {
    pixels: Fences,
    shape: Fences,
    sharpness: Option<Fences>,
    /// Share of the pictures that are coloured.
    coloured: f64,
}

impl Usual {
    fn of(looks: &[Option<Look>]) -> Option<Self> {
        let seen = || looks.iter().flatten();
        Some(Self {
            pixels: Fences::around(seen().map(pixels))?,
            shape: Fences::around(seen().map(shape))?,
            sharpness: Fences::around(seen().filter_map(|look| look.appearance.sharpness).map(f64::from)),
            coloured: seen().filter(|look| is_coloured(look)).count() as f64 / seen().count() as f64,
        })
    }

    fn oddities(&self, look: &Look) -> Vec<(OddityKind, String)> {
        let (width, height) = (look.width, look.height);
        let mut odd = Vec::new();
        if self.pixels.leave_out(pixels(look), SIZE_FACTOR) {
            let usual = self.pixels.median.sqrt().round();
            odd.push((OddityKind::Size, format!("{width}×{height} pixels, the median is about {usual}²")));
        }
        if self.shape.leave_out(shape(look), SHAPE_FACTOR) {
            let (shape, usual) = (shape(look), self.shape.median);
            odd.push((
                OddityKind::Shape,
                format!("{width}×{height}: width over height is {shape:.2}, the median {usual:.2}"),
            ));
        }
        odd.extend(light(look));
        odd.extend(look.appearance.writing.map(|writing| (OddityKind::Writing, where_it_stands(writing))));
        if look.frames > 1 {
            odd.push((OddityKind::Frames, format!("the first of {} frames is used", look.frames)));
        }
        odd.extend(self.blur(look));
        odd.extend(self.colour(look));
        odd
    }

    fn blur(&self, look: &Look) -> Option<(OddityKind, String)> {
        let (fences, sharpness) = (self.sharpness.as_ref()?, f64::from(look.appearance.sharpness?));
        let blurred = sharpness < fences.median && fences.leave_out(sharpness, BLUR_FACTOR);
        let why = || {
            format!("fine detail is {:.0} times weaker than in the median image", fences.median / sharpness)
        };
        blurred.then(|| (OddityKind::Blurred, why()))
    }

    fn colour(&self, look: &Look) -> Option<(OddityKind, String)> {
        let share = |share: f64| format!("{:.0} % of the images", 100.0 * share);
        match is_coloured(look) {
            true if 1.0 - self.coloured >= MOSTLY => {
                Some((OddityKind::Coloured, format!("{} are grey", share(1.0 - self.coloured))))
            }
            false if self.coloured >= MOSTLY => {
                Some((OddityKind::Grey, format!("{} are coloured", share(self.coloured))))
            }
            _ => None,
        }
    }
}

/// What is wrong with a picture's brightness, if anything.
fn light(look: &Look) -> Option<(OddityKind, String)> {
    let (dark, bright) = (look.appearance.dark, look.appearance.bright);
    let levels = format!("98 % of the pixels lie between the levels {dark} and {bright} of 255");
    if bright < BLACK {
        Some((OddityKind::Black, levels))
    } else if dark > WHITE {
        Some((OddityKind::White, levels))
    } else if look.appearance.is_flat() || bright - dark < LOW_CONTRAST * 255.0 {
        Some((OddityKind::LowContrast, levels))
    } else {
        None
    }
}

fn where_it_stands(text: BurnedInText) -> String {
    format!("{} marks in a row like letters, {}", text.marks, place(text.middle))
}

fn pixels(look: &Look) -> f64 {
    (look.width * look.height) as f64
}

fn shape(look: &Look) -> f64 {
    look.width as f64 / look.height as f64
}

pub(super) fn is_coloured(look: &Look) -> bool {
    look.appearance.coloured > COLOURED
}

/// Tukey's outer fences (1977) of logarithms: what lies three times the middle half's width outside
/// of it is far out.
#[derive(Debug)]
struct Fences {
    low: f64,
    median: f64,
    high: f64,
}

impl Fences {
    /// Around positive values; zeros count as very small.
    fn around(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut logarithms: Vec<f64> = values.map(|value| value.max(f64::MIN_POSITIVE).ln()).collect();
        logarithms.sort_by(f64::total_cmp);
        let quartile = |quarters: usize| logarithms.get((logarithms.len() - 1) * quarters / 4).copied();
        let (lower, median, upper) = match logarithms.len() {
            0 => return None,
            _ => (quartile(1)?, quartile(2)?, quartile(3)?),
        };
        let reach = 3.0 * (upper - lower);
        Some(Self { low: (lower - reach).exp(), median: median.exp(), high: (upper + reach).exp() })
    }

    /// Whether `value` lies outside, and at least `factor` times above or below the median.
    fn leave_out(&self, value: f64, factor: f64) -> bool {
        (value < self.low && value * factor <= self.median)
            || (value > self.high && value >= self.median * factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_tukey_s() {
        // Quartiles e^1, e^2 and e^3: the fences are e^(1 - 6) and e^(3 + 6).
        let fences = Fences::around((0..=4).map(|power| f64::from(power).exp())).expect("five values");
        assert!((fences.low.ln() + 5.0).abs() < 1e-12 && (fences.high.ln() - 9.0).abs() < 1e-12);
        assert!(fences.leave_out(9.1f64.exp(), 2.0) && !fences.leave_out(8.9f64.exp(), 2.0));
        assert!(fences.leave_out(0.0, 2.0));
    }

    #[test]
    fn where_all_are_alike_a_small_step_is_not_odd() {
        let fences = Fences::around([224.0; 9].into_iter()).expect("nine values");
        assert!(!fences.leave_out(225.0, 1.5) && !fences.leave_out(224.0, 1.5));
        assert!(fences.leave_out(336.0, 1.5) && fences.leave_out(112.0, 1.5));
        assert!(Fences::around(std::iter::empty()).is_none());
    }
}
