//! Measures a trained tail: calibration and threshold on validation, then the test split, once.

use std::time::Instant;

use super::data::Usable;
use super::familiar::Familiar;
use super::recipe::Recipe;
use super::validate::logits;
use crate::backbone::spec::Block;
use crate::backbone::weights::Weights;
use crate::dataset::Split;
use crate::error::Result;
use crate::evaluate::{
    COVERAGE, Calibration, Conformal, SplitMetrics, choose_threshold, evaluate_grouped, number_groups,
    one_against_rest, wilson,
};
use crate::features::Records;
use crate::network::Tail;

/// A split, its records, their scores and what these are worth.
pub(super) struct Measured {
    pub(super) split: Split,
    pub(super) indices: Vec<usize>,
    pub(super) scores: Vec<Vec<f32>>,
    /// From the training images, where there is a gate.
    pub(super) distances: Option<Vec<f64>>,
    pub(super) metrics: SplitMetrics,
}

/// What scores a split.
pub(super) struct Judge<'a> {
    pub(super) tail: &'a Tail,
    pub(super) weights: &'a Weights,
    pub(super) records: &'a Records,
    pub(super) recipe: &'a Recipe,
    pub(super) positive: usize,
    /// The whole net, head included, and how many blocks of it are frozen.
    pub(super) blocks: &'a [Block],
    pub(super) cut: usize,
    /// The patient of each record, if known.
    pub(super) groups: Vec<Option<&'a str>>,
}

/// What was decided on validation, and measured with it.
pub(super) struct Judgement {
    pub(super) threshold: f64,
    pub(super) calibration: Option<Calibration>,
    pub(super) conformal: Option<Conformal>,
    pub(super) familiar: Option<Familiar>,
    pub(super) measured: Vec<Measured>,
}

impl Judge<'_> {
    /// The calibration and the threshold, and the metrics of validation and test with them.
    pub(super) fn measure(&self, usable: &Usable) -> Result<Judgement> {
        let (mut threshold, mut calibration, mut conformal) = (0.5, None, None);
        let familiar = self.familiar(usable);
        let mut measured = Vec::new();
        for split in [Split::Validation, Split::Test] {
            let indices = usable.of(split);
            if indices.is_empty() {
                continue;
            }
            let start = Instant::now();
            let logits = logits(self.tail, self.weights, self.records, &indices);
            let seconds = start.elapsed().as_secs_f64();
            let labels: Vec<usize> = indices.iter().map(|index| usable.labels[*index]).collect();
            if split == Split::Validation {
                let (method, output) = (self.recipe.calibration, self.recipe.loss.output());
                calibration = Calibration::fit(method, output, &logits, &labels, self.positive);
            }
            let scores = self.scores(&logits, calibration);
            if split == Split::Validation {
                let (truth, of_positive) = one_against_rest(&labels, &scores, self.positive);
                threshold = choose_threshold(&truth, &of_positive, self.recipe.threshold)?;
                conformal = Conformal::fit(&labels, &scores, COVERAGE);
            }
            let groups = number_groups(indices.iter().map(|index| self.groups[*index]));
            let metrics = evaluate_grouped(&labels, &scores, self.positive, threshold, seconds, &groups)?;
            let distances = familiar.as_ref().map(|familiar| self.distances(familiar, &indices));
            let refused = familiar.as_ref().zip(distances.as_ref()).map(|(familiar, distances)| {
                let far = distances.iter().filter(|distance| **distance > familiar.facts.threshold);
                wilson(far.count(), distances.len())
            });
            let sets = conformal.as_ref().map(|conformal: &Conformal| conformal.measure(&labels, &scores));
            let metrics = SplitMetrics { sets, refused, ..metrics };
            measured.push(Measured { split, indices, scores, distances, metrics });
        }
        Ok(Judgement { threshold, calibration, conformal, familiar, measured })
    }

    fn scores(&self, logits: &[Vec<f32>], calibration: Option<Calibration>) -> Vec<Vec<f32>> {
        let output = self.recipe.loss.output();
        logits.iter().map(|row| output.calibrated(row, calibration, self.positive)).collect()
    }
}
