//! Two classifiers on the same images: is one better, or is it noise?

use std::collections::BTreeMap;

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

/// Difference of two areas under the ROC curve on the same images (DeLong, DeLong & Clarke-Pearson 1988),
/// `groups` numbering the patient of each: images of one patient tell less than as many of different ones
/// (Obuchowski 1997). `None` when a class is missing or a score is not a number.
pub fn paired_delong(truth: &[bool], first: &[f64], second: &[f64], groups: &[usize]) -> Option<Difference> {
    let value = auc(truth, first)? - auc(truth, second)?;
    let (a, b) = (placements(truth, first), placements(truth, second));
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    let variance = variance_of_means(truth, &differences, groups);
    let half = Z * variance.sqrt();
    // Where every image has the same place in both, there is nothing between them.
    let p = if value == 0.0 { 1.0 } else { erfc(value.abs() / (2.0 * variance).sqrt()) };
    let difference = Estimate { value, low: (value - half).max(-1.0), high: (value + half).min(1.0) };
    Some(Difference { difference, p })
}

/// Of each positive the share of negatives below it, of each negative the share of positives above it.
fn placements(truth: &[bool], scores: &[f64]) -> Vec<f64> {
    let ranks = midranks(scores);
    let mut placed = vec![0.0; truth.len()];
    for class in [true, false] {
        let own: Vec<usize> = (0..truth.len()).filter(|index| truth[*index] == class).collect();
        let others = (truth.len() - own.len()) as f64;
        let inside = midranks(&own.iter().map(|index| scores[*index]).collect::<Vec<f64>>());
        for (index, inside) in own.into_iter().zip(inside) {
            let below = (ranks[index] - inside) / others;
            placed[index] = if class { below } else { 1.0 - below };
        }
    }
    placed
}

/// Variance of the positives' mean plus the negatives' mean of `values`, where groups were drawn.
fn variance_of_means(truth: &[bool], values: &[f64], groups: &[usize]) -> f64 {
    let of = |class: bool| (0..truth.len()).filter(move |index| truth[*index] == class);
    let [positives, negatives] = [true, false].map(|class| {
        let count = of(class).count() as f64;
        (count, of(class).map(|index| values[index]).sum::<f64>() / count)
    });
    // What each group's images of a class are off their mean by, together.
    let mut sums = BTreeMap::<usize, [Option<f64>; 2]>::new();
    for (index, group) in groups.iter().enumerate() {
        let (place, mean) = if truth[index] { (0, positives.1) } else { (1, negatives.1) };
        *sums.entry(*group).or_default()[place].get_or_insert(0.0) += values[index] - mean;
    }
    let corrected = |sum: f64, groups: usize| sum * groups as f64 / (groups.max(2) - 1) as f64;
    let of_class = |place: usize| {
        let off: Vec<f64> = sums.values().filter_map(|sums| sums[place]).collect();
        corrected(off.iter().map(|off| off * off).sum(), off.len())
    };
    let both = sums.values().filter_map(|[a, b]| Some((*a)? * (*b)?)).sum();
    of_class(0) / positives.0.powi(2)
        + of_class(1) / negatives.0.powi(2)
        + 2.0 * corrected(both, sums.len()) / (positives.0 * negatives.0)
}

/// Difference of two accuracies on the same images, `groups` numbering the patient of each. Where every
/// image is another patient's: McNemar's exact test of the images that only one of them gets right, and
/// the interval of a paired difference (Newcombe 1998, method 2: Wald's). Else whole patients count: the test is that
/// of Durkalski et al. 2003, the interval Wald's of a ratio of sums over patients.
pub fn mcnemar(first_right: &[bool], second_right: &[bool], groups: &[usize]) -> Difference {
    let mut of_group = BTreeMap::<usize, [f64; 2]>::new();
    for (group, (first, second)) in groups.iter().zip(first_right.iter().zip(second_right)) {
        let [images, difference] = of_group.entry(*group).or_default();
        *images += 1.0;
        *difference += f64::from(u8::from(*first)) - f64::from(u8::from(*second));
    }
    if of_group.len() < groups.len() {
        return mcnemar_of_groups(&of_group.into_values().collect::<Vec<_>>());
    }
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

/// Of groups with so many images and such a difference each. In the test each patient counts once, by the difference
/// over the number of its images: χ² = (Σ dₖ/nₖ)² / Σ (dₖ/nₖ)² with one degree of freedom (Durkalski et al. 2003).
fn mcnemar_of_groups(groups: &[[f64; 2]]) -> Difference {
    let sum = |of: &dyn Fn(&[f64; 2]) -> f64| groups.iter().map(of).sum::<f64>();
    let images = sum(&|[images, _]| *images);
    let value = sum(&|[_, difference]| *difference) / images;
    let means = sum(&|[images, difference]| difference / images);
    let squares = sum(&|[images, difference]| (difference / images).powi(2));
    let p = if squares == 0.0 { 1.0 } else { erfc(means.abs() / (2.0 * squares).sqrt()) };
    let off = sum(&|[images, difference]| (difference - images * value).powi(2));
    let count = groups.len() as f64;
    let half = Z * (off * count / (count - 1.0).max(1.0)).sqrt() / images;
    let difference = Estimate { value, low: (value - half).max(-1.0), high: (value + half).min(1.0) };
    Difference { difference, p }
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

/// P-values of a family of tests, made comparable with one level (Holm 1979). A test that could not be made, whose
/// p-value is not a number, is not one of them.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|index| !p[*index].is_nan()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let (mut adjusted, mut largest, tests) = (vec![f64::NAN; p.len()], 0.0f64, order.len());
    for (place, index) in order.into_iter().enumerate() {
        largest = largest.max((p[index] * (tests - place) as f64).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

/// The complementary error function, by its continued fraction or its series: within 1e-14.
pub(super) fn erfc(x: f64) -> f64 {
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
        let found = mcnemar(&first, &second, &(0..8).collect::<Vec<_>>());
        assert!((found.p - 14.0 / 64.0).abs() < 1e-12 && found.difference.value == -0.5);
        assert!(found.is_noise());
        assert_eq!(mcnemar(&[true], &[true], &[0]).p, 1.0);
    }

    #[test]
    fn a_classifier_does_not_differ_from_itself() {
        let (truth, scores) = ([true, false, true, false], [0.9, 0.2, 0.4, 0.6]);
        let found = paired_delong(&truth, &scores, &scores, &[0, 1, 2, 3]).expect("two classes");
        assert_eq!((found.difference.value, found.p), (0.0, 1.0));
    }

    /// Each image twice, both of one patient: nothing is known that was not known before.
    #[test]
    fn images_of_one_patient_count_as_one() {
        let mut random = crate::random::Random::new(5, 5);
        let truth: Vec<bool> = (0..40).map(|image| image % 3 == 0).collect();
        let mut scores = || -> Vec<f64> {
            truth.iter().map(|truth| f64::from(random.unit()) + f64::from(u8::from(*truth)) * 0.4).collect()
        };
        let (first, second) = (scores(), scores());
        let alone: Vec<usize> = (0..40).collect();
        let once = paired_delong(&truth, &first, &second, &alone).expect("two classes");
        let twice = |values: &[f64]| [values, values].concat();
        let (both, pairs) =
            ([truth.clone(), truth.clone()].concat(), [alone.clone(), alone.clone()].concat());
        let again = paired_delong(&both, &twice(&first), &twice(&second), &pairs).expect("two classes");
        assert!((once.p - again.p).abs() < 1e-9 && (once.difference.low - again.difference.low).abs() < 1e-9);
        let blind: Vec<usize> = (0..80).collect();
        let naive = paired_delong(&both, &twice(&first), &twice(&second), &blind).expect("two classes");
        assert!(naive.p < again.p, "{} {}", naive.p, again.p);
    }

    /// Patients with differences 2, 1, −1, 0 in 2, 1, 1, 1 images: means 1, 1, −1, 0, so that χ² = 1 / 3 with one
    /// degree of freedom.
    #[test]
    fn patients_that_differ_by_hand() {
        let first = [true, true, true, false, true];
        let second = [false, false, false, true, true];
        let found = mcnemar(&first, &second, &[0, 0, 1, 2, 3]);
        assert!((found.difference.value - 0.4).abs() < 1e-12);
        // scipy.stats.chi2.sf(1 / 3, 1)
        assert!((found.p - 0.563_702_861_650_773).abs() < 1e-9, "{}", found.p);
    }

    #[test]
    fn holm_by_hand() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        let with_unknown = holm(&[0.01, f64::NAN, 0.04]);
        assert!(with_unknown[0] == 0.02 && with_unknown[1].is_nan() && with_unknown[2] == 0.04);
    }

    /// Two classifiers that differ by chance alone, on patients with one to three images: one of the two corrected
    /// tests calls them different in at most 5 of 100 comparisons.
    #[test]
    fn two_tests_together_keep_their_level() {
        let mut random = crate::random::Random::new(3, 21);
        let comparisons = 800;
        let mut different = 0;
        for _ in 0..comparisons {
            let (mut truth, mut groups) = (Vec::new(), Vec::new());
            let mut scores = [Vec::new(), Vec::new()];
            for patient in 0..120usize {
                let ill = patient.is_multiple_of(2);
                for _ in 0..=random.below(3) {
                    truth.push(ill);
                    groups.push(patient);
                    let lean = if ill { 0.6 } else { 0.4 };
                    scores.iter_mut().for_each(|own| own.push(lean + f64::from(random.symmetric(0.4))));
                }
            }
            let right = |scores: &[f64]| -> Vec<bool> {
                scores.iter().zip(&truth).map(|(score, truth)| (*score >= 0.5) == *truth).collect()
            };
            let auc = paired_delong(&truth, &scores[0], &scores[1], &groups).expect("two classes").p;
            let accuracy = mcnemar(&right(&scores[0]), &right(&scores[1]), &groups).p;
            different += usize::from(holm(&[auc, accuracy]).iter().any(|p| *p <= SIGNIFICANT));
        }
        // Two standard errors above 5 %.
        assert!(different as f64 / f64::from(comparisons) < 0.0655, "{different} of {comparisons}");
    }
}
