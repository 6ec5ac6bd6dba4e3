//! What a call means where the illness is rarer or more frequent than in the images measured.

use serde::{Deserialize, Serialize};

use super::intervals::{Estimate, Z};
use super::logistic::sigmoid;
use super::metrics::Outcomes;

/// Where predictive values are stated, besides what was asked for.
pub const PREVALENCES: [f64; 5] = [0.01, 0.05, 0.1, 0.2, 0.5];

/// Predictive values at a stated prevalence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PredictiveValues {
    /// Share of the images that are positive, as stated.
    pub prevalence: f64,
    /// Share of the images called positive that would be.
    pub ppv: Estimate,
    /// Share of the images called negative that would be.
    pub npv: Estimate,
}

/// Predictive values of a test with these outcomes where `prevalence` of the images are positive: Bayes,
/// with the logit intervals of Mercaldo, Lau & Zhou 2007; where a rate is 0 or 1 their adjusted ones, of
/// counts that are `z²/2` higher.
pub fn predictive_values(outcomes: Outcomes, prevalence: f64) -> PredictiveValues {
    let Outcomes { true_positives, false_negatives, false_positives, true_negatives } = outcomes;
    let sensitivity = Rate::new(true_positives, false_negatives);
    let specificity = Rate::new(true_negatives, false_positives);
    let odds = prevalence / (1.0 - prevalence);
    let value = |right: f64, wrong: f64| if right + wrong > 0.0 { right / (right + wrong) } else { f64::NAN };
    let (se, sp) = (sensitivity.value, specificity.value);
    let ppv = Estimate {
        value: value(odds * se, 1.0 - sp),
        ..interval(odds, sensitivity.adjusted(), specificity.adjusted())
    };
    let npv = Estimate {
        value: value(sp, odds * (1.0 - se)),
        ..interval(1.0 / odds, specificity.adjusted(), sensitivity.adjusted())
    };
    PredictiveValues { prevalence, ppv: known(ppv), npv: known(npv) }
}

/// A share of `n` images.
#[derive(Clone, Copy)]
struct Rate {
    value: f64,
    n: f64,
}

impl Rate {
    fn new(hits: usize, misses: usize) -> Self {
        let n = (hits + misses) as f64;
        Self { value: hits as f64 / n, n }
    }

    fn adjusted(self) -> Self {
        if self.value > 0.0 && self.value < 1.0 {
            return self;
        }
        let n = self.n + Z * Z;
        Self { value: (self.value * self.n + Z * Z / 2.0) / n, n }
    }
}

/// `logit = ln(odds · found / (1 − spared))`, with the variance of both rates' logarithms.
fn interval(odds: f64, found: Rate, spared: Rate) -> Estimate {
    let logit = (odds * found.value / (1.0 - spared.value)).ln();
    let variance =
        (1.0 - found.value) / (found.value * found.n) + spared.value / ((1.0 - spared.value) * spared.n);
    let half = Z * variance.sqrt();
    Estimate { value: f64::NAN, low: sigmoid(logit - half), high: sigmoid(logit + half) }
}

/// An adjusted interval may miss an estimate of 0 or 1.
fn known(estimate: Estimate) -> Estimate {
    let Estimate { value, low, high } = estimate;
    if low.is_nan() || high.is_nan() {
        return Estimate { low: 0.0, high: 1.0, ..estimate };
    }
    Estimate { value, low: low.min(value), high: high.max(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bayes_by_hand() {
        let outcomes =
            Outcomes { true_positives: 90, false_negatives: 10, false_positives: 20, true_negatives: 80 };
        let values = predictive_values(outcomes, 0.1);
        // 9 of 100 found, 18 of 100 called though healthy; 72 spared, 1 missed.
        assert!((values.ppv.value - 9.0 / 27.0).abs() < 1e-12);
        assert!((values.npv.value - 72.0 / 73.0).abs() < 1e-12);
        // logit(1/3) ± 1.96 · √(0.1 / 90 + 0.8 / 20)
        assert!((values.ppv.low - 0.251_5).abs() < 1e-4, "{values:?}");
        assert!((values.ppv.high - 0.426_6).abs() < 1e-4, "{values:?}");
    }

    #[test]
    fn a_perfect_test_is_not_certain_and_an_empty_one_unknown() {
        let perfect =
            Outcomes { true_positives: 20, false_negatives: 0, false_positives: 0, true_negatives: 20 };
        let values = predictive_values(perfect, 0.05);
        assert_eq!((values.ppv.value, values.npv.value), (1.0, 1.0));
        assert!(values.ppv.low < 0.6 && values.npv.low < 1.0, "{values:?}");
        let nothing = Outcomes { true_positives: 0, false_negatives: 0, ..perfect };
        assert!(!predictive_values(nothing, 0.5).ppv.is_known());
    }
}
