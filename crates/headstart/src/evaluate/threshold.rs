//! Choosing the threshold, on validation only.

/// Youden's (1950): where sensitivity + specificity is largest, half-way between the two scores
/// there; of several such places the one with the widest gap, which moves least on new images.
/// Without two classes, 0.5.
pub fn youden(truth: &[bool], scores: &[f64]) -> f64 {
    let positives = truth.iter().filter(|positive| **positive).count() as f64;
    let negatives = truth.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return 0.5;
    }
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(truth.iter().copied()).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut found, mut spared) = (positives, 0.0);
    // (sensitivity + specificity, gap, threshold); at first everything is called positive.
    let mut best = (1.0, 0.0, rows[0].0);
    for (index, (score, positive)) in rows.iter().enumerate() {
        if *positive {
            found -= 1.0
        } else {
            spared += 1.0
        }
        let next = rows.get(index + 1).map_or(1.0f64.max(*score + f64::EPSILON), |row| row.0);
        let candidate = (found / positives + spared / negatives, next - score, (score + next) / 2.0);
        // Sums of the same counts may differ in their last bits.
        let better = candidate.0 > best.0 + 1e-9;
        if next > *score && (better || candidate.0 > best.0 - 1e-9 && candidate.1 > best.1) {
            best = candidate;
        }
    }
    best.2
}

#[cfg(test)]
mod tests {
    use super::youden;

    #[test]
    fn separable_scores_are_cut_in_the_widest_gap() {
        let threshold = youden(&[false, false, true, true], &[0.1, 0.3, 0.7, 0.9]);
        assert!((threshold - 0.5).abs() < 1e-12);
    }

    #[test]
    fn one_mistake_is_put_up_with() {
        let truth = [false, false, false, true, false, true, true];
        let threshold = youden(&truth, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.9]);
        assert!((threshold - 0.35).abs() < 1e-12, "{threshold}");
        assert_eq!(youden(&[true], &[0.2]), 0.5);
    }
}
