//! What a classifier's scores are worth on labelled images, with 95 % confidence intervals.

mod classifier_on;
mod intervals;
mod metrics;
mod roc;
mod threshold;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::history::null_is_nan;

pub use classifier_on::classifier_on;
pub use intervals::{Estimate, delong, wilson};
pub use metrics::{Confusion, Outcomes, accuracy, auc, positive_score, predicted};
pub use roc::{RocPoint, roc_curve};
pub use threshold::{ThresholdPolicy, choose_threshold};

/// What was measured on one split. Of two classes everything is about the positive one; of more it is
/// the mean over classes, each against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitMetrics {
    /// Number of images.
    pub images: usize,
    /// Share of images that are classified right.
    pub accuracy: Estimate,
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
    /// Mean of `-ln` of the true class's score.
    #[serde(deserialize_with = "null_is_nan")]
    pub log_loss: f64,
    /// Mean squared distance between scores and truth: 0 to 1 of two classes, 0 to 2 of more.
    #[serde(deserialize_with = "null_is_nan")]
    pub brier: f64,
    /// Score of the positive class from which on an image is called positive. Of two classes only.
    pub threshold: f64,
    /// Number of images by true and by predicted class.
    pub confusion: Confusion,
    /// Time that the scores took.
    pub seconds: f64,
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
    let classes = check(labels, scores, positive)?;
    let predictions: Vec<usize> = scores.iter().map(|row| predicted(row, positive, threshold)).collect();
    let confusion = Confusion::count(classes, labels, &predictions);
    let of_interest = if classes == 2 { vec![positive] } else { (0..classes).collect() };
    let each = |measure: &dyn Fn(usize) -> Estimate| -> Vec<Estimate> {
        of_interest.iter().map(|class| measure(*class)).collect()
    };
    let recall = |class| {
        let outcomes = confusion.one_against_rest(class);
        wilson(outcomes.true_positives, outcomes.true_positives + outcomes.false_negatives)
    };
    let specificity = |class| {
        let outcomes = confusion.one_against_rest(class);
        wilson(outcomes.true_negatives, outcomes.true_negatives + outcomes.false_positives)
    };
    let recalls: Vec<Estimate> = (0..classes).map(recall).collect();
    Ok(SplitMetrics {
        images: labels.len(),
        accuracy: wilson(confusion.right(), labels.len()),
        auc: intervals::mean_of_dependent(&each(&|class| delong_of_class(labels, scores, class))),
        sensitivity: intervals::mean_of_independent(&each(&recall)),
        specificity: intervals::mean_of_dependent(&each(&specificity)),
        balanced_accuracy: intervals::mean_of_independent(&recalls),
        f1: intervals::mean_of_dependent(&each(&|class| intervals::f1(confusion.one_against_rest(class)))),
        log_loss: metrics::log_loss(labels, scores),
        brier: metrics::brier(labels, scores),
        threshold,
        confusion,
        seconds,
    })
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
