//! Measures a trained tail: the threshold on validation, then the test split, once.

use std::time::Instant;

use super::data::Usable;
use super::recipe::Recipe;
use super::validate::logits;
use crate::backbone::weights::Weights;
use crate::dataset::Split;
use crate::error::Result;
use crate::evaluate::{SplitMetrics, ThresholdPolicy, choose_threshold, evaluate, one_against_rest};
use crate::features::Records;
use crate::network::Tail;

/// How thresholds are chosen.
pub(super) const POLICY: ThresholdPolicy = ThresholdPolicy::Youden;

/// A split, its records, their scores and what these are worth.
pub(super) struct Measured {
    pub(super) split: Split,
    pub(super) indices: Vec<usize>,
    pub(super) scores: Vec<Vec<f32>>,
    pub(super) metrics: SplitMetrics,
}

/// What scores a split.
pub(super) struct Judge<'a> {
    pub(super) tail: &'a Tail,
    pub(super) weights: &'a Weights,
    pub(super) records: &'a Records,
    pub(super) recipe: &'a Recipe,
    pub(super) positive: usize,
}

impl Judge<'_> {
    /// The threshold, and the metrics of validation and test at it.
    pub(super) fn measure(&self, usable: &Usable) -> Result<(f64, Vec<Measured>)> {
        let mut threshold = 0.5;
        let mut measured = Vec::new();
        for split in [Split::Validation, Split::Test] {
            let indices = usable.of(split);
            if indices.is_empty() {
                continue;
            }
            let start = Instant::now();
            let logits = logits(self.tail, self.weights, self.records, &indices);
            let output = self.recipe.loss.output();
            let scores: Vec<Vec<f32>> = logits.iter().map(|row| output.scores(row)).collect();
            let seconds = start.elapsed().as_secs_f64();
            let labels: Vec<usize> = indices.iter().map(|index| usable.labels[*index]).collect();
            if split == Split::Validation {
                let (truth, of_positive) = one_against_rest(&labels, &scores, self.positive);
                threshold = choose_threshold(&truth, &of_positive, POLICY)?;
            }
            let metrics = evaluate(&labels, &scores, self.positive, threshold, seconds)?;
            measured.push(Measured { split, indices, scores, metrics });
        }
        Ok((threshold, measured))
    }
}
