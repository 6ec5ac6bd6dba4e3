//! A sealed classifier on labelled images, perhaps from elsewhere: the code that predicts, counted, and
//! how far these images are from those that it knows.

use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use super::class_names::map_classes;
use super::{
    Calibration, CalibrationMethod, Drift, Estimate, SplitMetrics, Stressed, choose_threshold, counted,
    evaluate_grouped, number_groups, one_against_rest, stress,
};
use crate::classifier::{Assessment, Classifier, Sealed};
use crate::dataset::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::features::Progress;
use crate::image::Limits;

/// Images decoded and classified at a time.
const BATCH: usize = 16;

/// A classifier's metrics on labelled images, and the shift from where it was tested.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// The split that was measured: the test split, or all images of data without splits.
    #[serde(skip)]
    pub split: Split,
    /// What was measured.
    #[serde(flatten)]
    pub metrics: SplitMetrics,
    /// Number of files of which the first of several frames was used.
    pub first_frames: usize,
    /// Against the test images of the training; `None` when there were none.
    pub shift: Option<Shift>,
    /// Whether these images as a whole differ from the validation images; `None` with too few images, and for
    /// older models.
    pub drift: Option<Drift>,
    /// The stress test, the images as they are first; empty unless it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stress: Vec<Stressed>,
    /// Logits of each image, with its class and its patient's number: what a recalibration is fitted to.
    #[serde(skip)]
    evidence: Evidence,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Evidence {
    labels: Vec<usize>,
    logits: Vec<Vec<f32>>,
    groups: Vec<usize>,
}

/// Here minus on the model's own test images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// Share of positives there and here.
    pub prevalence: [f64; 2],
    /// Areas under the ROC curve there and here.
    pub auc: [f64; 2],
    /// Sensitivity there and here.
    pub sensitivity: [f64; 2],
    /// Specificity there and here.
    pub specificity: [f64; 2],
    /// Names of those of the three whose intervals do not meet: more than chance.
    pub changed: Vec<&'static str>,
    /// Share of the images here that the model refuses as unlike its training images.
    pub refused: Option<Estimate>,
    /// Share of the images here that the model calls unusual.
    pub unusual: Option<Estimate>,
}

/// Metrics on the test split of `data`, or on all of it when it has no splits. `classes` pairs names
/// (`THEIRS=OURS`) that are not alike. `with_stress` makes the stress test with the same images, too.
///
/// # Errors
/// Data that cannot be used or has other classes, or [`Error::Interrupted`].
pub fn classifier_on(
    classifier: &Classifier,
    data: &Path,
    classes: &[String],
    with_stress: bool,
    progress: &mut dyn Progress,
) -> Result<Measurement> {
    let dataset = Dataset::open(data)?;
    let mapped = map_classes(data, &dataset.classes, classifier.classes(), classes)?;
    let split = if dataset.has_test() { Split::Test } else { Split::Train };
    let samples: Vec<&Sample> =
        dataset.samples.iter().filter(|sample| sample.split.unwrap_or(Split::Train) == split).collect();
    let (start, mut used, mut strange) = (Instant::now(), Vec::new(), Vec::new());
    let (mut logits, mut first_frames) = (Vec::new(), 0);
    for batch in samples.chunks(BATCH) {
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        let decoded: Vec<_> = batch.par_iter().map(|sample| sample.read(&Limits::default())).collect();
        let mut images = Vec::with_capacity(batch.len());
        for (sample, image) in batch.iter().zip(decoded) {
            match image {
                Ok(image) => {
                    used.push(*sample);
                    first_frames += usize::from(image.frames() > 1);
                    images.push(image);
                }
                Err(why) => progress.set_aside(sample.path(), &why),
            }
        }
        let (rows, far) = classifier.logits_and_strangeness(&images);
        logits.extend(rows);
        strange.extend(far.unwrap_or_default());
    }
    if used.is_empty() {
        return Err(Error::invalid(data, "usable images", "none"));
    }
    let seconds = start.elapsed().as_secs_f64();
    let labels: Vec<usize> = used.iter().map(|sample| mapped[sample.label]).collect();
    let groups = number_groups(used.iter().map(|sample| sample.group.as_deref()));
    let scores: Vec<Vec<f32>> = logits.iter().map(|row| classifier.scores_of(row)).collect();
    let description = classifier.description();
    let (positive, threshold) = (description.positive, description.threshold);
    let mut metrics = evaluate_grouped(&labels, &scores, positive, threshold, seconds, &groups)?;
    metrics.sets = description.conformal.as_ref().map(|conformal| conformal.measure(&labels, &scores));
    let seen = (!strange.is_empty()).then_some(strange.as_slice());
    (metrics.refused, metrics.unusual) = counted(description.gate.as_ref(), seen);
    let assessed: Vec<Assessment> = scores
        .iter()
        .enumerate()
        .map(|(image, row)| classifier.assessment(row.clone(), seen.map(|seen| seen[image])))
        .collect();
    let drift = classifier.drift(&assessed.iter().collect::<Vec<_>>());
    let stress = if with_stress { stress(classifier, &used, &labels, progress)? } else { vec![] };
    let shift = description.test.as_ref().map(|test| shift(test, &metrics, positive));
    Ok(Measurement {
        split,
        metrics,
        first_frames,
        shift,
        drift,
        stress,
        evidence: Evidence { labels, logits, groups },
    })
}

fn shift(there: &SplitMetrics, here: &SplitMetrics, positive: usize) -> Shift {
    let prevalence = |metrics: &SplitMetrics| {
        metrics.confusion.counts[positive].iter().sum::<usize>() as f64 / metrics.images as f64
    };
    let pair = |of: fn(&SplitMetrics) -> Estimate| [of(there), of(here)];
    let measures = [
        ("AUC", pair(|metrics| metrics.auc)),
        ("sensitivity", pair(|metrics| metrics.sensitivity)),
        ("specificity", pair(|metrics| metrics.specificity)),
    ];
    let apart = |[a, b]: &[Estimate; 2]| a.high < b.low || b.high < a.low;
    let changed = measures.iter().filter(|(_, pair)| apart(pair)).map(|(name, _)| *name).collect();
    let [auc, sensitivity, specificity] = measures.map(|(_, pair)| pair.map(|estimate| estimate.value));
    let prevalence = [prevalence(there), prevalence(here)];
    Shift { prevalence, auc, sensitivity, specificity, changed, refused: here.refused, unusual: here.unusual }
}

/// A model whose calibration and threshold were fitted anew to the images of a measurement.
#[derive(Debug)]
pub struct Recalibrated {
    /// Each image scored by a fit that did not see its patient: five parts, turn by turn.
    pub metrics: SplitMetrics,
    /// Fitted to all images.
    pub calibration: Calibration,
    /// Chosen on all images, by the model's policy.
    pub threshold: f64,
    /// The sealed file.
    pub bytes: Vec<u8>,
}

/// Parts of the cross-validation.
const PARTS: usize = 5;

/// Fits calibration and threshold of the model in `file` anew to the images of `measurement`.
///
/// # Errors
/// A file that is no model, or too few images of a class.
pub fn recalibrate(file: &Path, measurement: &Measurement) -> Result<Recalibrated> {
    let mut sealed = Sealed::read(file)?;
    let Evidence { labels, logits, groups } = &measurement.evidence;
    let description = &mut sealed.description;
    let (output, positive, policy) = (description.output, description.positive, description.threshold_policy);
    let fit = |keep: &dyn Fn(usize) -> bool| -> Result<(Calibration, f64)> {
        let kept: Vec<usize> = (0..labels.len()).filter(|index| keep(*index)).collect();
        let labels: Vec<usize> = kept.iter().map(|index| labels[*index]).collect();
        let rows: Vec<Vec<f32>> = kept.iter().map(|index| logits[*index].clone()).collect();
        let calibration = Calibration::fit(CalibrationMethod::Auto, output, &rows, &labels, positive);
        let calibration = calibration.ok_or_else(|| {
            Error::Usage(
                "--recalibrate: expected more images of each class, ranked better than chance".into(),
            )
        })?;
        let scores: Vec<Vec<f32>> =
            rows.iter().map(|row| output.calibrated(row, Some(calibration), positive)).collect();
        let (truth, of_positive) = one_against_rest(&labels, &scores, positive);
        Ok((calibration, choose_threshold(&truth, &of_positive, policy)?))
    };
    let parts =
        (0..PARTS).map(|part| fit(&|index| groups[index] % PARTS != part)).collect::<Result<Vec<_>>>()?;
    let scores: Vec<Vec<f32>> = logits
        .iter()
        .zip(groups)
        .map(|(row, group)| {
            let (calibration, threshold) = parts[group % PARTS];
            at_one_half(output.calibrated(row, Some(calibration), positive), positive, threshold)
        })
        .collect();
    let metrics = evaluate_grouped(labels, &scores, positive, 0.5, measurement.metrics.seconds, groups)?;
    let (calibration, threshold) = fit(&|_| true)?;
    // What was promised and measured with the old scores holds no more.
    (description.calibration, description.threshold) = (Some(calibration), threshold);
    (description.conformal, description.test) = (None, None);
    description.reference = None;
    Classifier::seal(&mut sealed);
    Ok(Recalibrated { metrics, calibration, threshold, bytes: sealed.to_bytes() })
}

/// Scores moved in log odds so that a part's own threshold lies at one half: parts with different
/// thresholds can be counted together. Only for two classes; others have no threshold.
fn at_one_half(scores: Vec<f32>, positive: usize, threshold: f64) -> Vec<f32> {
    if scores.len() != 2 {
        return scores;
    }
    let odds = |share: f64| (share / (1.0 - share)).ln();
    let score = f64::from(scores[positive]).clamp(1e-7, 1.0 - 1e-7);
    let threshold = threshold.clamp(1e-7, 1.0 - 1e-7);
    let moved = (1.0 / (1.0 + (odds(threshold) - odds(score)).exp())) as f32;
    let mut both = vec![1.0 - moved; 2];
    both[positive] = moved;
    both
}
