//! The cluster bootstrap: intervals of every measure when whole patients are drawn, because images of
//! one patient tell less than as many of different ones.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::logistic::{line, shift};
use super::metrics::{Outcomes, image_brier, image_log_loss, matthews, positive_score};
use super::precision_recall::{descending, weighted_areas};
use super::reliability::{
    Deviations, claims, debiased_error, deviations, error_interval, observations, plain_error,
};
use crate::random::Random;

/// Samples that are drawn.
const REPLICATES: usize = 1000;
/// With more images than this fewer are, so that the time stays that of these.
const MANY: usize = 20_000;
/// Stream of random numbers.
const STREAM: u64 = 0xb007;
/// A measure that is undefined in more than this share of the samples has no interval.
const MOST_UNDEFINED: f64 = 0.1;

/// The measures, in the order of [`Measures::of`].
pub(super) const NAMES: [&str; 15] = [
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "mcc",
    "average_precision",
    "auc",
    "log_loss",
    "brier",
    "ece",
    "calibration_slope",
    "calibration_intercept",
];

/// Percentile intervals (Efron 1981) of samples drawn with replacement; that of the calibration error is made from the
/// samples in another way, because it would lie too high.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resampled {
    /// Samples that were drawn.
    pub replicates: usize,
    /// What is drawn: this many patients, or images where each stands alone.
    pub units: usize,
    /// Whether a unit may hold several images.
    pub grouped: bool,
    /// Low and high end of the 95 % interval by measure; a measure without one is left out.
    pub intervals: BTreeMap<String, [f64; 2]>,
}

/// What all samples share.
pub(super) struct Measures<'a> {
    labels: &'a [usize],
    predicted: &'a [usize],
    classes: usize,
    of_interest: Vec<usize>,
    /// Of each class of interest: truth, scores, order.
    ranked: Vec<(Vec<bool>, Vec<f64>, Vec<usize>)>,
    log_losses: Vec<f64>,
    briers: Vec<f64>,
    claims: Vec<(f64, bool)>,
}

impl<'a> Measures<'a> {
    pub(super) fn new(
        labels: &'a [usize],
        scores: &[Vec<f32>],
        predicted: &'a [usize],
        positive: usize,
    ) -> Self {
        let classes = scores.first().map_or(0, Vec::len);
        let of_interest: Vec<usize> = if classes == 2 { vec![positive] } else { (0..classes).collect() };
        let ranked = |class: &usize| {
            let truth = labels.iter().map(|label| label == class).collect();
            let shares: Vec<f64> = scores.iter().map(|row| positive_score(row, *class)).collect();
            let order = descending(&shares);
            (truth, shares, order)
        };
        let each = |of: fn(usize, &[f32]) -> f64| -> Vec<f64> {
            labels.iter().zip(scores).map(|(label, row)| of(*label, row)).collect()
        };
        Self {
            labels,
            predicted,
            classes,
            ranked: of_interest.iter().map(ranked).collect(),
            of_interest,
            log_losses: each(image_log_loss),
            briers: each(image_brier),
            claims: claims(labels, scores, positive),
        }
    }

    /// Every measure when each image counts `weights` times; NaN where it is undefined.
    pub(super) fn of(&self, weights: &[u32]) -> [f64; NAMES.len()] {
        let mut confusion = vec![vec![0usize; self.classes]; self.classes];
        for ((label, predicted), weight) in self.labels.iter().zip(self.predicted).zip(weights) {
            confusion[*label][*predicted] += *weight as usize;
        }
        let confusion = super::Confusion { counts: confusion };
        let share = |part: usize, whole: usize| part as f64 / whole as f64;
        let mean = |classes: &[usize], measure: &dyn Fn(Outcomes) -> f64| {
            let sum: f64 = classes.iter().map(|class| measure(confusion.one_against_rest(*class))).sum();
            sum / classes.len() as f64
        };
        let recall = |o: Outcomes| share(o.true_positives, o.true_positives + o.false_negatives);
        let all: Vec<usize> = (0..self.classes).collect();
        let areas: Vec<[f64; 2]> = self
            .ranked
            .iter()
            .map(|(truth, scores, order)| weighted_areas(truth, scores, order, weights))
            .collect();
        let mean_area = |part: usize| areas.iter().map(|area| area[part]).sum::<f64>() / areas.len() as f64;
        let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        let weighted = |values: &[f64]| {
            values.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum::<f64>() / total
        };
        let observations = observations(&self.claims, weights);
        let interest = &self.of_interest;
        [
            share(confusion.right(), confusion.images()),
            mean(&all, &recall),
            mean(interest, &recall),
            mean(interest, &|o| share(o.true_negatives, o.true_negatives + o.false_positives)),
            mean(interest, &|o| share(o.true_positives, o.true_positives + o.false_positives)),
            mean(interest, &|o| share(o.true_negatives, o.true_negatives + o.false_negatives)),
            mean(interest, &|o| {
                share(2 * o.true_positives, 2 * o.true_positives + o.false_positives + o.false_negatives)
            }),
            matthews(&confusion),
            mean_area(0),
            mean_area(1),
            weighted(&self.log_losses),
            weighted(&self.briers),
            plain_error(&deviations(&self.claims, weights)),
            line(&observations).map_or(f64::NAN, |line| line.slope),
            shift(&observations).map_or(f64::NAN, |(intercept, _)| intercept),
        ]
    }

    /// The calibration error of images that count once each: plain, and without what chance adds.
    pub(super) fn errors(&self) -> [f64; 2] {
        let plain = plain_error(&deviations(&self.claims, &vec![1; self.claims.len()]));
        [plain, debiased_error(&self.claims)]
    }

    /// Of the debiased calibration error. Samples have more of what chance adds than the images themselves, so that
    /// percentiles would lie too high.
    fn error_interval(&self, off: &[Deviations]) -> [f64; 2] {
        let [low, high] = error_interval(&deviations(&self.claims, &vec![1; self.claims.len()]), off);
        let [_, debiased] = self.errors();
        [low.min(debiased), high.max(debiased)]
    }

    /// Draws groups with replacement; `groups` names each image's.
    pub(super) fn resample(&self, groups: &[usize]) -> Resampled {
        let count = groups.iter().max().map_or(0, |largest| largest + 1);
        let images = self.labels.len();
        let replicates = REPLICATES.min(REPLICATES * MANY / images.max(1)).max(100);
        let draw = |replicate: usize| {
            let mut random = Random::new(replicate as u64, STREAM);
            let mut times = vec![0u32; count];
            (0..count).for_each(|_| times[random.below(count)] += 1);
            let weights: Vec<u32> = groups.iter().map(|group| times[*group]).collect();
            (self.of(&weights), deviations(&self.claims, &weights))
        };
        let (drawn, off): (Vec<[f64; NAMES.len()]>, Vec<Deviations>) =
            (0..replicates).into_par_iter().map(draw).unzip();
        let interval = |(index, name): (usize, &&str)| {
            let mut values: Vec<f64> =
                drawn.iter().map(|measures| measures[index]).filter(|value| value.is_finite()).collect();
            let undefined = 1.0 - values.len() as f64 / replicates as f64;
            values.sort_by(f64::total_cmp);
            (undefined <= MOST_UNDEFINED)
                .then(|| (name.to_string(), [quantile(&values, 0.025), quantile(&values, 0.975)]))
        };
        let mut intervals: BTreeMap<String, [f64; 2]> =
            NAMES.iter().enumerate().filter_map(interval).collect();
        if let Some(ece) = intervals.get_mut("ece") {
            *ece = self.error_interval(&off);
        }
        Resampled { replicates, units: count, grouped: count < images, intervals }
    }
}

/// Of sorted values, between neighbours in proportion (NumPy's default).
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len().saturating_sub(1)) as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + part * (sorted[above] - sorted[below])
}

/// Numbers for group names, each unnamed image by itself.
pub fn number_groups<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Vec<usize> {
    let mut known = BTreeMap::new();
    let mut next = 0;
    let mut fresh = || {
        next += 1;
        next - 1
    };
    names
        .map(|name| match name {
            Some(name) => *known.entry(name).or_insert_with(&mut fresh),
            None => fresh(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8], [0.025, 0.5, 0.975])
        let found = [0.025, 0.5, 0.975].map(|share| quantile(&[1.0, 2.0, 4.0, 8.0], share));
        assert!(found.iter().zip([1.075, 3.0, 7.7]).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn groups_are_numbered_in_order() {
        let names = [Some("a"), None, Some("b"), Some("a"), None];
        assert_eq!(number_groups(names.into_iter()), [0, 1, 2, 0, 3]);
    }

    /// 200 images, each twice: as if there were 400, unless the pairs are drawn whole.
    #[test]
    fn repeated_images_widen_the_interval_only_when_they_are_grouped() {
        let labels: Vec<usize> = (0..400).map(|image| usize::from(image / 2 % 4 > 0)).collect();
        let predicted: Vec<usize> =
            labels.iter().enumerate().map(|(image, label)| label ^ usize::from(image / 2 % 5 == 0)).collect();
        let scores: Vec<Vec<f32>> =
            predicted.iter().map(|p| vec![0.75 - 0.5 * *p as f32, 0.25 + 0.5 * *p as f32]).collect();
        let measures = Measures::new(&labels, &scores, &predicted, 1);
        let width = |groups: Vec<usize>| {
            let [low, high] = measures.resample(&groups).intervals["accuracy"];
            high - low
        };
        let (alone, pairs) = (width((0..400).collect()), width((0..400).map(|image| image / 2).collect()));
        // 2 · 1.96 · √(0.8 · 0.2 / n) of 400 and of 200.
        assert!((alone - 0.0784).abs() < 0.012, "{alone}");
        assert!((pairs - 0.1109).abs() < 0.015, "{pairs}");
    }

    #[test]
    fn the_same_images_give_the_same_intervals() {
        let labels = [0, 1, 0, 1, 1];
        let scores: Vec<Vec<f32>> = [0.1, 0.9, 0.4, 0.3, 0.8].map(|s: f32| vec![1.0 - s, s]).to_vec();
        let measures = Measures::new(&labels, &scores, &[0, 1, 0, 0, 1], 1);
        assert_eq!(measures.resample(&[0, 1, 2, 3, 4]), measures.resample(&[0, 1, 2, 3, 4]));
    }
}
