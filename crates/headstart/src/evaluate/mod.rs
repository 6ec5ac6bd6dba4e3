//! What a classifier's scores are worth on labelled images, with 95 % confidence intervals.

mod calibration;
mod compare;
mod conformal;
mod doubt;
mod drift;
mod intervals;
mod logistic;
mod metrics;
mod operating;
mod output;
mod precision_recall;
mod prevalence;
mod reliability;
mod resample;
mod roc;
mod runs;
mod smooth;
mod spread;
mod stability;
mod threshold;
mod threshold_counts;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gate::{GateFacts, Strangeness};
use crate::history::null_is_nan;
use resample::Measures;

pub use calibration::{Calibration, CalibrationMethod};
pub use compare::{Difference, holm, mcnemar, paired_delong};
pub use conformal::{COVERAGE, Conformal, Coverage};
pub use doubt::Doubt;
pub(crate) use drift::telling;
pub use drift::{Drift, FEWEST_FOR_DRIFT, Finding, Measure, Measured, Reference};
pub(crate) use intervals::mean_of_dependent;
pub use intervals::{Estimate, delong, wilson};
pub(crate) use metrics::midranks;
pub use metrics::{Confusion, Outcomes, accuracy, auc, positive_score, predicted, shares};
pub use operating::{OperatingPoint, landmarks, operating_points};
pub use output::Output;
pub use precision_recall::{PrecisionPoint, precision_curve};
pub use prevalence::{PREVALENCES, PredictiveValues, predictive_values};
pub use reliability::{ReliabilityBin, reliability};
pub use resample::{Resampled, number_groups};
pub use roc::{RocPoint, roc_curve};
pub use runs::{Comparison, compare_runs};
pub use smooth::plateau;
pub use spread::Spread;
pub use stability::{Change, FEWEST_FOR_STABILITY, StabilityIndex, Subject};
pub use threshold::{ThresholdPolicy, choose_threshold};
pub use threshold_counts::ThresholdCounts;

/// Of many classes it also counts whether the right one is among so many with the largest scores, as ImageNet's "top 5" does.
const TOP: usize = 5;

/// What was measured on one split. Of two classes everything is about the positive one; of more it is
/// the mean over classes, each against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitMetrics {
    /// Number of images.
    pub images: usize,
    /// Share of images that are classified right.
    pub accuracy: Estimate,
    /// Share of images of which the class has one of the five largest scores, where there are more than five classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_5_accuracy: Option<Estimate>,
    /// Area under the ROC curve.
    pub auc: Estimate,
    /// Share of the positives that are found.
    pub sensitivity: Estimate,
    /// Share of the negatives that are left alone.
    pub specificity: Estimate,
    /// Mean over all classes of the share that is classified right.
    pub balanced_accuracy: Estimate,
    /// Harmonic mean of sensitivity and precision.
    pub f1: Estimate,
    /// Share of the images called positive that are (precision), in images mixed as these.
    #[serde(default)]
    pub ppv: Estimate,
    /// Share of the images called negative that are, in images mixed as these.
    #[serde(default)]
    pub npv: Estimate,
    /// Matthews' correlation of truth and prediction.
    #[serde(default)]
    pub mcc: Estimate,
    /// Average precision: the area under the precision-recall curve, in steps.
    #[serde(default)]
    pub average_precision: Estimate,
    /// Mean of `-ln` of the true class's score.
    #[serde(deserialize_with = "null_is_nan")]
    pub log_loss: f64,
    /// Mean squared distance between scores and truth: 0 to 1 of two classes, 0 to 2 of more.
    #[serde(deserialize_with = "null_is_nan")]
    pub brier: f64,
    /// Expected calibration error, in ten bins of equal width, without what chance alone adds in so few images.
    #[serde(default)]
    pub ece: Estimate,
    /// The same with it, as others state it; not a number in older files.
    #[serde(default = "not_a_number", deserialize_with = "null_is_nan")]
    pub ece_plain: f64,
    /// Slope of a logistic recalibration: 1 is right, below 1 the scores are overconfident.
    #[serde(default)]
    pub calibration_slope: Estimate,
    /// Intercept of a logistic recalibration with slope 1: 0 is right, above 0 the scores are too low.
    #[serde(default)]
    pub calibration_intercept: Estimate,
    /// Score of the positive class from which on an image is called positive. Of two classes only.
    pub threshold: f64,
    /// Number of images by true and by predicted class.
    pub confusion: Confusion,
    /// Predictive values where the positives are rarer or more frequent than here. Of two classes only.
    #[serde(default)]
    pub at_prevalence: Vec<PredictiveValues>,
    /// Of more than two classes each against the rest, in their order.
    #[serde(default)]
    pub by_class: Vec<ClassMetrics>,
    /// How the prediction sets did, where the model has them.
    #[serde(default)]
    pub sets: Option<Coverage>,
    /// Share of the images that the model refused as unlike its training images, where it has a gate.
    #[serde(default)]
    pub refused: Option<Estimate>,
    /// Share of the images that the model called unusual: made in another way than its training images.
    #[serde(default)]
    pub unusual: Option<Estimate>,
    /// Bootstrap intervals of all measures, over patients where images repeat.
    #[serde(default)]
    pub bootstrap: Option<Resampled>,
    /// Time that the scores took; not a number, `null` in JSON, in a sealed model, which holds no times.
    #[serde(deserialize_with = "null_is_nan")]
    pub seconds: f64,
}

/// One class against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Number of its images.
    pub images: usize,
    /// Share of them that are found.
    pub sensitivity: Estimate,
    /// Share of the others that are left alone.
    pub specificity: Estimate,
    /// Share of the images called so that are.
    pub ppv: Estimate,
    /// Share of the images not called so that are not.
    pub npv: Estimate,
    /// Harmonic mean of sensitivity and precision.
    pub f1: Estimate,
    /// Area under the ROC curve.
    pub auc: Estimate,
}

/// Measures `scores` `[N, classes]`, from 0 up, against `labels` `[N]`. Each row is made to sum to 1,
/// so independent sigmoids will do. Of two classes an image is called `positive` when that class's
/// share is at least `threshold`; of more the largest score decides. `seconds` is passed on.
///
/// # Errors
/// [`Error::Usage`] when there is no image, when lengths differ, when a label or `positive` is not a
/// class, or when a score is negative or not a finite number: the message names the first such row.
pub fn evaluate(
    labels: &[usize],
    scores: &[Vec<f32>],
    positive: usize,
    threshold: f64,
    seconds: f64,
) -> Result<SplitMetrics> {
    evaluate_grouped(labels, scores, positive, threshold, seconds, &(0..labels.len()).collect::<Vec<_>>())
}

/// As [`evaluate`], `groups` `[N]` numbering the patient of each image ([`number_groups`]): whole
/// patients are drawn for the bootstrap intervals.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_grouped(
    labels: &[usize],
    scores: &[Vec<f32>],
    positive: usize,
    threshold: f64,
    seconds: f64,
    groups: &[usize],
) -> Result<SplitMetrics> {
    let classes = check(labels, scores, positive)?;
    let predictions: Vec<usize> = scores.iter().map(|row| predicted(row, positive, threshold)).collect();
    let confusion = Confusion::count(classes, labels, &predictions);
    let binary = classes == 2;
    let of_all: Vec<ClassMetrics> =
        (0..classes).map(|class| against_rest(labels, scores, &confusion, class)).collect();
    let of_interest = if binary { &of_all[positive..=positive] } else { &of_all[..] };
    let each = |measure: fn(&ClassMetrics) -> Estimate| -> Vec<Estimate> {
        of_interest.iter().map(measure).collect()
    };
    let recalls: Vec<Estimate> = of_all.iter().map(|class| class.sensitivity).collect();
    let measures = Measures::new(labels, scores, &predictions, positive);
    let values = measures.of(&vec![1; labels.len()]);
    let bootstrap = measures.resample(groups);
    let measured = |name: &str| {
        let place = resample::NAMES.iter().position(|known| *known == name);
        let value = place.map_or(f64::NAN, |place| values[place]);
        let [low, high] = bootstrap.intervals.get(name).copied().unwrap_or([0.0, 1.0]);
        Estimate { value, low, high }
    };
    let [calibration_slope, calibration_intercept] =
        reliability::slope_and_intercept(&reliability::claims(labels, scores, positive));
    let [ece_plain, ece] = measures.errors();
    let outcomes = confusion.one_against_rest(positive);
    let stated = PREVALENCES.map(|prevalence| predictive_values(outcomes, prevalence));
    Ok(SplitMetrics {
        images: labels.len(),
        accuracy: wilson(confusion.right(), labels.len()),
        top_5_accuracy: (classes > TOP)
            .then(|| wilson(metrics::among_largest(labels, scores, TOP), labels.len())),
        auc: intervals::mean_of_dependent(&each(|class| class.auc)),
        sensitivity: intervals::mean_of_independent(&each(|class| class.sensitivity)),
        specificity: intervals::mean_of_dependent(&each(|class| class.specificity)),
        balanced_accuracy: intervals::mean_of_independent(&recalls),
        f1: intervals::mean_of_dependent(&each(|class| class.f1)),
        ppv: intervals::mean_of_dependent(&each(|class| class.ppv)),
        npv: intervals::mean_of_dependent(&each(|class| class.npv)),
        mcc: measured("mcc"),
        average_precision: measured("average_precision"),
        log_loss: measured("log_loss").value,
        brier: measured("brier").value,
        ece: Estimate { value: ece, ..measured("ece") },
        ece_plain,
        calibration_slope,
        calibration_intercept,
        threshold,
        at_prevalence: if binary { stated.to_vec() } else { vec![] },
        by_class: if binary { vec![] } else { of_all },
        sets: None,
        refused: None,
        unusual: None,
        bootstrap: Some(bootstrap),
        confusion,
        seconds,
    })
}

fn not_a_number() -> f64 {
    f64::NAN
}

fn against_rest(labels: &[usize], scores: &[Vec<f32>], confusion: &Confusion, class: usize) -> ClassMetrics {
    let outcomes = confusion.one_against_rest(class);
    let Outcomes { true_positives, false_negatives, false_positives, true_negatives } = outcomes;
    ClassMetrics {
        images: true_positives + false_negatives,
        sensitivity: wilson(true_positives, true_positives + false_negatives),
        specificity: wilson(true_negatives, true_negatives + false_positives),
        ppv: wilson(true_positives, true_positives + false_positives),
        npv: wilson(true_negatives, true_negatives + false_negatives),
        f1: intervals::f1(outcomes),
        auc: delong_of_class(labels, scores, class),
    }
}

/// Shares of the images that a gate refuses, and calls unusual; `None` without one.
pub(crate) fn counted(
    gate: Option<&GateFacts>,
    images: Option<&[Strangeness]>,
) -> (Option<Estimate>, Option<Estimate>) {
    let Some((gate, images)) = gate.zip(images) else { return (None, None) };
    let share = |counts: &dyn Fn(&Strangeness) -> bool| {
        wilson(images.iter().filter(|image| counts(image)).count(), images.len())
    };
    let unusual = gate.unusual.map(|_| share(&|image| gate.is_unusual(image)));
    (Some(share(&|image| gate.refuses(image))), unusual)
}

/// Whether each image is of `class`, and its normalised score: what [`auc`], [`roc_curve`] and
/// [`choose_threshold`] take.
pub fn one_against_rest(labels: &[usize], scores: &[Vec<f32>], class: usize) -> (Vec<bool>, Vec<f64>) {
    let truth = labels.iter().map(|label| *label == class).collect();
    (truth, scores.iter().map(|row| positive_score(row, class)).collect())
}

fn delong_of_class(labels: &[usize], scores: &[Vec<f32>], class: usize) -> Estimate {
    let (truth, scores) = one_against_rest(labels, scores, class);
    delong(&truth, &scores)
}

/// The number of classes, after everything that can be wrong with the arguments.
fn check(labels: &[usize], scores: &[Vec<f32>], positive: usize) -> Result<usize> {
    let refuse = |message: String| Err(Error::Usage(message));
    let classes = scores.first().map_or(0, Vec::len);
    if classes < 2 || labels.len() != scores.len() {
        let (labels, rows) = (labels.len(), scores.len());
        return refuse(format!(
            "evaluation needs a row of scores for each label, of two classes or more: \
             {labels} labels, {rows} rows of {classes} classes"
        ));
    }
    if positive >= classes {
        return refuse(format!("the positive class must be below {classes}, found {positive}"));
    }
    for (row, (label, scores)) in labels.iter().zip(scores).enumerate() {
        if scores.len() != classes || *label >= classes {
            let found = scores.len();
            return refuse(format!(
                "row {row}: expected {classes} scores and a label below {classes}, \
                 found {found} scores and label {label}"
            ));
        }
        if let Some(score) = scores.iter().find(|score| !score.is_finite() || **score < 0.0) {
            return refuse(format!("row {row}: expected finite scores from 0 up, found {score}"));
        }
    }
    Ok(classes)
}
