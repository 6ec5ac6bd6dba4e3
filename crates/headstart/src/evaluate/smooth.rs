//! A threshold that does not hang on single images: Youden's index of smoothed scores, and the plateau around it.

use super::logistic::sigmoid;

/// Scores are kept this far from 0 and 1, where log odds have no end.
const EDGE: f64 = 1e-6;
/// Places that are tried.
const PLACES: usize = 2000;
/// No class is spread by less, in log odds.
const NARROWEST: f64 = 0.05;

/// The score where smoothed sensitivity + specificity is largest (Fluss, Faraggi & Reiser 2005): each image's log odds
/// are spread by a logistic kernel, as wide as Silverman's rule says for its class. `None` when a class is missing or no
/// place is better than chance.
pub(super) fn smooth_youden(truth: &[bool], scores: &[f64]) -> Option<f64> {
    let of = |positive: bool| -> Vec<f64> {
        let pairs = truth.iter().zip(scores);
        pairs.filter(|(truth, _)| **truth == positive).map(|(_, score)| log_odds(*score)).collect()
    };
    let [negatives, positives] = [of(false), of(true)];
    let ends = negatives.iter().chain(&positives);
    let (low, high) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), z| (low.min(*z), high.max(*z)));
    if negatives.is_empty() || positives.is_empty() || high <= low {
        return None;
    }
    let widths = [&negatives, &positives].map(|class| width(class));
    let index = |place: f64| below(&negatives, widths[0], place) - below(&positives, widths[1], place);
    let places = (0..=PLACES).map(|step| low + (high - low) * step as f64 / PLACES as f64);
    let best = places.map(|place| (index(place), place)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.0).then(|| sigmoid(best.1))
}

/// From which to which threshold sensitivity + specificity is at most a standard error below what it is at `threshold`:
/// how far validation leaves it undetermined. `None` when a class is missing.
pub fn plateau(truth: &[bool], scores: &[f64], threshold: f64) -> Option<[f64; 2]> {
    let mut images: Vec<(f64, bool)> = scores.iter().copied().zip(truth.iter().copied()).collect();
    images.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = truth.iter().filter(|positive| **positive).count() as f64;
    let negatives = truth.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let start = images.partition_point(|(score, _)| *score < threshold);
    let spared = images[..start].iter().filter(|(_, positive)| !positive).count() as f64;
    let found = images[start..].iter().filter(|(_, positive)| *positive).count() as f64;
    // One image more on each side, so that a share of 1 is not certain (Agresti & Coull 1998).
    let variance = |hits: f64, all: f64| {
        let share = (hits + 1.0) / (all + 2.0);
        share * (1.0 - share) / (all + 2.0)
    };
    let slack = (variance(found, positives) + variance(spared, negatives)).sqrt();
    // What is lost by moving over an image: a share of its class, and below 0 what is gained.
    let step = |positive: bool| if positive { 1.0 / positives } else { -1.0 / negatives };
    let (mut high, mut lost) = (1.0, 0.0);
    for (score, positive) in &images[start..] {
        lost += step(*positive);
        if lost > slack {
            high = *score;
            break;
        }
    }
    let (mut low, mut lost) = (0.0, 0.0);
    for (score, positive) in images[..start].iter().rev() {
        lost -= step(*positive);
        if lost > slack {
            low = *score;
            break;
        }
    }
    Some([low, high])
}

fn log_odds(score: f64) -> f64 {
    let score = score.clamp(EDGE, 1.0 - EDGE);
    (score / (1.0 - score)).ln()
}

/// The share of a class below a place, smoothed.
fn below(class: &[f64], width: f64, place: f64) -> f64 {
    class.iter().map(|z| sigmoid((place - z) / width)).sum::<f64>() / class.len() as f64
}

/// Silverman's width (1986, 3.31), as the scale of a logistic kernel of that deviation.
fn width(class: &[f64]) -> f64 {
    let count = class.len() as f64;
    let mean = class.iter().sum::<f64>() / count;
    let deviation = (class.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / count).sqrt();
    let mut sorted = class.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |share: f64| sorted[(share * (count - 1.0)).round() as usize];
    let spread = (quantile(0.75) - quantile(0.25)) / 1.349;
    let narrower = if spread > 0.0 { deviation.min(spread) } else { deviation };
    (0.9 * narrower * count.powf(-0.2)).max(NARROWEST) * 3f64.sqrt() / std::f64::consts::PI
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Scores whose log odds are normal around −2 and 2.
    fn images(count: usize, seed: u64) -> (Vec<bool>, Vec<f64>) {
        let mut random = Random::new(seed, 0);
        (0..count)
            .map(|index| {
                let normal: f64 = (0..12).map(|_| f64::from(random.unit())).sum::<f64>() - 6.0;
                let positive = index % 2 == 0;
                (positive, sigmoid(normal * 1.3 + if positive { 2.0 } else { -2.0 }))
            })
            .unzip()
    }

    #[test]
    fn small_samples_give_nearly_what_a_large_one_gives() {
        // The densities cross at log odds of 0.
        for seed in 0..20 {
            let (truth, scores) = images(60, seed);
            let threshold = smooth_youden(&truth, &scores).expect("both classes");
            assert!((0.25..0.75).contains(&threshold), "{seed}: {threshold}");
        }
    }

    #[test]
    fn a_gap_is_cut_in_its_midst() {
        let truth = [false, false, false, true, true, true];
        let threshold = smooth_youden(&truth, &[0.02, 0.03, 0.04, 0.96, 0.97, 0.98]).expect("both classes");
        assert!((0.3..0.7).contains(&threshold), "{threshold}");
    }

    #[test]
    fn chance_and_single_classes_give_none() {
        assert_eq!(smooth_youden(&[true, true], &[0.2, 0.9]), None);
        assert_eq!(smooth_youden(&[true, false], &[0.1, 0.9]), None);
        assert_eq!(smooth_youden(&[true, false], &[0.5, 0.5]), None);
    }

    #[test]
    fn a_plateau_ends_where_a_standard_error_is_lost() {
        let scores: Vec<f64> = (0..100).map(|index| f64::from(index) / 100.0).collect();
        let truth: Vec<bool> = (0..100).map(|index| index >= 50).collect();
        // Without a mistake the standard error is √(2 · 51/52 · 1/52 / 52) = 0.027: one image of 50 may go, not two.
        assert_eq!(plateau(&truth, &scores, 0.5), Some([0.48, 0.51]));
        assert_eq!(plateau(&truth[..50], &scores[..50], 0.5), None);
    }
}
