//! What other thresholds would come to.

/// What a threshold comes to on images of two classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// Images that score at least this are called positive.
    pub threshold: f64,
    /// Positives that are called so.
    pub found: usize,
    /// Positives that are not.
    pub missed: usize,
    /// Negatives that are called positive.
    pub alarms: usize,
    /// Negatives that are not.
    pub passed: usize,
}

impl OperatingPoint {
    /// Share of the positives that are found.
    pub fn sensitivity(&self) -> f64 {
        share(self.found, self.missed)
    }

    /// Share of the negatives that are left alone.
    pub fn specificity(&self) -> f64 {
        share(self.passed, self.alarms)
    }

    /// Share of those called positive that are.
    pub fn ppv(&self) -> f64 {
        share(self.found, self.alarms)
    }

    /// Share of those called negative that are.
    pub fn npv(&self) -> f64 {
        share(self.passed, self.missed)
    }
}

fn share(part: usize, rest: usize) -> f64 {
    part as f64 / (part + rest) as f64
}

/// One point for each of the `thresholds`.
pub fn operating_points(
    truth: &[bool],
    scores: &[f64],
    thresholds: impl IntoIterator<Item = f64>,
) -> Vec<OperatingPoint> {
    let sorted = |positive: bool| {
        let own = truth.iter().zip(scores).filter(|(truth, _)| **truth == positive);
        let mut own: Vec<f64> = own.map(|(_, score)| *score).collect();
        own.sort_unstable_by(f64::total_cmp);
        own
    };
    let (positives, negatives) = (sorted(true), sorted(false));
    let below = |scores: &[f64], threshold: f64| scores.partition_point(|score| *score < threshold);
    let point = |threshold| {
        let (missed, passed) = (below(&positives, threshold), below(&negatives, threshold));
        let (found, alarms) = (positives.len() - missed, negatives.len() - passed);
        OperatingPoint { threshold, found, missed, alarms, passed }
    };
    thresholds.into_iter().map(point).collect()
}

/// The thresholds that matter on these images: the highest that finds each share of `sensitivities`, and the lowest
/// that leaves alone each share of `specificities`, in this order; none of a single class.
pub fn landmarks(
    truth: &[bool],
    scores: &[f64],
    (sensitivities, specificities): (&[f64], &[f64]),
) -> Vec<OperatingPoint> {
    let mut distinct = scores.to_vec();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup();
    // From the lowest threshold to one above all scores.
    let above = distinct.last().map(|score| score.next_up());
    let points = operating_points(truth, scores, distinct.into_iter().chain(above));
    let finds = |least: &f64| points.iter().rev().find(|point| point.sensitivity() >= *least).copied();
    let spares = |least: &f64| points.iter().find(|point| point.specificity() >= *least).copied();
    sensitivities.iter().filter_map(finds).chain(specificities.iter().filter_map(spares)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_agree_with_counts_by_hand() {
        let truth = [true, true, true, false, false];
        let scores = [0.9, 0.6, 0.3, 0.6, 0.1];
        let [point] = operating_points(&truth, &scores, [0.6])[..] else { panic!("one point") };
        assert_eq!((point.found, point.missed, point.alarms, point.passed), (2, 1, 1, 1));
        assert_eq!((point.sensitivity(), point.specificity()), (2.0 / 3.0, 0.5));
        assert_eq!((point.ppv(), point.npv()), (2.0 / 3.0, 0.5));
        let landmarks = landmarks(&truth, &scores, (&[0.5, 1.0], &[0.9]));
        assert_eq!(landmarks.iter().map(|point| point.threshold).collect::<Vec<_>>(), [0.6, 0.3, 0.9]);
    }
}
