//! The precision-recall curve and its average precision.

/// Where a threshold puts a classifier, seen from the images that it calls positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionPoint {
    /// Share of the positives that are found: the horizontal axis.
    pub recall: f64,
    /// Share of the images called positive that are: the vertical axis.
    pub precision: f64,
}

/// One point for each distinct score, from the highest down. Empty when there is no positive or a score
/// is not a number.
pub fn precision_curve(truth: &[bool], scores: &[f64]) -> Vec<PrecisionPoint> {
    let order = descending(scores);
    let positives = truth.iter().filter(|positive| **positive).count();
    if positives == 0 || scores.iter().any(|score| score.is_nan()) {
        return Vec::new();
    }
    let (mut found, mut called, mut points) = (0, 0, Vec::new());
    for equals in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        found += equals.iter().filter(|index| truth[**index]).count();
        called += equals.len();
        let precision = found as f64 / called as f64;
        points.push(PrecisionPoint { recall: found as f64 / positives as f64, precision });
    }
    points
}

/// Indices from the highest score to the lowest.
pub(super) fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order
}

/// Average precision `Σ (R_n − R_{n−1}) P_n` and the area under the ROC curve of images that count
/// `weights` times, in one pass over their order from the highest score down. NaN without positives, the
/// area also without negatives.
pub(super) fn weighted_areas(truth: &[bool], scores: &[f64], order: &[usize], weights: &[u32]) -> [f64; 2] {
    let (mut found, mut alarms) = (0.0, 0.0);
    let (mut precision_sum, mut pairs) = (0.0, 0.0);
    for equals in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let (mut hits, mut misses) = (0.0, 0.0);
        for index in equals {
            *(if truth[*index] { &mut hits } else { &mut misses }) += f64::from(weights[*index]);
        }
        pairs += misses * (found + hits / 2.0);
        found += hits;
        alarms += misses;
        if hits > 0.0 {
            precision_sum += hits * found / (found + alarms);
        }
    }
    [precision_sum / found, pairs / (found * alarms)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_s_example() {
        // scikit-learn's manual: average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) = 0.8333….
        let (truth, scores) = ([false, false, true, true], [0.1, 0.4, 0.35, 0.8]);
        let areas = weighted_areas(&truth, &scores, &descending(&scores), &[1; 4]);
        assert!((areas[0] - 5.0 / 6.0).abs() < 1e-15 && areas[1] == 0.75, "{areas:?}");
        let curve = precision_curve(&truth, &scores);
        let points: Vec<(f64, f64)> = curve.iter().map(|point| (point.recall, point.precision)).collect();
        assert_eq!(points, [(0.5, 1.0), (0.5, 0.5), (1.0, 2.0 / 3.0), (1.0, 0.5)]);
    }

    #[test]
    fn weights_are_repetitions() {
        let truth = [true, false, true, false];
        let scores = [0.9, 0.7, 0.7, 0.1];
        let weighted = weighted_areas(&truth, &scores, &descending(&scores), &[2, 1, 0, 3]);
        let (truth, scores) = ([true, true, false, false, false, false], [0.9, 0.9, 0.7, 0.1, 0.1, 0.1]);
        assert_eq!(weighted, weighted_areas(&truth, &scores, &descending(&scores), &[1; 6]));
    }

    #[test]
    fn without_positives_nothing_is_known() {
        assert!(precision_curve(&[false], &[0.5]).is_empty());
        assert!(weighted_areas(&[false], &[0.5], &[0], &[1])[0].is_nan());
    }
}
