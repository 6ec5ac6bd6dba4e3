//! How well the class is told by global statistics of a picture that say nothing of what it shows. A net
//! that may use them will, and fails where pictures are made in another way (Geirhos et al. 2020).

mod blocks;
mod family;
mod learner;
mod scales;
mod statistics;

use serde::Serialize;

pub use self::family::Family;
use self::learner::Images;
pub(super) use self::statistics::{File, Statistics};
use super::{FOLDS, SEED, Survey};
use crate::dataset::{Dataset, Split, folds};
use crate::error::Result;
use crate::evaluate::Estimate;
use crate::numbers::thousands;
use crate::observer::Observer;

/// Up to this area under the curve of all families together style tells next to nothing: chance in a few
/// hundred images, or what the subjects of two classes differ in, gives as much.
const NOTHING: f64 = 0.6;
/// From this area on style tells so much that a net needs nothing else.
const MUCH: f64 = 0.9;
/// Images times classes that are learned from at most: more take minutes and tell hardly more.
const MOST: usize = 40_000;
/// Images that are learned from at most are never fewer than this.
const FEWEST: usize = 2_000;
/// With more classes each has too few of those images.
const MOST_CLASSES: usize = 100;

/// How well style alone tells the class of the training images.
#[derive(Debug, Clone, Serialize)]
pub struct StyleAudit {
    /// Number of training images that were learned from and measured.
    pub images: usize,
    /// Each family alone. Empty when nothing was measured.
    pub families: Vec<FamilyTells>,
    /// Area under the ROC curve of all families together: cross-validated in five folds, each patient's
    /// images in one; DeLong's interval. Of more than two classes the mean of each against the rest.
    pub all: Estimate,
    /// Share of the images that all families together get wrong; `null` when nothing was measured.
    pub wrong: f64,
    /// Share that is wrong where the commonest class is always guessed.
    pub wrong_by_guessing: f64,
    /// As [`StyleAudit::strength`].
    strength: f32,
    /// Why nothing was measured, if so.
    pub skipped: Option<String>,
}

/// How well a family alone tells the class.
#[derive(Debug, Clone, Serialize)]
pub struct FamilyTells {
    /// Which.
    pub family: Family,
    /// Its name in words.
    pub name: &'static str,
    /// As [`StyleAudit::all`].
    pub auc: Estimate,
    /// Which settings of `[augment]` hide it from a net.
    pub cure: &'static str,
}

impl StyleAudit {
    /// Of the training images among `dataset`: all but those that are held out for validation and test.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`].
    pub fn of(dataset: &Dataset, survey: &Survey, observer: &dyn Observer) -> Result<Self> {
        if dataset.classes.len() > MOST_CLASSES {
            return Ok(Self::skipped(format!("there are more than {MOST_CLASSES} classes")));
        }
        let looks = survey.looks(dataset);
        let units = folds::units(dataset, survey.duplicates(dataset).ties);
        let is_training = |sample: usize| matches!(dataset.samples[sample].split, None | Some(Split::Train));
        let seen = looks.iter().enumerate().filter(|(sample, _)| is_training(*sample));
        let (samples, styles): (Vec<usize>, Vec<Statistics>) =
            thinned(seen.filter_map(|(sample, look)| Some((sample, look.as_ref()?.style))), dataset);
        match images(dataset, &samples, &units) {
            Ok(images) => Self::measured(&images, &styles, observer),
            Err(why) => Ok(Self::skipped(why)),
        }
    }

    fn measured(images: &Images, styles: &[Statistics], observer: &dyn Observer) -> Result<Self> {
        let scores = |families: &[Family]| {
            let row = |style: &Statistics| families.iter().flat_map(|one| style.family(*one)).collect();
            images.scores(styles.iter().map(row).collect(), observer)
        };
        let alone = |family: Family| {
            let auc = images.auc(&scores(&[family])?);
            Ok(FamilyTells { family, name: family.name(), auc, cure: family.cure() })
        };
        let together = scores(&Family::ALL)?;
        let all = images.auc(&together);
        Ok(Self {
            images: styles.len(),
            families: Family::ALL.into_iter().map(alone).collect::<Result<_>>()?,
            all,
            wrong: images.wrong(&together),
            wrong_by_guessing: images.wrong_by_guessing(),
            strength: strength(all),
            skipped: None,
        })
    }

    fn skipped(why: String) -> Self {
        Self {
            images: 0,
            families: Vec::new(),
            all: Estimate::UNKNOWN,
            wrong: f64::NAN,
            wrong_by_guessing: f64::NAN,
            strength: strength(Estimate::UNKNOWN),
            skipped: Some(why),
        }
    }

    /// How strongly views should change the style of the training images, 0 to 1: next to nothing where
    /// style tells nothing, fully where it tells much, and in proportion between. 0 when nothing was
    /// measured.
    pub fn strength(&self) -> f32 {
        self.strength
    }

    /// What was found and what it means, in a few sentences.
    pub fn meaning(&self) -> String {
        if let Some(why) = &self.skipped {
            return format!("Not measured: {why}.");
        }
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let advice = match self.strength {
            0.0 => "That is little: a net has not much to gain from style.",
            1.0 => {
                "That is much: a net can tell the classes by how the pictures were made, and will fail where they are \
                 made in another way. Measured figures on images of this collection do not show that."
            }
            _ => {
                "That is enough for a net to use it, and to lose accuracy where pictures are made in another way."
            }
        };
        format!(
            "Style alone, without what the picture shows, gets {} of {} training images wrong; always guessing the \
             commonest class gets {} wrong. {advice}",
            percent(self.wrong),
            thousands(self.images),
            percent(self.wrong_by_guessing)
        )
    }
}

/// Piecewise linear in the area under the curve.
fn strength(all: Estimate) -> f32 {
    let share = ((all.value - NOTHING) / (MUCH - NOTHING)).clamp(0.0, 1.0);
    if all.is_known() { share as f32 } else { 0.0 }
}

/// The images, at even steps if there are too many to learn from.
fn thinned(
    seen: impl Iterator<Item = (usize, Statistics)>,
    dataset: &Dataset,
) -> (Vec<usize>, Vec<Statistics>) {
    let seen: Vec<(usize, Statistics)> = seen.collect();
    let most = (MOST / dataset.classes.len().max(1)).max(FEWEST);
    let step = seen.len().div_ceil(most).max(1);
    seen.into_iter().step_by(step).unzip()
}

/// Labels and folds of the samples, or why there are too few of them.
fn images(dataset: &Dataset, samples: &[usize], units: &[usize]) -> std::result::Result<Images, String> {
    let classes = dataset.classes.len();
    let labels: Vec<usize> = samples.iter().map(|sample| dataset.samples[*sample].label).collect();
    let units: Vec<usize> = samples.iter().map(|sample| units[*sample]).collect();
    if let Some(class) = folds::too_few(classes, &labels, &units, FOLDS) {
        let name = &dataset.classes[class];
        return Err(format!(
            "of {name} there are fewer than {FOLDS} training images that are not tied to each other"
        ));
    }
    let folds = folds::folds(classes, &labels, &units, FOLDS, SEED);
    Ok(Images { labels, classes, folds })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::plane::Plane;
    use super::*;
    use crate::image::{Coding, Image};
    use crate::observer::Silent;
    use crate::random::Random;

    /// What `tools/golden_style.py` computes with numpy.
    #[derive(Deserialize)]
    struct Golden {
        pictures: Vec<Picture>,
        qualities: std::collections::BTreeMap<String, f32>,
        learned: Learned,
    }

    #[derive(Deserialize)]
    struct Picture {
        width: usize,
        height: usize,
        statistics: std::collections::BTreeMap<Family, Vec<Option<f32>>>,
    }

    #[derive(Deserialize)]
    struct Learned {
        labels: Vec<usize>,
        folds: Vec<usize>,
        rows: Vec<Vec<Option<f32>>>,
        /// Of the second class.
        scores: Vec<f32>,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../../tests/golden/style.json")).expect("the golden file")
    }

    /// The script's picture: a slope, grain, blocks of 8 pixels and a dark frame.
    fn drawn(width: usize, height: usize) -> Image {
        let pixel = |index: usize| {
            let (x, y) = (index % width, index / width);
            let grain = (x * 31 + y * 17 + x * y * 7) % 23;
            let level = 40 + 120 * x / width + x / 8 % 3 * 9 + y / 8 % 2 * 5 + grain;
            [0, 6, 11].map(|shift| if x < 5 || y < 9 { 3 } else { (level + shift) as u8 })
        };
        Image::from_rgb8(width, height, (0..width * height).flat_map(pixel).collect())
    }

    fn statistics(image: &Image) -> Statistics {
        Statistics::of(image, &Plane::of(image), File { bytes: None, coding: None })
    }

    #[test]
    fn the_statistics_are_numpy_s() {
        for Picture { width, height, statistics: expected } in golden().pictures {
            let found = statistics(&drawn(width, height));
            // Where the picture is resized, a level in a few thousand rounds to the other side.
            let tolerance = if [width, height] == [256; 2] { 1e-4 } else { 4e-3 };
            for (family, expected) in expected {
                let found = found.family(family);
                assert_eq!(found.len(), expected.len());
                let is_near = |(found, expected): (&Option<f32>, &Option<f32>)| match (found, expected) {
                    (Some(found), Some(expected)) => {
                        (found - expected).abs() <= tolerance * expected.abs().max(1.0)
                    }
                    (found, expected) => found == expected,
                };
                let all_near = found.iter().zip(&expected).all(is_near);
                assert!(all_near, "{width}×{height} {family:?}: {found:?}, expected {expected:?}");
            }
        }
    }

    #[test]
    fn a_jpeg_s_quality_is_what_pillow_reads() {
        for (name, expected) in golden().qualities {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(&name);
            let coding = Coding::of(&std::fs::read(path).expect("a fixture")).expect("a table");
            assert!((coding.quality - expected).abs() < 1e-3, "{name}: {coding:?}, expected {expected}");
        }
    }

    #[test]
    fn what_is_learned_is_newton_s() {
        let Learned { labels, folds, rows, scores: expected } = golden().learned;
        let images = Images { labels, classes: 2, folds };
        let scores = images.scores(rows, &Silent).expect("not interrupted");
        // The probe stops when its gradient is small, and keeps statistics to three digits.
        let farthest = scores.iter().zip(&expected).map(|(row, expected)| (row[1] - expected).abs());
        let farthest = farthest.fold(0.0, f32::max);
        assert!(farthest < 0.01, "{farthest}");
        assert!(images.auc(&scores).low > 0.6);
    }

    #[test]
    fn chance_is_not_learned_and_spread_is() {
        let mut random = Random::new(5, 0);
        let labels: Vec<usize> = (0..600).map(|index| index % 3).collect();
        let images = Images { classes: 3, folds: (0..600).map(|index| index / 3 % 5).collect(), labels };
        let noise: Vec<f32> = (0..600).map(|_| random.symmetric(1.0)).collect();
        let auc = |value: &dyn Fn(usize) -> f32| {
            let rows = (0..600).map(|index| vec![Some(value(index))]).collect();
            images.auc(&images.scores(rows, &Silent).expect("not interrupted")).value
        };
        assert!((auc(&|index| noise[index]) - 0.5).abs() < 0.06);
        // The classes have the same mean, and are told by the squares.
        assert!(auc(&|index| noise[index] * (1 + 4 * (index % 3)) as f32) > 0.7);
    }

    #[test]
    fn strength_follows_what_style_tells() {
        let at = |value: f64| strength(Estimate { value, low: 0.0, high: 1.0 });
        assert_eq!([at(0.4), at(0.6), at(0.75), at(0.9), at(0.99)], [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert_eq!(strength(Estimate::UNKNOWN), 0.0);
    }
}
