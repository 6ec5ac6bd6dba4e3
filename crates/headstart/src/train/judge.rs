//! Measures a trained tail: calibration and threshold on validation, then the test split, once.

use std::collections::BTreeMap;
use std::time::Instant;

use super::data::Usable;
use super::familiar::Familiar;
use super::members::Trained;
use super::recipe::Recipe;
use super::validate::logits;
use super::views::Views;
use crate::backbone::spec::Block;
use crate::backbone::weights::Weights;
use crate::classifier::Worth;
use crate::dataset::Split;
use crate::error::Result;
use crate::evaluate::{
    COVERAGE, Calibration, Conformal, SplitMetrics, ThresholdCounts, choose_threshold, evaluate_grouped,
    number_groups, one_against_rest, wilson,
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

impl Measured {
    /// What other thresholds would have come to; `labels` are those of all records.
    pub(super) fn threshold_counts(&self, labels: &[usize], positive: usize) -> Option<ThresholdCounts> {
        let labels: Vec<usize> = self.indices.iter().map(|index| labels[*index]).collect();
        ThresholdCounts::of(&labels, &self.scores, positive)
    }
}

/// What scores a split.
pub(super) struct Judge<'a> {
    pub(super) tail: &'a Tail,
    pub(super) trained: &'a [Trained],
    /// Of the trunk and of the first tail.
    pub(super) weights: &'a Weights,
    pub(super) records: &'a Records,
    /// Views of validation and test images that are scored besides them.
    pub(super) views: &'a Views<'a>,
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
    /// What each training is worth alone, by split.
    pub(super) alone: Vec<BTreeMap<String, Worth>>,
}

impl Judge<'_> {
    /// The calibration and the threshold, and the metrics of validation and test with them. An image is
    /// validated by the mean of those trainings that did not see it; the test by the mean of all.
    pub(super) fn measure(&self, usable: &Usable) -> Result<Judgement> {
        let (mut threshold, mut calibration, mut conformal) = (0.5, None, None);
        let familiar = self.familiar(usable);
        let mut alone = vec![BTreeMap::new(); self.trained.len()];
        let mut measured = Vec::new();
        for split in [Split::Validation, Split::Test] {
            let test = usable.of(Split::Test);
            let (start, mut means) = (Instant::now(), Means::default());
            let mut rows = Vec::new();
            for trained in self.trained {
                let indices = if split == Split::Test { &test } else { &trained.member.validation };
                let logits = self.logits(trained, indices);
                means.add(indices, &logits);
                rows.push((indices, logits));
            }
            let (indices, logits) = means.finish();
            if indices.is_empty() {
                continue;
            }
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
            if self.trained.len() > 1 {
                for (worth, (indices, logits)) in alone.iter_mut().zip(rows) {
                    let labels: Vec<usize> = indices.iter().map(|index| usable.labels[*index]).collect();
                    let scores = self.scores(&logits, calibration);
                    let own = Worth::of(&labels, &scores, self.positive, threshold);
                    worth.insert(split.name().to_string(), own);
                }
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
        Ok(Judgement { threshold, calibration, conformal, familiar, measured, alone })
    }

    /// One training's logits of images, mean over their views.
    fn logits(&self, trained: &Trained, indices: &[usize]) -> Vec<Vec<f32>> {
        let of = |records, indices: &[usize]| logits(self.tail, &trained.weights, records, indices);
        let (mut rows, mut count) = (of(self.records, indices), 1.0);
        for (records, places) in self.views.of(indices) {
            let view = of(records, &places);
            rows.iter_mut().zip(view).for_each(|(row, view)| {
                row.iter_mut().zip(view).for_each(|(sum, logit)| *sum += logit);
            });
            count += 1.0;
        }
        rows.iter_mut().flatten().for_each(|logit| *logit /= count);
        rows
    }

    fn scores(&self, logits: &[Vec<f32>], calibration: Option<Calibration>) -> Vec<Vec<f32>> {
        let output = self.recipe.loss.output();
        logits.iter().map(|row| output.calibrated(row, calibration, self.positive)).collect()
    }
}

/// Means of rows of logits, by record.
#[derive(Default)]
struct Means(BTreeMap<usize, (Vec<f32>, f32)>);

impl Means {
    fn add(&mut self, indices: &[usize], rows: &[Vec<f32>]) {
        for (index, row) in indices.iter().zip(rows) {
            let (sum, count) = self.0.entry(*index).or_insert_with(|| (vec![0.0; row.len()], 0.0));
            sum.iter_mut().zip(row).for_each(|(sum, logit)| *sum += logit);
            *count += 1.0;
        }
    }

    /// Records in order, and the mean row of each.
    fn finish(self) -> (Vec<usize>, Vec<Vec<f32>>) {
        let mean = |(sum, count): (Vec<f32>, f32)| sum.iter().map(|logit| logit / count).collect();
        self.0.into_iter().map(|(index, sums)| (index, mean(sums))).unzip()
    }
}
