//! 95 % confidence intervals: Wilson (1927) for proportions, DeLong (1988) for the area under the
//! ROC curve in the fast form of Sun & Xu (2014).

use super::Estimate;
use super::metrics::{auc, midranks};

/// The normal distribution's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// `hits` of `total`; without any, everything is possible.
pub(super) fn wilson(hits: usize, total: usize) -> Estimate {
    if total == 0 {
        return Estimate { value: f64::NAN, low: 0.0, high: 1.0 };
    }
    let n = total as f64;
    let p = hits as f64 / n;
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Estimate { value: p, low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
}

/// Area under the ROC curve. When every pair is in order the variance is zero and tells nothing;
/// the interval is then Wilson's for as many pairs as the rarer class has images.
pub(super) fn delong(truth: &[bool], scores: &[f64]) -> Estimate {
    let Some(value) = auc(truth, scores) else {
        return Estimate { value: f64::NAN, low: 0.0, high: 1.0 };
    };
    let of = |wanted: bool| -> Vec<f64> {
        truth.iter().zip(scores).filter(|(t, _)| **t == wanted).map(|(_, score)| *score).collect()
    };
    let (positives, negatives) = (of(true), of(false));
    let (m, n) = (positives.len() as f64, negatives.len() as f64);
    if value == 1.0 || value == 0.0 {
        let rarer = positives.len().min(negatives.len());
        return Estimate { value, ..wilson(if value == 1.0 { rarer } else { 0 }, rarer) };
    }
    let together = midranks(&[positives.clone(), negatives.clone()].concat());
    let placements = |all: &[f64], own: &[f64], other: f64| -> Vec<f64> {
        all.iter().zip(own).map(|(all, own)| (all - own) / other).collect()
    };
    let of_positives = placements(&together[..positives.len()], &midranks(&positives), n);
    let of_negatives = placements(&together[positives.len()..], &midranks(&negatives), m);
    let deviation = (variance(&of_positives) / m + variance(&of_negatives) / n).sqrt();
    if deviation == 0.0 {
        // All scores tie: nothing is known.
        return Estimate { value, low: 0.0, high: 1.0 };
    }
    Estimate { value, low: (value - Z * deviation).max(0.0), high: (value + Z * deviation).min(1.0) }
}

/// Sample variance; of a single value zero.
fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_is_the_published_one() {
        // statsmodels: proportion_confint(8, 10, method="wilson") is (0.4901625, 0.9433178).
        let estimate = wilson(8, 10);
        assert!((estimate.low - 0.490_162_5).abs() < 1e-6 && (estimate.high - 0.943_317_8).abs() < 1e-6);
        assert_eq!(wilson(0, 5).low, 0.0);
        assert_eq!(wilson(0, 0).high, 1.0);
    }

    #[test]
    fn delong_agrees_with_a_count_by_hand() {
        // Placements: positives 0.5, 1, 1; negatives 1, 2/3. Variances 1/12 and 1/18.
        let truth = [true, true, true, false, false];
        let estimate = delong(&truth, &[0.3, 0.8, 0.9, 0.2, 0.4]);
        let deviation = (1.0f64 / 12.0 / 3.0 + 1.0 / 18.0 / 2.0).sqrt();
        assert!((estimate.value - 5.0 / 6.0).abs() < 1e-12);
        assert!((estimate.low - (5.0 / 6.0 - Z * deviation)).abs() < 1e-12);
        assert_eq!(estimate.high, 1.0);
    }

    #[test]
    fn scores_that_all_tie_tell_nothing() {
        let estimate = delong(&[true, true, false], &[0.5; 3]);
        assert_eq!((estimate.value, estimate.low, estimate.high), (0.5, 0.0, 1.0));
    }

    #[test]
    fn a_perfect_order_is_not_certain() {
        let estimate = delong(&[true, true, false, false], &[0.9, 0.8, 0.1, 0.2]);
        assert_eq!(estimate.value, 1.0);
        assert!(estimate.low < 0.5);
    }
}
