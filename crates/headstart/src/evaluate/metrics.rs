//! What is counted and averaged: the confusion matrix, the area under the ROC curve, log loss, Brier
//! score and Matthews' correlation.

use serde::{Deserialize, Serialize};

/// Number of images by true and by predicted class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// `[truth][predicted]`, square.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// Counts pairs of true and predicted class, both below `classes`.
    pub(crate) fn count(classes: usize, labels: &[usize], predicted: &[usize]) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        labels.iter().zip(predicted).for_each(|(truth, predicted)| counts[*truth][*predicted] += 1);
        Self { counts }
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// Number of images on the diagonal.
    pub fn right(&self) -> usize {
        (0..self.counts.len()).map(|class| self.counts[class][class]).sum()
    }

    /// `class` against all others.
    pub fn one_against_rest(&self, class: usize) -> Outcomes {
        let true_positives = self.counts[class][class];
        let false_negatives = self.counts[class].iter().sum::<usize>() - true_positives;
        let false_positives = self.counts.iter().map(|row| row[class]).sum::<usize>() - true_positives;
        let true_negatives = self.images() - true_positives - false_negatives - false_positives;
        Outcomes { true_positives, false_negatives, false_positives, true_negatives }
    }
}

/// The four outcomes of a yes-or-no test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcomes {
    /// Ill and called ill.
    pub true_positives: usize,
    /// Ill and missed.
    pub false_negatives: usize,
    /// Healthy and called ill.
    pub false_positives: usize,
    /// Healthy and left alone.
    pub true_negatives: usize,
}

/// The class that a row of scores stands for: of two classes the positive one when its normalised
/// score ([`positive_score`]) reaches `threshold`, of more the one with the largest score, the first
/// of equals.
///
/// # Panics
/// When `scores` is empty, or `positive` is not one of two classes.
pub fn predicted(scores: &[f32], positive: usize, threshold: f64) -> usize {
    match scores.len() {
        2 if positive_score(scores, positive) >= threshold => positive,
        2 => 1 - positive,
        classes => {
            (1..classes).fold(0, |best, class| if scores[class] > scores[best] { class } else { best })
        }
    }
}

/// Number of rows in which the label's score is one of the `count` largest, of equals the first ones, as [`predicted`] has
/// it for one.
pub(super) fn among_largest(labels: &[usize], scores: &[Vec<f32>], count: usize) -> usize {
    let is_among = |(label, row): (&usize, &Vec<f32>)| {
        let own = row[*label];
        let before =
            row.iter().enumerate().filter(|(class, score)| **score > own || **score == own && class < label);
        before.count() < count
    };
    labels.iter().zip(scores).filter(|pair| is_among(*pair)).count()
}

/// The share that `class` has in the sum of `scores`: softmax scores stay as they are, independent
/// sigmoids are made to sum to 1. An even share when all scores are 0.
pub fn positive_score(scores: &[f32], class: usize) -> f64 {
    let sum: f64 = scores.iter().map(|score| f64::from(*score)).sum();
    if sum > 0.0 { f64::from(scores[class]) / sum } else { 1.0 / scores.len() as f64 }
}

/// The share of each class ([`positive_score`]). A row that sums to 1 but for rounding stays as it is.
pub fn shares(scores: &[f32]) -> Vec<f32> {
    const ROUNDING: f64 = 1e-5;
    let sum: f64 = scores.iter().map(|score| f64::from(*score)).sum();
    if (sum - 1.0).abs() < ROUNDING {
        return scores.to_vec();
    }
    (0..scores.len()).map(|class| positive_score(scores, class) as f32).collect()
}

/// Share of rows whose largest score is the label's and no other's.
pub fn accuracy(labels: &[usize], scores: &[Vec<f32>]) -> f64 {
    let alone_at_the_top = |(label, scores): &(&usize, &Vec<f32>)| {
        scores.iter().enumerate().all(|(class, score)| class == **label || *score < scores[**label])
    };
    labels.iter().zip(scores).filter(alone_at_the_top).count() as f64 / labels.len().max(1) as f64
}

/// Area under the ROC curve: the chance that a positive scores higher than a negative, ties counting
/// half (Mann & Whitney 1947). Exact: ranks are halves of integers. `None` when one of the two is
/// missing or a score is not a number.
pub fn auc(truth: &[bool], scores: &[f64]) -> Option<f64> {
    let positives = truth.iter().filter(|positive| **positive).count();
    let negatives = truth.len() - positives;
    if positives == 0 || negatives == 0 || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let ranks = midranks(scores);
    let sum: f64 = truth.iter().zip(ranks).filter(|(positive, _)| **positive).map(|(_, rank)| rank).sum();
    let (positives, negatives) = (positives as f64, negatives as f64);
    Some((sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// Ranks from 1 on; equal values share the mean of theirs. No value may be NaN.
pub(crate) fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0.0;
    for equals in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let count = equals.len() as f64;
        equals.iter().for_each(|index| ranks[*index] = below + (count + 1.0) / 2.0);
        below += count;
    }
    ranks
}

/// `-ln` of the label's normalised score, which is kept above the smallest step of an `f64` as
/// scikit-learn does: one sure mistake costs 36, not infinity.
pub(super) fn image_log_loss(label: usize, scores: &[f32]) -> f64 {
    let least = f64::EPSILON;
    -positive_score(scores, label).clamp(least, 1.0 - least).ln()
}

/// Squared distance between normalised scores and truth (Brier 1950): of two classes that of the
/// positive one, from 0 to 1; of more the sum over classes, from 0 to 2.
pub(super) fn image_brier(label: usize, scores: &[f32]) -> f64 {
    let of_class = |class| (positive_score(scores, class) - f64::from(u8::from(class == label))).powi(2);
    let sum: f64 = (0..scores.len()).map(of_class).sum();
    if scores.len() == 2 { sum / 2.0 } else { sum }
}

/// Matthews' correlation of truth and prediction, of more than two classes Gorodkin's (2004); 0 when
/// one of the two never varies, as scikit-learn has it.
pub(super) fn matthews(confusion: &Confusion) -> f64 {
    let counts = &confusion.counts;
    let (mut rows, mut columns) = (vec![0.0; counts.len()], vec![0.0; counts.len()]);
    for (truth, row) in counts.iter().enumerate() {
        for (predicted, count) in row.iter().enumerate() {
            rows[truth] += *count as f64;
            columns[predicted] += *count as f64;
        }
    }
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b): (&f64, &f64)| a * b).sum() };
    let images = confusion.images() as f64;
    let covariance = confusion.right() as f64 * images - product(&rows, &columns);
    let spread = |sums: &[f64]| images * images - product(sums, sums);
    let scale = (spread(&rows) * spread(&columns)).sqrt();
    if scale > 0.0 { covariance / scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_ties_half() {
        assert_eq!(auc(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8]), Some(0.75));
        assert_eq!(auc(&[false, true], &[0.5, 0.5]), Some(0.5));
        assert_eq!(auc(&[false, true, true], &[0.0, -0.0, 1.0]), Some(0.75));
    }

    #[test]
    fn auc_needs_both_classes_and_numbers() {
        assert_eq!(auc(&[true, true], &[0.5, 0.6]), None);
        assert_eq!(auc(&[], &[]), None);
        assert_eq!(auc(&[true, false], &[0.5, f64::NAN]), None);
    }

    #[test]
    fn the_threshold_decides_between_two_classes_only() {
        assert_eq!(predicted(&[0.75, 0.25], 1, 0.25), 1);
        assert_eq!(predicted(&[0.75, 0.25], 1, 0.26), 0);
        assert_eq!(predicted(&[0.75, 0.25], 0, 0.75), 0);
        assert_eq!(predicted(&[0.25, 0.5, 0.25], 2, 0.1), 1);
        assert_eq!(predicted(&[0.5, 0.5, 0.0], 2, 0.1), 0);
    }

    #[test]
    fn of_equal_scores_the_first_are_among_the_largest() {
        let row = vec![0.25, 0.5, 0.25, 0.0];
        let is_among = |label, count| among_largest(&[label], std::slice::from_ref(&row), count) == 1;
        assert_eq!(
            [1, 0, 2, 3].map(|label| (1..=4).find(|count| is_among(label, *count))),
            [1, 2, 3, 4].map(Some)
        );
    }

    #[test]
    fn independent_sigmoids_are_made_to_sum_to_one() {
        assert_eq!(positive_score(&[0.25, 0.75], 1), 0.75);
        assert_eq!(positive_score(&[0.5, 0.25], 0), 2.0 / 3.0);
        assert_eq!(positive_score(&[0.0, 0.0], 1), 0.5);
        assert_eq!(shares(&[0.5, 0.25]), [2.0 / 3.0, 1.0 / 3.0]);
        assert_eq!(shares(&[0.3, 0.7]), [0.3, 0.7]);
    }

    #[test]
    fn outcomes_add_up() {
        let confusion = Confusion { counts: vec![vec![5, 1, 0], vec![2, 3, 4], vec![0, 0, 7]] };
        assert_eq!((confusion.images(), confusion.right()), (22, 15));
        let outcomes = confusion.one_against_rest(1);
        let expected =
            Outcomes { true_positives: 3, false_negatives: 6, false_positives: 1, true_negatives: 12 };
        assert_eq!(outcomes, expected);
    }

    #[test]
    fn matthews_by_hand() {
        // (6 · 3 − 1 · 2) / √(7 · 8 · 4 · 5)
        let binary = matthews(&Confusion { counts: vec![vec![3, 1], vec![2, 6]] });
        assert!((binary - 16.0 / 1120.0f64.sqrt()).abs() < 1e-12, "{binary}");
        assert_eq!(matthews(&Confusion { counts: vec![vec![0, 4], vec![0, 6]] }), 0.0);
        assert_eq!(matthews(&Confusion { counts: vec![vec![4, 0], vec![0, 6]] }), 1.0);
    }

    #[test]
    fn only_a_lone_largest_score_counts_as_right() {
        assert_eq!(
            accuracy(&[0, 1, 1, 0], &[vec![0.9, 0.1], vec![0.5, 0.5], vec![0.1, 0.9], vec![0.2, 0.8]]),
            0.5
        );
        assert_eq!(accuracy(&[], &[]), 0.0);
    }
}
