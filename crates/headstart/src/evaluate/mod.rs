//! What a classifier's scores are worth, with 95 % confidence intervals.

mod classifier_on;
mod intervals;
mod metrics;
mod threshold;

use serde::{Deserialize, Serialize};

pub use classifier_on::classifier_on;
pub use metrics::{accuracy, auc, predicted};
pub use threshold::youden;

/// An estimate and its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What was measured; NaN, in JSON null, where nothing could be.
    #[serde(deserialize_with = "number_or_null")]
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

fn number_or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// What was measured on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitMetrics {
    /// Number of images.
    pub images: usize,
    /// Share of images that are classified right.
    pub accuracy: Estimate,
    /// Area under the ROC curve; of more than two classes the mean of one against the rest.
    pub auc: Estimate,
    /// Share of the positives that are found; of more than two classes the mean over classes.
    pub sensitivity: Estimate,
    /// Share of the negatives that are left alone; of more than two classes the mean over classes.
    pub specificity: Estimate,
    /// Score of the positive class from which on an image is called positive.
    pub threshold: f64,
    /// Number of images, by true class and by predicted class.
    pub confusion: Vec<Vec<usize>>,
    /// Time that the scores took.
    pub seconds: f64,
}

/// Measures `scores` `[N, classes]`, which sum to 1, against `labels`.
pub fn evaluate(
    labels: &[usize],
    scores: &[Vec<f32>],
    positive: usize,
    threshold: f64,
    seconds: f64,
) -> SplitMetrics {
    let classes = scores.first().map_or(0, Vec::len);
    let mut confusion = vec![vec![0; classes]; classes];
    for (label, scores) in labels.iter().zip(scores) {
        confusion[*label][predicted(scores, positive, threshold)] += 1;
    }
    let right: usize = (0..classes).map(|class| confusion[class][class]).sum();
    let of_interest = if classes == 2 { vec![positive] } else { (0..classes).collect() };
    let mean = |measure: &dyn Fn(usize) -> Estimate| {
        let all: Vec<Estimate> = of_interest.iter().map(|class| measure(*class)).collect();
        let average = |part: &dyn Fn(&Estimate) -> f64| all.iter().map(part).sum::<f64>() / all.len() as f64;
        Estimate { value: average(&|e| e.value), low: average(&|e| e.low), high: average(&|e| e.high) }
    };
    let row = |class: usize| confusion[class].iter().sum::<usize>();
    let column = |class: usize| confusion.iter().map(|row| row[class]).sum::<usize>();
    let images = labels.len();
    SplitMetrics {
        images,
        accuracy: intervals::wilson(right, images),
        auc: mean(&|class| {
            let truth: Vec<bool> = labels.iter().map(|label| *label == class).collect();
            let of_class: Vec<f64> = scores.iter().map(|scores| f64::from(scores[class])).collect();
            intervals::delong(&truth, &of_class)
        }),
        sensitivity: mean(&|class| intervals::wilson(confusion[class][class], row(class))),
        specificity: mean(&|class| {
            let negatives = images - row(class);
            intervals::wilson(negatives - (column(class) - confusion[class][class]), negatives)
        }),
        threshold,
        confusion,
        seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_measured_is_read_back() {
        let metrics = evaluate(&[1, 1], &[vec![0.2, 0.8], vec![0.6, 0.4]], 1, 0.5, 0.0);
        let text = serde_json::to_string(&metrics).expect("becomes JSON");
        let back: SplitMetrics = serde_json::from_str(&text).expect("is read");
        assert!(back.auc.value.is_nan() && back.specificity.value.is_nan());
        assert_eq!(back.sensitivity.value, 0.5);
    }
}
