//! Whether scores can be read as probabilities: bins of scores against what happened, the expected
//! calibration error, and the slope and intercept of a logistic recalibration (Cox 1958).

use super::compare::erfc;
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

/// By bin: how much the scores claim more than is so, over the number of all images. The sum of the distances from 0 is
/// the plain calibration error.
pub(super) type Deviations = [f64; BINS];

/// The deviations when each image counts `weights` times.
pub(super) fn deviations(claims: &[(f64, bool)], weights: &[u32]) -> Deviations {
    let (mut off, mut total) = ([0.0; BINS], 0.0);
    for ((score, is_so), weight) in claims.iter().zip(weights) {
        let weight = f64::from(*weight);
        off[bin(*score)] += weight * (score - f64::from(u8::from(*is_so)));
        total += weight;
    }
    off.map(|off| off / total)
}

/// Mean distance between the bins' mean score and share, weighed by their images (Naeini 2015).
pub(super) fn plain_error(deviations: &Deviations) -> f64 {
    deviations.iter().map(|off| off.abs()).sum()
}

/// The same without what chance alone adds: a bin's share is off by a normal error, so that its distance is on average
/// that of a folded normal. As much as this is above the distance measured is taken off (Kumar, Liang & Ma 2019).
/// The error of a share is that of `(hits + mean score) / (images + 1)`, so that a bin of few images is not certain.
pub(super) fn debiased_error(claims: &[(f64, bool)]) -> f64 {
    let mut bins = [(0.0f64, 0.0, 0.0); BINS];
    for (score, is_so) in claims {
        let (images, sum, hits) = &mut bins[bin(*score)];
        (*images, *sum, *hits) = (*images + 1.0, *sum + score, *hits + f64::from(u8::from(*is_so)));
    }
    let of_bin = |(images, sum, hits): &(f64, f64, f64)| {
        let score = sum / images;
        let share = (hits + score) / (images + 1.0);
        let (off, error) = ((score - hits / images).abs(), (share * (1.0 - share) / images).sqrt());
        images * (2.0 * off - folded_mean(off, error))
    };
    let sum: f64 = bins.iter().filter(|(images, ..)| *images > 0.0).map(of_bin).sum();
    (sum / claims.len() as f64).max(0.0)
}

/// Mean of `|x|` where `x` is normal with this mean and deviation (Leone, Nelson & Nottingham 1961).
fn folded_mean(mean: f64, deviation: f64) -> f64 {
    if deviation == 0.0 {
        return mean.abs();
    }
    let scaled = mean.abs() / (deviation * std::f64::consts::SQRT_2);
    deviation * std::f64::consts::FRAC_2_PI.sqrt() * (-scaled * scaled).exp()
        + mean.abs() * (1.0 - erfc(scaled))
}

/// An interval of the calibration error that holds wherever the truth lies, from samples drawn with replacement.
/// Upwards it reaches as far as the bins' errors may have hidden; downwards also by what chance adds at most, which is
/// as much as in samples around the plain error's bins: `tools/check_ece_interval.py` simulates how often it holds.
pub(super) fn error_interval(plain: &Deviations, drawn: &[Deviations]) -> [f64; 2] {
    let off = |sample: &Deviations| -> Vec<f64> { sample.iter().zip(plain).map(|(a, b)| a - b).collect() };
    let mean = |of: &dyn Fn(f64) -> f64| {
        drawn.iter().map(|sample| off(sample).into_iter().map(of).sum::<f64>()).sum::<f64>()
            / drawn.len() as f64
    };
    let (most_by_chance, half) = (mean(&f64::abs), Z * mean(&|off| off * off).sqrt());
    let plain = plain_error(plain);
    [(plain - most_by_chance - half).max(0.0), (plain + half).min(1.0)]
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
        let error = plain_error(&deviations(&claims(&labels, &scores, 1), &[1; 4]));
        assert!((error - (0.65 + 0.92) / 4.0).abs() < 1e-6, "{error}");
    }

    /// Scores that are right: the plain error of 400 images is some 0.05, the debiased one smaller, and its interval
    /// holds both it and the truth, 0.
    #[test]
    fn the_interval_of_the_error_holds_estimate_and_truth() {
        for seed in 0..20 {
            let mut random = crate::random::Random::new(seed, 22);
            let mut claim = |_| {
                let score = f64::from(random.unit());
                (score, f64::from(random.unit()) < score)
            };
            let claims: Vec<(f64, bool)> = (0..400).map(&mut claim).collect();
            let plain = deviations(&claims, &[1; 400]);
            let sample = |_| {
                let mut weights = vec![0; 400];
                (0..400).for_each(|_| weights[random.below(400)] += 1);
                deviations(&claims, &weights)
            };
            let [low, high] = error_interval(&plain, &(0..200).map(sample).collect::<Vec<_>>());
            let debiased = debiased_error(&claims);
            assert!(
                debiased < plain_error(&plain) && low <= debiased && debiased <= high,
                "{low} {debiased} {high}"
            );
            assert!(low < 0.01, "{low}");
        }
    }

    #[test]
    fn of_many_classes_the_largest_score_counts() {
        let found = claims(&[2, 0], &[vec![0.2, 0.2, 0.6], vec![0.25, 0.5, 0.25]], 0);
        assert!((found[0].0 - 0.6).abs() < 1e-6 && found[0].1 && found[1] == (0.5, false));
    }
}
