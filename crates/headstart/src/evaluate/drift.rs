//! Whether a whole set of images has drifted away from the validation images: Mann and Whitney's test (1947) of
//! what is measured of each image, with Vargha and Delaney's effect size (2000).

use serde::{Deserialize, Serialize};

use super::compare::{erfc, holm};
use super::metrics::{midranks, positive_score};
use super::stability::{Change, StabilityIndex, Subject};

/// With fewer images there is no test.
pub const FEWEST_FOR_DRIFT: usize = 20;
/// A set has drifted when chance alone gives such a difference in less than one of so many sets.
const LEVEL: f64 = 0.001;
/// And when at least this share of pairs agree on where the larger value lies: a medium effect. With
/// thousands of images chance explains almost no difference, however small.
const MEDIUM: f64 = 0.64;
/// Values of each measure that are sealed, at even steps of their order.
const MOST: usize = 500;

/// What is measured of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// How far what it shows lies from the training images: the distance that refuses.
    Distance,
    /// How far the way in which it was made lies from theirs: the distance that calls an image unusual.
    Oddness,
    /// The positive class's score; of more than two classes the largest one.
    Score,
}

/// The same measure of several images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was measured.
    pub measure: Measure,
    /// A value for each image.
    pub values: Vec<f64>,
}

/// What a model knows of its validation images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference(Vec<Measured>);

/// A set of images against the validation images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Number of images in the set.
    pub images: usize,
    /// Whether one of the measures differs by more than chance, and by enough to matter.
    pub drifted: bool,
    /// One for each measure.
    pub findings: Vec<Finding>,
    /// One for each measure, and for the verdicts of a model that knows those of its validation images; none with fewer
    /// than [`FEWEST_FOR_STABILITY`](super::FEWEST_FOR_STABILITY) images.
    pub stability: Vec<StabilityIndex>,
}

/// One measure of a set against that of the validation images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Finding {
    /// What was measured.
    pub measure: Measure,
    /// How often, of pairs of an image of the set and a validation image, the set's has the larger value:
    /// 0.5 when they are alike.
    pub higher: f64,
    /// How often chance alone gives such a difference; Holm's, over the measures.
    pub p: f64,
    /// Whether it differs by more than chance, and by enough to matter.
    pub drifted: bool,
}

impl Measure {
    /// The word that stands for it in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Distance => "distance",
            Self::Oddness => "oddness",
            Self::Score => "score",
        }
    }
}

impl From<Measure> for Subject {
    fn from(measure: Measure) -> Self {
        match measure {
            Measure::Distance => Self::Distance,
            Measure::Oddness => Self::Oddness,
            Measure::Score => Self::Score,
        }
    }
}

/// Of two classes the positive one's share, of more the largest.
pub(crate) fn telling(scores: &[f32], positive: usize) -> f64 {
    match scores {
        [_, _] => positive_score(scores, positive),
        _ => (0..scores.len()).map(|class| positive_score(scores, class)).fold(0.0, f64::max),
    }
}

impl Reference {
    /// From the validation images; `None` with too few of them. Values that are no numbers are left out.
    pub fn new(measured: Vec<Measured>) -> Option<Self> {
        let thinned = measured.into_iter().map(|Measured { measure, values }| {
            let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
            sorted.sort_by(f64::total_cmp);
            Measured { measure, values: thin(&sorted) }
        });
        let kept: Vec<Measured> = thinned.filter(|one| one.values.len() >= FEWEST_FOR_DRIFT).collect();
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// Compares a set, by those measures that both have; `None` with too few images.
    pub fn compare(&self, set: &[Measured]) -> Option<Drift> {
        let pairs = self.0.iter().filter_map(|there| {
            let here = set.iter().find(|here| here.measure == there.measure)?;
            let (higher, p) = mann_whitney(&here.values, &there.values)?;
            (here.values.len() >= FEWEST_FOR_DRIFT).then_some((here, higher, p))
        });
        let compared: Vec<(&Measured, f64, f64)> = pairs.collect();
        let images = compared.first()?.0.values.len();
        let adjusted = holm(&compared.iter().map(|(_, _, p)| *p).collect::<Vec<f64>>());
        let findings: Vec<Finding> = compared
            .iter()
            .zip(adjusted)
            .map(|((here, higher, _), p)| {
                let drifted = p < LEVEL && higher.max(1.0 - higher) >= MEDIUM;
                Finding { measure: here.measure, higher: *higher, p, drifted }
            })
            .collect();
        let stability = compared.iter().filter_map(|(here, ..)| self.stability(here)).collect();
        Some(Drift { images, drifted: findings.iter().any(|finding| finding.drifted), findings, stability })
    }

    fn stability(&self, here: &Measured) -> Option<StabilityIndex> {
        let there = self.0.iter().find(|there| there.measure == here.measure)?;
        StabilityIndex::of_values(here.measure.into(), &there.values, &here.values)
    }
}

impl Drift {
    /// Adds how the verdicts compare, of which there are so many among the validation images and in the set.
    #[must_use]
    pub fn with_verdicts(mut self, validation: Option<[u64; 3]>, set: [u64; 3]) -> Self {
        let index = |there: [u64; 3]| StabilityIndex::of_counts(Subject::Verdict, &there, &set);
        self.stability.extend(validation.and_then(index));
        self
    }

    /// Whether a population stability index shows a large change.
    pub fn has_changed(&self) -> bool {
        self.stability.iter().any(|index| index.change == Change::Large)
    }

    /// What a user should know, a sentence for each measure that has drifted, and for each large change.
    pub fn sentences(&self) -> Vec<String> {
        let drifted = self.findings.iter().filter(|finding| finding.drifted);
        let changed = self.stability.iter().filter(|index| index.change == Change::Large);
        let changed = changed.map(|index| index.sentence(self.images));
        drifted.map(|finding| finding.sentence(self.images)).chain(changed).collect()
    }
}

impl Finding {
    fn sentence(&self, images: usize) -> String {
        let farther = self.higher > 0.5;
        let what = match (self.measure, farther) {
            (Measure::Distance, true) => "lie farther from the training images than the validation images do",
            (Measure::Distance, false) => "lie nearer to the training images than the validation images do",
            (Measure::Oddness, true) => "were made in another way than the training images",
            (Measure::Oddness, false) => {
                "were made more like the training images than the validation images were"
            }
            (Measure::Score, true) => "have higher scores than the validation images",
            (Measure::Score, false) => "have lower scores than the validation images",
        };
        let share = self.higher.max(1.0 - self.higher) * 100.0;
        let p = if self.p < LEVEL { "p < 0.001".to_string() } else { format!("p = {:.3}", self.p) };
        format!("these {images} images as a whole {what} (in {share:.0} of 100 pairs, {p})")
    }
}

/// At most [`MOST`] of sorted values, at even steps, the middle of each step.
fn thin(sorted: &[f64]) -> Vec<f64> {
    let kept = sorted.len().min(MOST);
    (0..kept).map(|step| sorted[(2 * step + 1) * sorted.len() / (2 * kept)]).collect()
}

/// How often a value of `first` is larger than one of `second`, ties counted half, and the two-sided p-value by
/// the normal approximation with corrections for ties and continuity. `None` when one is empty or holds what is
/// no number; infinity is the largest number.
fn mann_whitney(first: &[f64], second: &[f64]) -> Option<(f64, f64)> {
    let all = [first, second].concat();
    if first.is_empty() || second.is_empty() || all.iter().any(|value| value.is_nan()) {
        return None;
    }
    let (n, m) = (first.len() as f64, second.len() as f64);
    let ranks = midranks(&all);
    let larger = ranks[..first.len()].iter().sum::<f64>() - n * (n + 1.0) / 2.0;
    let higher = larger / (n * m);
    let deviation = (n * m / 12.0 * (n + m + 1.0 - ties(&all) / ((n + m) * (n + m - 1.0)))).sqrt();
    let off = (larger - n * m / 2.0).abs() - 0.5;
    // Where all values are the same there is nothing between the two.
    let p = if deviation > 0.0 && off > 0.0 { erfc(off / deviation / 2.0f64.sqrt()) } else { 1.0 };
    Some((higher, p))
}

/// Sum of `t³ − t` over the groups of `t` equal values.
fn ties(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|equals| (equals.len() as f64).powi(3) - equals.len() as f64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// `scipy.stats.mannwhitneyu(a, b, method="asymptotic")` of SciPy 1: without ties, and with many.
    #[test]
    fn the_test_is_that_of_scipy() {
        let steps = |count: usize, step: f64, period: f64| -> Vec<f64> {
            (0..count).map(|i| i as f64 * step % period).collect()
        };
        let few = [vec![1.5, 2.25, 3.0, 4.75, 5.0, 5.5, 8.0], vec![0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0, 4.0]];
        let spread = [steps(60, 0.37, 5.0), steps(45, 0.71, 4.0)];
        let tied = [steps(30, 1.0, 3.0), steps(50, 1.0, 4.0).iter().map(|value| value + 1.0).collect()];
        for ([a, b], higher, p) in [
            (few, 0.794_642_857_142_857_1, 0.062_890_871_307_434_18),
            (spread, 0.592_592_592_592_592_7, 0.106_185_037_244_902_03),
            (tied, 0.173_333_333_333_333_3, 5.524_958_331_508_976e-7),
        ] {
            let found = mann_whitney(&a, &b).expect("numbers");
            assert!((found.0 - higher).abs() < 1e-12 && (found.1 / p - 1.0).abs() < 1e-9, "{found:?}");
        }
        assert_eq!(mann_whitney(&[1.0; 5], &[1.0; 9]), Some((0.5, 1.0)));
        assert_eq!(mann_whitney(&[f64::NAN], &[1.0]), None);
        assert_eq!(mann_whitney(&[f64::INFINITY], &[1.0]).expect("numbers").0, 1.0);
    }

    fn of(measure: Measure, values: Vec<f64>) -> Measured {
        Measured { measure, values }
    }

    fn drawn(images: usize, shift: f32, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed, 1);
        (0..images).map(|_| f64::from(random.unit() + random.unit() + shift)).collect()
    }

    #[test]
    fn a_set_that_lies_farther_has_drifted_and_one_like_validation_has_not() {
        let validation = [of(Measure::Distance, drawn(800, 0.0, 1)), of(Measure::Score, drawn(800, 0.0, 2))];
        let reference = Reference::new(validation.to_vec()).expect("enough images");
        let set = |distance, score, images| {
            let set = [
                of(Measure::Distance, drawn(images, distance, 3)),
                of(Measure::Score, drawn(images, score, 4)),
            ];
            reference.compare(&set)
        };
        let alike = set(0.0, 0.0, 200).expect("enough images");
        assert!(!alike.drifted && alike.sentences().is_empty(), "{alike:?}");
        let apart = set(0.4, -0.4, 60).expect("enough images");
        let sentences = apart.sentences().join("\n");
        assert!(apart.drifted && sentences.contains("these 60 images as a whole lie farther"), "{sentences}");
        assert!(sentences.contains("have lower scores"), "{sentences}");
        assert!(set(0.4, 0.0, FEWEST_FOR_DRIFT - 1).is_none());
    }

    /// The distances of the set lie on both sides of those of validation: no rank test sees that.
    #[test]
    fn a_set_that_spreads_more_has_changed_without_drifting() {
        let reference =
            Reference::new(vec![of(Measure::Distance, drawn(400, 0.0, 1))]).expect("enough images");
        let wide: Vec<f64> = drawn(200, 0.0, 3).iter().map(|value| (value - 1.0) * 3.0 + 1.0).collect();
        let found = reference.compare(&[of(Measure::Distance, wide)]).expect("enough images");
        let sentence = found.sentences().join("\n");
        assert!(!found.drifted && found.has_changed(), "{found:?}");
        assert!(
            sentence.starts_with("the distances from the training images of these 200 images"),
            "{sentence}"
        );
        let alike = reference.compare(&[of(Measure::Distance, drawn(200, 0.0, 3))]).expect("enough images");
        assert!(!alike.has_changed() && alike.stability.len() == 1, "{alike:?}");
        let refusing = alike.with_verdicts(Some([390, 8, 2]), [120, 20, 60]);
        assert!(
            refusing.has_changed() && refusing.sentences()[0].starts_with("the verdicts of"),
            "{refusing:?}"
        );
        let few = reference.compare(&[of(Measure::Distance, drawn(99, 0.0, 3))]).expect("enough images");
        assert!(few.stability.is_empty());
    }

    #[test]
    fn a_small_difference_of_many_images_is_no_drift() {
        let reference =
            Reference::new(vec![of(Measure::Distance, drawn(500, 0.0, 1))]).expect("enough images");
        let found =
            reference.compare(&[of(Measure::Distance, drawn(20_000, 0.1, 2))]).expect("enough images");
        assert!(found.findings[0].p < LEVEL && !found.drifted, "{found:?}");
    }

    /// Sets of 20 and of 200 like the validation images: at most one of 300 is said to have drifted.
    #[test]
    fn false_alarms_are_rare() {
        let reference =
            Reference::new(vec![of(Measure::Distance, drawn(300, 0.0, 1))]).expect("enough images");
        let alarms = (2..302).filter(|seed| {
            let images = if seed % 2 == 0 { 20 } else { 200 };
            reference
                .compare(&[of(Measure::Distance, drawn(images, 0.0, *seed))])
                .is_some_and(|found| found.drifted)
        });
        assert!(alarms.count() <= 1);
    }

    #[test]
    fn what_is_sealed_keeps_the_order_and_is_little() {
        let many: Vec<f64> = (0..5000).map(f64::from).collect();
        let kept = thin(&many);
        assert_eq!((kept.len(), kept[0], kept[499]), (500, 5.0, 4995.0));
        assert_eq!(thin(&[1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
        assert!(Reference::new(vec![of(Measure::Score, many[..19].to_vec())]).is_none());
    }
}
