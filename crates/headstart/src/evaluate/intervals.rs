//! 95 % confidence intervals: Wilson's for proportions, DeLong's for the area under the ROC curve,
//! and how intervals are combined for means over classes.

use serde::{Deserialize, Serialize};

use super::metrics::{Outcomes, auc, midranks};
use crate::history::null_is_nan;

/// The normal distribution's 97.5 % quantile.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// A variance below this is rounding: one pair out of order among a million images gives more.
const NO_VARIANCE: f64 = 1e-24;

/// An estimate and its 95 % confidence interval. Where nothing could be measured, for want of images
/// of a class, `value` is NaN (`null` in JSON) and the interval is 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What was measured.
    #[serde(deserialize_with = "null_is_nan")]
    pub value: f64,
    /// Lower end of the interval.
    #[serde(deserialize_with = "null_is_nan")]
    pub low: f64,
    /// Upper end of the interval.
    #[serde(deserialize_with = "null_is_nan")]
    pub high: f64,
}

impl Estimate {
    /// Nothing could be measured.
    pub(crate) const UNKNOWN: Self = Self { value: f64::NAN, low: 0.0, high: 1.0 };

    /// False where nothing could be measured.
    pub fn is_known(&self) -> bool {
        !self.value.is_nan()
    }
}

impl Default for Estimate {
    /// What an older file does not tell is unknown.
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// Wilson's score interval for `hits` of `total` (Wilson 1927), method 3 in Newcombe 1998.
pub fn wilson(hits: usize, total: usize) -> Estimate {
    if total == 0 { Estimate::UNKNOWN } else { wilson_share(hits as f64 / total as f64, total as f64) }
}

/// Wilson's interval for a share of `n` observations that need not be a whole number of them.
fn wilson_share(share: f64, n: f64) -> Estimate {
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At both ends one of the two limits is the share itself, but for rounding.
    let low = if share == 0.0 { 0.0 } else { centre - half };
    let high = if share == 1.0 { 1.0 } else { centre + half };
    Estimate { value: share, low, high }
}

/// Area under the ROC curve with the interval of DeLong, DeLong & Clarke-Pearson 1988, by the ranks of
/// Sun & Xu 2014, cut to 0 to 1. When the variance is 0 or unknown (every pair in order, all scores
/// equal, one image of a class) it would claim certainty: then it is Wilson's interval for as many
/// observations as the rarer class has images, which is wide where the images are few.
pub fn delong(truth: &[bool], scores: &[f64]) -> Estimate {
    let Some(value) = auc(truth, scores) else { return Estimate::UNKNOWN };
    let of = |class: bool| -> Vec<f64> {
        truth.iter().zip(scores).filter(|(truth, _)| **truth == class).map(|(_, score)| *score).collect()
    };
    let (positives, negatives) = (of(true), of(false));
    let ranks = midranks(&[positives.as_slice(), &negatives].concat());
    let (of_positives, of_negatives) = ranks.split_at(positives.len());
    let parts = [(of_positives, &positives, negatives.len()), (of_negatives, &negatives, positives.len())];
    let variance: f64 =
        parts.iter().map(|(ranks, own, others)| placement_variance(ranks, own, *others)).sum();
    // NaN, of one image of a class, fails this test too.
    if variance > NO_VARIANCE {
        let half = Z * variance.sqrt();
        Estimate { value, low: (value - half).max(0.0), high: (value + half).min(1.0) }
    } else {
        wilson_share(value, positives.len().min(negatives.len()) as f64)
    }
}

/// The variance of the mean of one class's placements: the share of the `others` below each image.
fn placement_variance(ranks: &[f64], own: &[f64], others: usize) -> f64 {
    let inside = midranks(own);
    let placements: Vec<f64> =
        ranks.iter().zip(inside).map(|(all, inside)| (all - inside) / others as f64).collect();
    let n = placements.len() as f64;
    let mean = placements.iter().sum::<f64>() / n;
    placements.iter().map(|placement| (placement - mean).powi(2)).sum::<f64>() / (n - 1.0) / n
}

/// F1 = 2F / (1 + F) of F = TP / (TP + FP + FN), a proportion with Wilson's interval; the map rises,
/// so the ends go through it (Hand, Christen & Kirielle 2021, "F*").
pub(super) fn f1(outcomes: Outcomes) -> Estimate {
    let Outcomes { true_positives, false_positives, false_negatives, .. } = outcomes;
    let share = wilson(true_positives, true_positives + false_positives + false_negatives);
    let f1 = |share: f64| 2.0 * share / (1.0 + share);
    Estimate { value: f1(share.value), low: f1(share.low), high: f1(share.high) }
}

/// The mean of estimates from different images, by MOVER (Zou & Donner 2008): squared distances to
/// the ends add up as variances do.
pub(super) fn mean_of_independent(parts: &[Estimate]) -> Estimate {
    let n = parts.len() as f64;
    let value = parts.iter().map(|part| part.value).sum::<f64>() / n;
    if value.is_nan() {
        return Estimate::UNKNOWN;
    }
    let down = parts.iter().map(|part| (part.value - part.low).powi(2)).sum::<f64>().sqrt() / n;
    let up = parts.iter().map(|part| (part.high - part.value).powi(2)).sum::<f64>().sqrt() / n;
    Estimate { value, low: value - down, high: value + up }
}

/// The mean of estimates from the same images. How they depend is not asked: the means of the ends
/// hold however they do, and are wider than need be.
pub(crate) fn mean_of_dependent(parts: &[Estimate]) -> Estimate {
    let mean = |part: fn(&Estimate) -> f64| parts.iter().map(part).sum::<f64>() / parts.len() as f64;
    let mean = Estimate { value: mean(|e| e.value), low: mean(|e| e.low), high: mean(|e| e.high) };
    if mean.is_known() { mean } else { Estimate::UNKNOWN }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(estimate: Estimate, expected: [f64; 3], tolerance: f64) {
        let found = [estimate.value, estimate.low, estimate.high];
        let close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= tolerance);
        assert!(close, "{found:?} is not {expected:?}");
    }

    #[test]
    fn wilson_agrees_with_newcombe_1998_table_i() {
        near(wilson(81, 263), [0.3080, 0.2553, 0.3662], 5e-5);
        near(wilson(15, 148), [0.1014, 0.0624, 0.1605], 5e-5);
        near(wilson(0, 20), [0.0, 0.0, 0.1611], 5e-5);
        near(wilson(1, 29), [0.0345, 0.0061, 0.1718], 5e-5);
        assert_eq!((wilson(0, 20).low, wilson(20, 20).high), (0.0, 1.0));
    }

    #[test]
    fn without_images_nothing_is_known() {
        assert!(!wilson(0, 0).is_known());
        assert_eq!((wilson(0, 0).low, wilson(0, 0).high), (0.0, 1.0));
    }

    /// 109 CT images in five ratings (Hanley & McNeil 1982); Stata's manual, `roctab`, gives DeLong's
    /// interval for them.
    #[test]
    fn delong_agrees_with_stata_on_hanley_and_mcneil() {
        let (mut truth, mut scores) = (Vec::new(), Vec::new());
        for (class, counts) in [(false, [33, 6, 6, 11, 2]), (true, [3, 2, 2, 11, 33])] {
            for (rating, count) in (1u8..).zip(counts) {
                truth.extend(std::iter::repeat_n(class, count));
                scores.extend(std::iter::repeat_n(f64::from(rating), count));
            }
        }
        near(delong(&truth, &scores), [0.8932, 0.83295, 0.95339], 5e-5);
    }

    #[test]
    fn a_perfect_order_is_not_certain() {
        let estimate = delong(&[true, true, false, false, false], &[0.9, 0.8, 0.1, 0.2, 0.3]);
        assert_eq!(estimate, wilson(2, 2));
        assert!(estimate.low < 0.5 && estimate.high == 1.0);
    }

    #[test]
    fn equal_scores_and_single_images_are_not_certain() {
        let equal = delong(&[true, true, false, false], &[0.5; 4]);
        assert!(equal.value == 0.5 && equal.low < 0.2 && equal.high > 0.8);
        let single = delong(&[true, false, false], &[0.5, 0.1, 0.9]);
        assert!(single.value == 0.5 && single.low < 0.2 && single.high > 0.8);
    }

    #[test]
    fn means_over_classes() {
        let part = |value, low, high| Estimate { value, low, high };
        let parts = [part(0.75, 0.45, 0.90), part(0.25, 0.0, 0.45)];
        // Distances down 0.3 and 0.25, up 0.15 and 0.2.
        near(mean_of_independent(&parts), [0.5, 0.5 - 0.1525f64.sqrt() / 2.0, 0.625], 1e-12);
        near(mean_of_dependent(&parts), [0.5, 0.225, 0.675], 1e-12);
        assert!(!mean_of_independent(&[parts[0], Estimate::UNKNOWN]).is_known());
        assert_eq!(mean_of_dependent(&[parts[0], Estimate::UNKNOWN]).high, 1.0);
    }

    #[test]
    fn unknown_survives_json() {
        let text = serde_json::to_string(&Estimate::UNKNOWN).expect("plain");
        assert_eq!(text, r#"{"value":null,"low":0.0,"high":1.0}"#);
        assert!(!serde_json::from_str::<Estimate>(&text).expect("own text").is_known());
    }
}
