//! Whether scores can be read as probabilities: bins of scores against what happened, the expected
//! calibration error, and the slope and intercept of a logistic recalibration (Cox 1958).

use super::intervals::{Estimate, Z, wilson};
use super::logistic::{Observation, line, shift};
use super::metrics::positive_score;

/// Bins of equal width.
pub(super) const BINS: usize = 10;
/// Scores are kept this far from 0 and 1 before their log odds are taken.
const LEAST: f64 = 1e-7;

/// Images whose scores lie in one bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Number of images.
    pub images: usize,
    /// Mean of their scores.
    pub score: f64,
    /// Share of them that are what the score says.
    pub observed: Estimate,
}

/// What a score claims, and whether it is so: of two classes the positive's share for each image; of
/// more the largest share and whether that class is the true one (Guo 2017).
pub(super) fn claims(labels: &[usize], scores: &[Vec<f32>], positive: usize) -> Vec<(f64, bool)> {
    let claim = |(label, row): (&usize, &Vec<f32>)| match row.len() {
        2 => (positive_score(row, positive), *label == positive),
        classes => {
            let top = (1..classes).fold(0, |best, class| if row[class] > row[best] { class } else { best });
            (positive_score(row, top), *label == top)
        }
    };
    labels.iter().zip(scores).map(claim).collect()
}

/// The bin of a score: `[0, 0.1], (0.1, 0.2], …, (0.9, 1]`, with the edges of NumPy's `linspace`.
pub(super) fn bin(score: f64) -> usize {
    let step = 1.0 / BINS as f64;
    (1..BINS).filter(|edge| *edge as f64 * step < score).count()
}

/// The bins that hold images, from the lowest.
pub fn reliability(labels: &[usize], scores: &[Vec<f32>], positive: usize) -> Vec<ReliabilityBin> {
    let mut bins = [(0usize, 0.0, 0usize); BINS];
    for (score, is_so) in claims(labels, scores, positive) {
        let (images, sum, hits) = &mut bins[bin(score)];
        (*images, *sum, *hits) = (*images + 1, *sum + score, *hits + usize::from(is_so));
    }
    let filled = bins.into_iter().filter(|(images, ..)| *images > 0);
    filled
        .map(|(images, sum, hits)| ReliabilityBin {
            images,
            score: sum / images as f64,
            observed: wilson(hits, images),
        })
        .collect()
}

/// Mean distance between the bins' mean score and share, weighed by their images (Naeini 2015).
pub(super) fn expected_error(claims: &[(f64, bool)], weights: &[u32]) -> f64 {
    let mut off = [0.0; BINS];
    let mut total = 0.0;
    for ((score, is_so), weight) in claims.iter().zip(weights) {
        let weight = f64::from(*weight);
        off[bin(*score)] += weight * (score - f64::from(u8::from(*is_so)));
        total += weight;
    }
    off.iter().map(|bin: &f64| bin.abs()).sum::<f64>() / total
}

/// Observations for a logistic regression on the log odds of the scores.
pub(super) fn observations(claims: &[(f64, bool)], weights: &[u32]) -> Vec<Observation> {
    let one = |((score, is_so), weight): (&(f64, bool), &u32)| {
        let score = score.clamp(LEAST, 1.0 - LEAST);
        ((score / (1.0 - score)).ln(), f64::from(u8::from(*is_so)), f64::from(*weight))
    };
    claims.iter().zip(weights).map(one).collect()
}

/// Slope (1 is right, below 1 overconfident) and intercept (0 is right, above 0 the scores are too
/// low) with Wald's intervals; unknown where no line can be fitted.
pub(super) fn slope_and_intercept(claims: &[(f64, bool)]) -> [Estimate; 2] {
    let observations = observations(claims, &vec![1; claims.len()]);
    let wald = |value: f64, error: f64| Estimate { value, low: value - Z * error, high: value + Z * error };
    let slope = line(&observations).map(|line| wald(line.slope, line.slope_error));
    let intercept = shift(&observations).map(|(value, error)| wald(value, error));
    let unknown = Estimate { value: f64::NAN, low: f64::NEG_INFINITY, high: f64::INFINITY };
    [slope.unwrap_or(unknown), intercept.unwrap_or(unknown)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_by_hand() {
        let labels = [1, 0, 1, 1];
        let scores = [0.95f32, 0.97, 0.35, 1.0].map(|score| vec![1.0 - score, score]);
        let bins = reliability(&labels, &scores, 1);
        assert_eq!(bins.iter().map(|bin| bin.images).collect::<Vec<_>>(), [1, 3]);
        assert!((bins[1].score - 2.92 / 3.0).abs() < 1e-6 && bins[1].observed.value == 2.0 / 3.0);
        let error = expected_error(&claims(&labels, &scores, 1), &[1; 4]);
        assert!((error - (0.65 + 0.92) / 4.0).abs() < 1e-6, "{error}");
    }

    #[test]
    fn of_many_classes_the_largest_score_counts() {
        let found = claims(&[2, 0], &[vec![0.2, 0.2, 0.6], vec![0.25, 0.5, 0.25]], 0);
        assert!((found[0].0 - 0.6).abs() < 1e-6 && found[0].1 && found[1] == (0.5, false));
    }
}
