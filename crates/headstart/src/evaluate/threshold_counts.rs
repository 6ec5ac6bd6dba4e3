//! What other thresholds would have come to.

use serde::{Deserialize, Serialize};

use super::one_against_rest;

/// Steps from 0 to 1.
const STEPS: usize = 100;

/// Of two classes: how many held-out images each threshold would have got right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdCounts {
    /// Images of the positive class.
    pub positives: usize,
    /// The others.
    pub negatives: usize,
    /// At thresholds of 0, 0.01, and so on up to 1: how many positives are found, and how many negatives are left
    /// alone.
    pub steps: Vec<[usize; 2]>,
}

impl ThresholdCounts {
    /// Of scores `[N, 2]` against labels `[N]`; `None` of other than two classes.
    pub fn of(labels: &[usize], scores: &[Vec<f32>], positive: usize) -> Option<Self> {
        if scores.first().is_none_or(|row| row.len() != 2) {
            return None;
        }
        let (truth, shares) = one_against_rest(labels, scores, positive);
        let positives = truth.iter().filter(|is_positive| **is_positive).count();
        let at = |step: usize| {
            let threshold = step as f64 / STEPS as f64;
            let mut right = [0, 0];
            for (is_positive, share) in truth.iter().zip(&shares) {
                right[0] += usize::from(*is_positive && *share >= threshold);
                right[1] += usize::from(!*is_positive && *share < threshold);
            }
            right
        };
        Some(Self { positives, negatives: truth.len() - positives, steps: (0..=STEPS).map(at).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_threshold_is_counted() {
        let scores = [0.2, 0.5, 0.4, 0.9].map(|score: f32| vec![1.0 - score, score]);
        let points = ThresholdCounts::of(&[0, 0, 1, 1], &scores, 1).expect("two classes");
        assert_eq!((points.positives, points.negatives, points.steps.len()), (2, 2, 101));
        assert_eq!([points.steps[0], points.steps[30], points.steps[50]], [[2, 0], [2, 1], [1, 1]]);
        assert_eq!(points.steps[100], [0, 2]);
        assert_eq!(ThresholdCounts::of(&[0], &[vec![0.2, 0.3, 0.5]], 1), None);
    }
}
