//! What tells the class without looking at the picture: a net will learn that first, and fail where
//! it does not hold (Geirhos et al. 2020).

use super::cues::{self, Words};
use super::independent::{Independent, out_of_fold};
use super::survey::Look;
use super::{FOLDS, SEED, Shortcut, Tells, marks, mirroring};
use crate::dataset::Dataset;
use crate::dataset::folds::folds;
use crate::evaluate::{Estimate, delong};

/// An area under the curve whose interval lies above this is more than chance and worth a look.
pub(super) const SUSPICIOUS: f64 = 0.6;
/// Parts of equal size that the range of a cue is cut into at most.
const PARTS: usize = 24;
/// Ranges count only when they add this much to the area that more or less alone gives.
const BETWEEN: f64 = 0.08;

/// A cue's values beside what they should tell.
struct Told {
    values: Vec<f64>,
    labels: Vec<usize>,
    folds: Vec<usize>,
}

/// Each cue with the class that it tells best, the strongest first, and marks and mirrored classes where there are any. A cue
/// that is the same in all images is left out. `units` says for each sample what it must share a fold with.
pub(super) fn find(dataset: &Dataset, looks: &[Option<Look>], units: &[usize]) -> Vec<Shortcut> {
    let numbers = cues::all().into_iter().filter_map(|cue| {
        let told = told(dataset, looks, units, cue.value);
        strongest(dataset, cue.name, &cue.words, &told)
    });
    let images = Independent::of(dataset, looks, units);
    let images = images.iter();
    let pictures =
        images.flat_map(|images| [marks::find, mirroring::find].map(|find| find(dataset, looks, images)));
    let mut all: Vec<Shortcut> = numbers.chain(pictures.flatten()).collect();
    all.sort_by(|a, b| b.auc.value.total_cmp(&a.auc.value));
    all
}

/// In words, of a place from the left and from the top, in parts of the picture: "top left".
pub(super) fn place([across, down]: [f32; 2]) -> String {
    let third = |at: f32, names: [&'static str; 3]| names[((3.0 * at) as usize).min(2)];
    format!("{} {}", third(down, ["top", "middle", "bottom"]), third(across, ["left", "centre", "right"]))
}

/// The samples that have the cue.
fn told(
    dataset: &Dataset,
    looks: &[Option<Look>],
    units: &[usize],
    cue: impl Fn(&Look) -> Option<f64>,
) -> Told {
    let seen = looks.iter().enumerate();
    let (having, values): (Vec<usize>, Vec<f64>) =
        seen.filter_map(|(sample, look)| Some((sample, cue(look.as_ref()?)?))).unzip();
    let labels: Vec<usize> = having.iter().map(|sample| dataset.samples[*sample].label).collect();
    let units: Vec<usize> = having.iter().map(|sample| units[*sample]).collect();
    let folds = folds(dataset.classes.len(), &labels, &units, FOLDS, SEED);
    Told { values, labels, folds }
}

/// The class that a cue tells best against the rest.
fn strongest(dataset: &Dataset, cue: String, words: &Words, told: &Told) -> Option<Shortcut> {
    let first = told.values.first()?;
    if told.values.iter().all(|value| value == first) {
        return None;
    }
    let classes = dataset.classes.len();
    // Of two classes one tells all.
    let (auc, tells, class) = (usize::from(classes == 2)..classes)
        .filter_map(|class| told.class(class).map(|(auc, tells)| (auc, tells, class)))
        .max_by(|a, b| a.0.value.total_cmp(&b.0.value))?;
    let class = dataset.classes[class].clone();
    let meaning = words.meaning(&class, tells);
    Some(Shortcut { cue, class, tells, auc, flagged: auc.low > SUSPICIOUS, meaning })
}

impl Told {
    /// How well a class is told where it was not learned, and how.
    fn class(&self, class: usize) -> Option<(Estimate, Tells)> {
        let truth: Vec<bool> = self.labels.iter().map(|label| *label == class).collect();
        let order = delong(&truth, &self.ordered(&truth));
        let ranges = delong(&truth, &self.ranged(&truth));
        let more = delong(&truth, &self.values).value >= 0.5;
        let (auc, tells) = match ranges.value - order.value.max(0.5) > BETWEEN {
            true => (ranges, Tells::Between),
            false => (order, if more { Tells::More } else { Tells::Less }),
        };
        auc.is_known().then_some((auc, tells))
    }

    /// For each sample its value, turned round where the class has less of it in the other folds.
    fn ordered(&self, truth: &[bool]) -> Vec<f64> {
        self.out_of_fold(|others| {
            let (truth, values): (Vec<bool>, Vec<f64>) =
                others.iter().map(|sample| (truth[*sample], self.values[*sample])).unzip();
            let sign = if delong(&truth, &values).value < 0.5 { -1.0 } else { 1.0 };
            move |value| sign * value
        })
    }

    /// For each sample the share of the class among the other folds' samples in the same range.
    fn ranged(&self, truth: &[bool]) -> Vec<f64> {
        self.out_of_fold(|others| {
            let ranges = Ranges::of(others.iter().map(|sample| (self.values[*sample], truth[*sample])));
            move |value| ranges.share(value)
        })
    }

    /// The score of each sample's value, as `learn` makes it from the samples of the other folds.
    fn out_of_fold<Score: Fn(f64) -> f64>(&self, learn: impl Fn(&[usize]) -> Score) -> Vec<f64> {
        out_of_fold(&self.folds, |others| {
            let score = learn(others);
            move |sample| score(self.values[sample])
        })
    }
}

/// The share of a class by range of a value.
struct Ranges {
    /// The greatest value of each.
    ends: Vec<f64>,
    shares: Vec<f64>,
}

impl Ranges {
    /// Ranges with about as many samples each. Equal values are never parted.
    fn of(samples: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut sorted: Vec<(f64, bool)> = samples.collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total = sorted.len();
        let of_class = sorted.iter().filter(|(_, of_class)| *of_class).count();
        let overall = of_class as f64 / total.max(1) as f64;
        let (mut ends, mut shares) = (Vec::new(), Vec::new());
        let (mut count, mut hits) = (0usize, 0usize);
        for (index, (value, of_class)) in sorted.iter().enumerate() {
            (count, hits) = (count + 1, hits + usize::from(*of_class));
            let ends_here = sorted.get(index + 1).is_none_or(|(next, _)| next > value);
            if ends_here && (count * PARTS >= total || index + 1 == total) {
                ends.push(*value);
                // One more sample like all the others, so that few ones are not certain.
                shares.push((hits as f64 + overall) / (count + 1) as f64);
                (count, hits) = (0, 0);
            }
        }
        Self { ends, shares }
    }

    fn share(&self, value: f64) -> f64 {
        let range = self.ends.partition_point(|end| *end < value);
        self.shares.get(range).or(self.shares.last()).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[f64], labels: &[usize]) -> Told {
        let units: Vec<usize> = (0..labels.len()).collect();
        Told {
            values: values.to_vec(),
            labels: labels.to_vec(),
            folds: folds(2, labels, &units, FOLDS, SEED),
        }
    }

    #[test]
    fn ranges_hold_equal_values_together() {
        let samples = (0..480).map(|index| (f64::from(index / 100), index >= 400));
        let ranges = Ranges::of(samples);
        assert_eq!(ranges.ends, [0.0, 1.0, 2.0, 3.0, 4.0]);
        // 80 of 480 are of the class: 1/6 is added to 0 of 100 and to 80 of 80.
        assert!((ranges.share(0.5) - (1.0 / 6.0) / 101.0).abs() < 1e-12);
        assert!((ranges.share(9.0) - (80.0 + 1.0 / 6.0) / 81.0).abs() < 1e-12);
    }

    #[test]
    fn more_less_and_between_are_told_apart() {
        let labels: Vec<usize> = (0..400).map(|index| index % 2).collect();
        let spread = |index: usize| (index * 37 % 100) as f64;
        let of = |value: fn(f64, usize) -> f64| -> (Estimate, Tells) {
            let values: Vec<f64> = (0..400).map(|index| value(spread(index), labels[index])).collect();
            told(&values, &labels).class(1).expect("both classes")
        };
        let (auc, tells) = of(|spread, label| spread + 60.0 * label as f64);
        assert!(tells == Tells::More && auc.value > 0.85, "{auc:?}");
        assert_eq!(of(|spread, label| -spread - 60.0 * label as f64).1, Tells::Less);
        // Class 1 lies in the middle: there is no order, but a range.
        let (auc, tells) = of(|spread, label| if label == 1 { 40.0 + spread / 5.0 } else { spread });
        assert!(tells == Tells::Between && auc.value > 0.85, "{auc:?}");
    }

    #[test]
    fn chance_is_not_learned() {
        let mut random = crate::random::Random::new(5, 0);
        let labels: Vec<usize> = (0..600).map(|index| index % 2).collect();
        let values: Vec<f64> = labels.iter().map(|_| f64::from(random.unit())).collect();
        let (auc, _) = told(&values, &labels).class(1).expect("both classes");
        assert!(auc.low < 0.5 && auc.value < 0.56, "{auc:?}");
    }
}
