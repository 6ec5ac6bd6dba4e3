//! The points of a ROC curve.

/// Where a threshold puts a classifier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Images that score at least this are called positive; infinite at the curve's start.
    pub threshold: f64,
    /// Share of the negatives that are called positive: the horizontal axis.
    pub false_positive_rate: f64,
    /// Share of the positives that are found: the vertical axis.
    pub sensitivity: f64,
}

/// The curve from (0, 0) to (1, 1), one point for each distinct score; corners only are kept, so the
/// line through the points is the same. Empty when one class is missing or a score is not a number.
pub fn roc_curve(truth: &[bool], scores: &[f64]) -> Vec<RocPoint> {
    let positives = truth.iter().filter(|positive| **positive).count();
    let negatives = truth.len() - positives;
    if positives == 0 || negatives == 0 || scores.iter().any(|score| score.is_nan()) {
        return Vec::new();
    }
    let mut images: Vec<(f64, bool)> = scores.iter().copied().zip(truth.iter().copied()).collect();
    images.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut found, mut alarms) = (0, 0);
    let mut corners = vec![(f64::INFINITY, 0, 0)];
    for equals in images.chunk_by(|a, b| a.0 == b.0) {
        let hits = equals.iter().filter(|(_, positive)| *positive).count();
        (found, alarms) = (found + hits, alarms + equals.len() - hits);
        if lies_on_a_line(&corners, (alarms, found)) {
            corners.pop();
        }
        corners.push((equals[0].0, alarms, found));
    }
    let share = |part: usize, whole: usize| part as f64 / whole as f64;
    let point = |(threshold, alarms, found)| RocPoint {
        threshold,
        false_positive_rate: share(alarms, negatives),
        sensitivity: share(found, positives),
    };
    corners.into_iter().map(point).collect()
}

/// Whether the last corner is no corner on the way to `next`: both steps straight up or both straight right.
fn lies_on_a_line(corners: &[(f64, usize, usize)], next: (usize, usize)) -> bool {
    let [.., (_, x0, y0), (_, x1, y1)] = corners else { return false };
    (x0 == x1 && *x1 == next.0) || (y0 == y1 && *y1 == next.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_kept_and_ties_are_slanted() {
        let truth = [true, true, false, true, false];
        let curve = roc_curve(&truth, &[0.9, 0.8, 0.7, 0.4, 0.4]);
        let points: Vec<(f64, f64)> = curve.iter().map(|p| (p.false_positive_rate, p.sensitivity)).collect();
        assert_eq!(points, [(0.0, 0.0), (0.0, 2.0 / 3.0), (0.5, 2.0 / 3.0), (1.0, 1.0)]);
        assert_eq!(curve[1].threshold, 0.8);
    }

    #[test]
    fn without_two_classes_there_is_no_curve() {
        assert!(roc_curve(&[true], &[0.5]).is_empty());
        assert!(roc_curve(&[true, false], &[0.5, f64::NAN]).is_empty());
    }
}
