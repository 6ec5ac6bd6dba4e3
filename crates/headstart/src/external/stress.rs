//! The stress test: labelled images scored as they are, and again after each of the named changes.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::classifier::Classifier;
use crate::dataset::Sample;
use crate::error::{Error, Result};
use crate::evaluate::{Estimate, counted, evaluate};
use crate::gate::Strangeness;
use crate::image::{Limits, Perturbation, perturbations};
use crate::observer::Observer;

/// Images decoded at a time, each for all changes.
const BATCH: usize = 8;
/// The first row's name.
const PLAIN: &str = "as they are";

/// What a classifier comes to on images after one change. Of more than two classes AUC, sensitivity and specificity are
/// means over classes, each against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stressed {
    /// What was changed, in words.
    pub change: String,
    /// Number of images.
    pub images: usize,
    /// Area under the ROC curve.
    pub auc: Estimate,
    /// Share of the positives that are found.
    pub sensitivity: Estimate,
    /// Share of the negatives that are left alone.
    pub specificity: Estimate,
    /// Mean of `-ln` of the true class's score.
    pub log_loss: f64,
    /// Share of the images that are refused, where the model has a gate.
    pub refused: Option<Estimate>,
}

impl Stressed {
    /// Mean of sensitivity and specificity: what the worst row is found by.
    pub fn balance(&self) -> f64 {
        f64::midpoint(self.sensitivity.value, self.specificity.value)
    }
}

/// The row of least [`Stressed::balance`].
pub fn worst(rows: &[Stressed]) -> Option<&Stressed> {
    rows.iter().min_by(|a, b| a.balance().total_cmp(&b.balance()))
}

/// Scores of the images after one change, and how far off they lie.
#[derive(Default)]
struct Answers {
    scores: Vec<Vec<f32>>,
    strange: Vec<Strangeness>,
}

/// A row for the images as they are, then one for each change. `labels` are the model's classes of the samples. Files
/// that cannot be used are left out.
///
/// # Errors
/// No usable image, or [`Error::Interrupted`].
pub fn stress(
    classifier: &Classifier,
    samples: &[&Sample],
    labels: &[usize],
    progress: &mut dyn Observer,
) -> Result<Vec<Stressed>> {
    let changes = perturbations();
    let mut answers: Vec<Answers> = (0..=changes.len()).map(|_| Answers::default()).collect();
    let mut used = Vec::new();
    for (samples, labels) in samples.chunks(BATCH).zip(labels.chunks(BATCH)) {
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        let shown: Vec<_> =
            samples.par_iter().map(|sample| shown(classifier, sample, &changes).ok()).collect();
        used.extend(labels.iter().zip(&shown).filter(|(_, shown)| shown.is_some()).map(|(label, _)| *label));
        let shown: Vec<Vec<Vec<f32>>> = shown.into_iter().flatten().collect();
        for (number, answers) in answers.iter_mut().enumerate() {
            let inputs: Vec<f32> = shown.iter().flat_map(|inputs| inputs[number].iter().copied()).collect();
            let (logits, strange) = classifier.logits_of_inputs(&inputs);
            answers.scores.extend(logits.iter().map(|row| classifier.scores_of(row)));
            answers.strange.extend(strange.unwrap_or_default());
        }
    }
    let names = [PLAIN].into_iter().chain(changes.iter().map(|change| change.name));
    names.zip(answers).map(|(name, answers)| row(classifier, name, &used, &answers)).collect()
}

/// The net's inputs of an image as it is, and after each change.
fn shown(
    classifier: &Classifier,
    sample: &Sample,
    changes: &[Perturbation],
) -> Result<Vec<Vec<f32>>, String> {
    let preprocess = &classifier.description().preprocess;
    let (image, content) = sample.read_with_hash(&Limits::default())?;
    let changed = changes.iter().map(|change| change.style(&content).apply(preprocess, &image));
    Ok([preprocess.apply(&image)].into_iter().chain(changed).collect())
}

fn row(classifier: &Classifier, name: &str, labels: &[usize], answers: &Answers) -> Result<Stressed> {
    let metrics = evaluate(labels, &answers.scores, classifier.positive(), classifier.threshold(), 0.0)?;
    let (refused, _) = counted(classifier.description().gate.as_ref(), Some(&answers.strange));
    Ok(Stressed {
        change: name.into(),
        images: metrics.images,
        auc: metrics.auc,
        sensitivity: metrics.sensitivity,
        specificity: metrics.specificity,
        log_loss: metrics.log_loss,
        refused,
    })
}
