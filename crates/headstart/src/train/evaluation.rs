//! Measures a trained tail: calibration and threshold on validation, then the test split, once.

use std::collections::BTreeMap;
use std::time::Instant;

use super::data::Usable;
use super::gate_fit::FittedGate;
use super::members::Trained;
use super::recipe::{Recipe, ValidateOn};
use super::validate::logits;
use super::views::Views;
use crate::backbone::spec::Block;
use crate::backbone::weights::Weights;
use crate::classifier::{MemberMetrics, Verdict, VerdictCounts};
use crate::dataset::Split;
use crate::error::Result;
use crate::evaluate::{
    self, COVERAGE, Calibration, Conformal, Measure, Reference, SplitMetrics, ThresholdCounts,
    choose_threshold, counted, evaluate_grouped, number_groups, one_against_rest, plateau, predicted,
    telling,
};
use crate::features::Records;
use crate::gate::{GateFacts, Strangeness};
use crate::network::Tail;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The validation images as they are.
    Validation,
    /// The validation images, restyled.
    Stressed,
    /// The test images.
    Test,
}

impl Part {
    /// As `metrics.json` and `predictions.csv` call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Validation => Split::Validation.name(),
            Self::Stressed => "stressed",
            Self::Test => Split::Test.name(),
        }
    }
}

/// A part, its records, their scores and what these are worth.
pub(crate) struct Measured {
    pub(crate) part: Part,
    pub(crate) indices: Vec<usize>,
    pub(crate) scores: Vec<Vec<f32>>,
    /// How far off the images are, where there is a gate.
    pub(crate) strange: Option<Vec<Strangeness>>,
    pub(crate) metrics: SplitMetrics,
}

impl Measured {
    /// What other thresholds would have come to; `labels` are those of all records.
    pub(super) fn threshold_counts(&self, labels: &[usize], positive: usize) -> Option<ThresholdCounts> {
        let labels: Vec<usize> = self.indices.iter().map(|index| labels[*index]).collect();
        ThresholdCounts::of(&labels, &self.scores, positive)
    }
}

/// What scores a split.
pub(super) struct Evaluator<'a> {
    pub(super) tail: &'a Tail,
    pub(super) trained: &'a [Trained],
    /// Of the trunk and of the first tail.
    pub(super) weights: &'a Weights,
    pub(super) records: &'a Records,
    /// Views of validation and test images that are scored besides them.
    pub(super) views: &'a Views<'a>,
    /// Restyled validation images.
    pub(super) stressed: &'a Views<'a>,
    /// Views of the training images.
    pub(super) drawn: &'a Views<'a>,
    /// Odd copies of some images, which the gate has to refuse.
    pub(super) odd: &'a Views<'a>,
    pub(super) recipe: &'a Recipe,
    pub(super) positive: usize,
    /// The whole net, head included, and how many blocks of it are frozen.
    pub(super) blocks: &'a [Block],
    pub(super) cut: usize,
    /// The patient of each record, if known.
    pub(super) groups: Vec<Option<&'a str>>,
}

/// What was decided on validation, and measured with it.
pub(super) struct Evaluation {
    pub(super) decided: Decided,
    pub(super) fitted_gate: Option<FittedGate>,
    /// What a set of images is compared with to tell whether it has drifted.
    pub(super) reference: Option<Reference>,
    /// Of the validation images, for the same.
    pub(super) verdicts: Option<VerdictCounts>,
    pub(super) measured: Vec<Measured>,
    /// What each training is worth alone, by part.
    pub(super) alone: Vec<BTreeMap<String, MemberMetrics>>,
}

/// What the validation images decide.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) threshold: f64,
    /// The thresholds that these images cannot tell from it, of two classes.
    pub(super) plateau: Option<[f64; 2]>,
    pub(super) calibration: Option<Calibration>,
    pub(super) conformal: Option<Conformal>,
}

/// Logits of a part: of each training, and their mean by record.
struct Scored {
    part: Part,
    alone: Vec<(Vec<usize>, Vec<Vec<f32>>)>,
    indices: Vec<usize>,
    logits: Vec<Vec<f32>>,
    labels: Vec<usize>,
    seconds: f64,
}

impl Evaluator<'_> {
    /// The calibration and the threshold, and the metrics of validation and test with them. An image is
    /// validated by the mean of those trainings that did not see it; the test by the mean of all.
    pub(super) fn measure(&self, usable: &Usable) -> Result<Evaluation> {
        let fitted_gate = self.fit_gate(usable);
        let [validation, stressed, test] =
            [Part::Validation, Part::Stressed, Part::Test].map(|part| self.score(part, usable));
        let decided = self.decide(&validation, &stressed)?;
        let mut alone = vec![BTreeMap::new(); self.trained.len()];
        let mut measured = Vec::new();
        for scored in [validation, stressed, test].into_iter().filter(|scored| !scored.indices.is_empty()) {
            if self.trained.len() > 1 {
                for (worth, (indices, logits)) in alone.iter_mut().zip(&scored.alone) {
                    let labels: Vec<usize> = indices.iter().map(|index| usable.labels[*index]).collect();
                    let scores = self.scores(logits, decided.calibration);
                    let own = MemberMetrics::of(&labels, &scores, self.positive, decided.threshold);
                    worth.insert(scored.part.name().to_string(), own);
                }
            }
            measured.push(self.metrics_of(scored, &decided, fitted_gate.as_ref())?);
        }
        let validation = measured.iter().find(|found: &&Measured| found.part == Part::Validation);
        let reference = validation.and_then(|found| self.reference(found));
        let gate = fitted_gate.as_ref().map(|fitted_gate| &fitted_gate.facts);
        let verdicts = validation.map(|found| self.verdicts(found, &decided, gate));
        Ok(Evaluation { decided, fitted_gate, reference, verdicts, measured, alone })
    }

    /// Mean log loss of the calibrated scores on the validation images that decide.
    pub(super) fn log_loss(&self, usable: &Usable) -> f64 {
        let [validation, stressed] = [Part::Validation, Part::Stressed].map(|part| self.score(part, usable));
        let (labels, scores, _) = self.calibrated(&validation, &stressed);
        let losses = labels.iter().zip(&scores).map(|(label, row)| {
            let sum: f32 = row.iter().sum();
            -f64::from(row[*label] / sum).max(f64::MIN_POSITIVE).ln()
        });
        losses.sum::<f64>() / labels.len() as f64
    }

    /// Labels and calibrated scores of the validation images that the recipe names, and the calibration.
    fn calibrated(
        &self,
        validation: &Scored,
        stressed: &Scored,
    ) -> (Vec<usize>, Vec<Vec<f32>>, Option<Calibration>) {
        let on = match self.recipe.validate_on {
            ValidateOn::Plain => vec![validation],
            ValidateOn::Stressed => vec![stressed],
            ValidateOn::Both => vec![validation, stressed],
        };
        let logits: Vec<Vec<f32>> = on.iter().flat_map(|scored| scored.logits.clone()).collect();
        let labels: Vec<usize> = on.iter().flat_map(|scored| scored.labels.clone()).collect();
        let (method, output) = (self.recipe.calibration, self.recipe.loss.output());
        let calibration = Calibration::fit(method, output, &logits, &labels, self.positive);
        let scores = self.scores(&logits, calibration);
        (labels, scores, calibration)
    }

    /// Calibration, threshold and prediction sets, on the validation images that the recipe names.
    fn decide(&self, validation: &Scored, stressed: &Scored) -> Result<Decided> {
        let (labels, scores, calibration) = self.calibrated(validation, stressed);
        let (truth, of_positive) = one_against_rest(&labels, &scores, self.positive);
        let threshold = choose_threshold(&truth, &of_positive, self.recipe.threshold)?;
        let conformal = Conformal::fit(&labels, &scores, COVERAGE);
        let is_binary = scores.first().is_some_and(|row| row.len() == 2);
        let plateau = plateau(&truth, &of_positive, threshold).filter(|_| is_binary);
        Ok(Decided { threshold, plateau, calibration, conformal })
    }

    /// What a part's scores are worth.
    fn metrics_of(
        &self,
        scored: Scored,
        decided: &Decided,
        fitted_gate: Option<&FittedGate>,
    ) -> Result<Measured> {
        let Scored { part, indices, logits, labels, seconds, .. } = scored;
        let scores = self.scores(&logits, decided.calibration);
        let groups = number_groups(indices.iter().map(|index| self.groups[*index]));
        let threshold = decided.threshold;
        let metrics = evaluate_grouped(&labels, &scores, self.positive, threshold, seconds, &groups)?;
        let strange = fitted_gate.map(|fitted_gate| match part {
            Part::Validation | Part::Test => self.strangeness(fitted_gate, self.records, &indices),
            Part::Stressed => {
                self.stressed.of(&indices).next().map_or_else(Vec::new, |(records, places)| {
                    self.strangeness(fitted_gate, records, &places)
                })
            }
        });
        let (refused, unusual) =
            counted(fitted_gate.map(|fitted_gate| &fitted_gate.facts), strange.as_deref());
        let sets = decided.conformal.as_ref().map(|conformal| conformal.measure(&labels, &scores));
        let metrics = SplitMetrics { sets, refused, unusual, ..metrics };
        Ok(Measured { part, indices, scores, strange, metrics })
    }

    /// Of the validation images, by their scores and distances.
    fn reference(&self, validation: &Measured) -> Option<Reference> {
        let of = |measure, values| evaluate::Measured { measure, values };
        let scores = validation.scores.iter().map(|row| telling(row, self.positive)).collect();
        let mut measured = vec![of(Measure::Score, scores)];
        if let Some(strange) = &validation.strange {
            measured.push(of(Measure::Distance, strange.iter().map(|image| image.distance).collect()));
            let oddness: Option<Vec<f64>> = strange.iter().map(|image| image.oddness).collect();
            measured.extend(oddness.map(|oddness| of(Measure::Oddness, oddness)));
        }
        Reference::new(measured)
    }

    /// Of the validation images.
    fn verdicts(&self, validation: &Measured, decided: &Decided, gate: Option<&GateFacts>) -> VerdictCounts {
        let strange = validation.strange.as_deref().unwrap_or_default();
        let verdict = |(image, scores): (usize, &Vec<f32>)| {
            let refused = gate.zip(strange.get(image)).is_some_and(|(gate, image)| gate.refuses(image));
            let plausible = decided.conformal.as_ref().map(|conformal| conformal.set(scores));
            let label = predicted(scores, self.positive, decided.threshold);
            Verdict::of(refused, label, plausible.as_deref())
        };
        validation.scores.iter().enumerate().map(verdict).collect()
    }

    /// Each training's logits of a part, and their mean.
    fn score(&self, part: Part, usable: &Usable) -> Scored {
        let test = usable.of(Split::Test);
        let (start, mut means, mut alone) = (Instant::now(), Means::default(), Vec::new());
        for trained in self.trained {
            let indices = match part {
                Part::Validation | Part::Stressed => &trained.member.validation,
                Part::Test => &test,
            };
            let logits = self.logits(trained, part, indices);
            means.add(indices, &logits);
            alone.push((indices.clone(), logits));
        }
        let (indices, logits) = means.finish();
        let labels = indices.iter().map(|index| usable.labels[*index]).collect();
        Scored { part, alone, indices, logits, labels, seconds: start.elapsed().as_secs_f64() }
    }

    /// One training's logits of images, mean over their views.
    fn logits(&self, trained: &Trained, part: Part, indices: &[usize]) -> Vec<Vec<f32>> {
        let itself = match part {
            Part::Validation | Part::Test => vec![(self.records, indices.to_vec())],
            Part::Stressed => vec![],
        };
        let views = match part {
            Part::Validation | Part::Test => self.views,
            Part::Stressed => self.stressed,
        };
        let (mut rows, mut count): (Vec<Vec<f32>>, f32) = (vec![], 0.0);
        for (records, places) in itself.into_iter().chain(views.of(indices)) {
            let view = logits(self.tail, &trained.weights, records, &places);
            count += 1.0;
            if rows.is_empty() {
                rows = view;
                continue;
            }
            rows.iter_mut().zip(view).for_each(|(row, view)| {
                row.iter_mut().zip(view).for_each(|(sum, logit)| *sum += logit);
            });
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
