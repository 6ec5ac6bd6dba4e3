//! Two classifiers on the same images: is one better, or is it noise?

use serde::Serialize;

use super::intervals::{Estimate, Z};
use super::metrics::{auc, midranks};

/// A difference whose p-value is above this is noise.
pub const SIGNIFICANT: f64 = 0.05;

/// The first classifier minus the second, and how often chance alone gives that much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// With its 95 % interval.
    pub difference: Estimate,
    /// Two-sided.
    pub p: f64,
}

impl Difference {
    /// Whether chance explains it: the p-value is above 0.05, or unknown.
    pub fn is_noise(&self) -> bool {
        self.p.is_nan() || self.p > SIGNIFICANT
    }
}

/// Difference of two areas under the ROC curve on the same images (DeLong, DeLong & Clarke-Pearson 1988).
/// `None` when a class is missing or a score is not a number.
pub fn paired_delong(truth: &[bool], first: &[f64], second: &[f64]) -> Option<Difference> {
    let value = auc(truth, first)? - auc(truth, second)?;
    let (a, b) = (placements(truth, first), placements(truth, second));
    let variance: f64 = a.iter().zip(&b).map(|(a, b)| variance_of_mean_difference(a, b)).sum();
    let half = Z * variance.sqrt();
    // Where every image has the same place in both, there is nothing between them.
    let p = if value == 0.0 { 1.0 } else { erfc(value.abs() / (2.0 * variance).sqrt()) };
    let difference = Estimate { value, low: (value - half).max(-1.0), high: (value + half).min(1.0) };
    Some(Difference { difference, p })
}

/// Of each positive the share of negatives below it, of each negative the share of positives above it.
fn placements(truth: &[bool], scores: &[f64]) -> [Vec<f64>; 2] {
    let ranks = midranks(scores);
    [true, false].map(|class| {
        let own: Vec<usize> = (0..truth.len()).filter(|index| truth[*index] == class).collect();
        let others = (truth.len() - own.len()) as f64;
        let inside = midranks(&own.iter().map(|index| scores[*index]).collect::<Vec<f64>>());
        let below = own.iter().zip(inside).map(|(index, inside)| (ranks[*index] - inside) / others);
        if class { below.collect() } else { below.map(|below| 1.0 - below).collect() }
    })
}

fn variance_of_mean_difference(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let mean = a.iter().zip(b).map(|(a, b)| a - b).sum::<f64>() / n;
    a.iter().zip(b).map(|(a, b)| (a - b - mean).powi(2)).sum::<f64>() / (n - 1.0) / n
}

/// Difference of two accuracies on the same images: McNemar's exact test of the images that only one
/// of them gets right, and the interval of a paired difference (Newcombe 1998, method 2: Wald's).
pub fn mcnemar(first_right: &[bool], second_right: &[bool]) -> Difference {
    let pairs = || first_right.iter().zip(second_right);
    let only_first = pairs().filter(|(first, second)| **first && !**second).count();
    let only_second = pairs().filter(|(first, second)| !**first && **second).count();
    let n = first_right.len() as f64;
    let (b, c) = (only_first as f64, only_second as f64);
    let value = (b - c) / n;
    let half = Z * (b + c - (b - c).powi(2) / n).max(0.0).sqrt() / n;
    let difference = Estimate { value, low: (value - half).max(-1.0), high: (value + half).min(1.0) };
    Difference { difference, p: sign_test(only_first, only_second) }
}

/// Two-sided binomial test of `a` against `b` at even odds.
fn sign_test(a: usize, b: usize) -> f64 {
    let n = a + b;
    // Terms of C(n, k) / 2^n by their logarithms.
    let mut log_term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for k in 0..=a.min(b) {
        tail += log_term.exp();
        log_term += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

/// P-values of a family of tests, made comparable with one level (Holm 1979).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let (mut adjusted, mut largest) = (vec![f64::NAN; p.len()], 0.0f64);
    for (place, index) in order.into_iter().enumerate() {
        largest = largest.max((p[index] * (p.len() - place) as f64).min(1.0));
        adjusted[index] = if p[index].is_nan() { f64::NAN } else { largest };
    }
    adjusted
}

/// The complementary error function, by its continued fraction or its series: within 1e-14.
fn erfc(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    let scale = (-x * x).exp() / std::f64::consts::PI.sqrt();
    if x < 2.5 {
        // erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1))
        let (mut term, mut sum, mut n) = (x, x, 1.0);
        while term > 1e-18 * sum {
            term *= 2.0 * x * x / (2.0 * n + 1.0);
            sum += term;
            n += 1.0;
        }
        return 1.0 - 2.0 * scale * sum;
    }
    let mut fraction = 0.0;
    for n in (1..=120).rev() {
        fraction = f64::from(n) / 2.0 / (x + fraction);
    }
    scale / (x + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_that_of_the_tables() {
        let table = [(0.0, 1.0), (0.5, 0.479_500_122_186_953_5), (1.0, 0.157_299_207_050_285_13)];
        let tail = [
            (2.4, 6.885_138_966_450_786e-4),
            (2.6, 2.360_344_165_293_492e-4),
            (5.0, 1.537_459_794_428_035e-12),
        ];
        for (x, expected) in table.into_iter().chain(tail) {
            assert!((erfc(x) / expected - 1.0).abs() < 1e-9, "{x}: {}", erfc(x));
        }
    }

    #[test]
    fn mcnemar_by_hand() {
        // 1 against 5: 2 · (1 + 6) / 64.
        let first = [true, false, false, false, false, false, true, true];
        let second = [false, true, true, true, true, true, true, true];
        let found = mcnemar(&first, &second);
        assert!((found.p - 14.0 / 64.0).abs() < 1e-12 && found.difference.value == -0.5);
        assert!(found.is_noise());
        assert_eq!(mcnemar(&[true], &[true]).p, 1.0);
    }

    #[test]
    fn a_classifier_does_not_differ_from_itself() {
        let (truth, scores) = ([true, false, true, false], [0.9, 0.2, 0.4, 0.6]);
        let found = paired_delong(&truth, &scores, &scores).expect("two classes");
        assert_eq!((found.difference.value, found.p), (0.0, 1.0));
    }

    #[test]
    fn holm_by_hand() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
    }
}
