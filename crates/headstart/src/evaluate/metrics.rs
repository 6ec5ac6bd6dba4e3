//! Accuracy and the area under the ROC curve.

/// The class that `scores` stand for: of two classes the positive one from `threshold` on, else the largest.
pub fn predicted(scores: &[f32], positive: usize, threshold: f64) -> usize {
    if scores.len() == 2 {
        return if f64::from(scores[positive]) >= threshold { positive } else { 1 - positive };
    }
    let largest =
        (0..scores.len()).reduce(|best, class| if scores[class] > scores[best] { class } else { best });
    largest.unwrap_or(0)
}

/// Share of rows whose largest score is the label's.
pub fn accuracy(labels: &[usize], scores: &[Vec<f32>]) -> f64 {
    let right = labels.iter().zip(scores).filter(|(label, scores)| {
        scores.iter().enumerate().all(|(class, score)| class == **label || *score < scores[**label])
    });
    right.count() as f64 / labels.len().max(1) as f64
}

/// Area under the ROC curve: the chance that a positive scores higher than a negative, ties counting
/// half. `None` when one of the two is missing.
pub fn auc(truth: &[bool], scores: &[f64]) -> Option<f64> {
    let positives = truth.iter().filter(|positive| **positive).count();
    let negatives = truth.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let ranks = midranks(scores);
    let sum: f64 = ranks.iter().zip(truth).filter(|(_, positive)| **positive).map(|(rank, _)| rank).sum();
    let least = positives as f64 * (positives as f64 + 1.0) / 2.0;
    Some((sum - least) / (positives as f64 * negatives as f64))
}

/// Ranks from 1 on; equal values share the mean of theirs.
pub(super) fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let equal = order[start..].iter().take_while(|i| values[**i] == values[order[start]]).count().max(1);
        let rank = start as f64 + (equal as f64 + 1.0) / 2.0;
        order[start..start + equal].iter().for_each(|index| ranks[*index] = rank);
        start += equal;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_ties_half() {
        // scikit-learn: roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) is 0.75.
        assert_eq!(auc(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8]), Some(0.75));
        assert_eq!(auc(&[false, true], &[0.5, 0.5]), Some(0.5));
        assert_eq!(auc(&[true, true], &[0.5, 0.5]), None);
    }

    #[test]
    fn the_threshold_decides_between_two_classes_only() {
        assert_eq!(predicted(&[0.7, 0.3], 1, 0.3), 1);
        assert_eq!(predicted(&[0.7, 0.3], 1, 0.31), 0);
        assert_eq!(predicted(&[0.2, 0.5, 0.3], 1, 0.9), 1);
    }
}
