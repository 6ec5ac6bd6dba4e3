//! The population stability index of a set of images against the validation images: how differently a measure spreads
//! over ten bins, or an answer over the verdicts.
//!
//! It is Σ (a − e) ln(a / e) over the bins, of the set's shares a and of validation's shares e. A bin without an image
//! counts as half an image. Siddiqi (Credit Risk Scorecards, 2006) calls a population below 0.10 unchanged, from there on
//! slightly changed, and from 0.25 on changed. Of two samples of one population, n and m large, the index is about
//! (1/n + 1/m) χ² with one degree of freedom less than bins (Yurdakul and Naranjo, 2020). With some hundred images that is
//! not small, so a change is only called one where chance alone makes it in less than one of 1000 sets.

use serde::Serialize;

/// From here on a population has changed slightly.
pub const SLIGHT: f64 = 0.1;
/// From here on it has changed.
pub const LARGE: f64 = 0.25;
/// With fewer images in a set there is no index.
pub const FEWEST_FOR_STABILITY: usize = 100;
/// Bins of a measure: tenths of the validation images.
const BINS: usize = 10;
/// Quantiles at 0.999 of χ² with 1, 2, … degrees of freedom.
const CHANCE: [f64; BINS - 1] = [10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.124, 27.877];

/// What is spread over the bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// [`Measure::Distance`](super::Measure::Distance)
    Distance,
    /// [`Measure::Oddness`](super::Measure::Oddness)
    Oddness,
    /// [`Measure::Score`](super::Measure::Score)
    Score,
    /// Decided, undecided or refused.
    Verdict,
}

/// How much a population has changed, by more than chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The index is below 0.1, or chance explains it.
    None,
    /// It is below 0.25.
    Slight,
    /// It is 0.25 or larger.
    Large,
}

/// The index of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StabilityIndex {
    /// Of what.
    pub of: Subject,
    /// Of which 0 means that the shares are the same.
    pub value: f64,
    /// What it means.
    pub change: Change,
}

impl Subject {
    /// The word that stands for it in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Distance => "distance",
            Self::Oddness => "oddness",
            Self::Score => "score",
            Self::Verdict => "verdict",
        }
    }
}

impl StabilityIndex {
    /// Of counts in the same bins; `None` with too few images, or with fewer than two bins.
    pub fn of_counts(of: Subject, validation: &[u64], set: &[u64]) -> Option<Self> {
        let [m, n] = [validation, set].map(|counts| counts.iter().sum::<u64>());
        let chance = CHANCE.get(validation.len().checked_sub(2)?)?;
        if n < FEWEST_FOR_STABILITY as u64 || m == 0 {
            return None;
        }
        let value = index(validation, set);
        let change = match value {
            _ if value <= (1.0 / n as f64 + 1.0 / m as f64) * chance => Change::None,
            _ if value >= LARGE => Change::Large,
            _ if value >= SLIGHT => Change::Slight,
            _ => Change::None,
        };
        Some(Self { of, value, change })
    }

    /// Of a measure; the bins are tenths of the values of validation.
    pub(super) fn of_values(of: Subject, validation: &[f64], set: &[f64]) -> Option<Self> {
        let edges = edges(validation);
        let [validation, set] = [validation, set].map(|values| binned(values, &edges));
        Self::of_counts(of, &validation, &set)
    }

    /// What a user should know of a large change.
    pub(super) fn sentence(self, images: usize) -> String {
        let what = match self.of {
            Subject::Distance => "distances from the training images",
            Subject::Oddness => "ways of being made",
            Subject::Score => "scores",
            Subject::Verdict => "verdicts",
        };
        format!(
            "the {what} of these {images} images spread otherwise than those of the validation images (population stability \
             index {:.2}; from {LARGE} on the change is large)",
            self.value
        )
    }
}

fn index(expected: &[u64], found: &[u64]) -> f64 {
    let total = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
    let share = |count: u64, total: f64| (count as f64).max(0.5) / total;
    let [m, n] = [expected, found].map(total);
    let terms = expected.iter().zip(found).map(|(expected, found)| {
        let [e, a] = [share(*expected, m), share(*found, n)];
        (a - e) * (a / e).ln()
    });
    terms.sum()
}

/// The largest value of each tenth but the last. Where many values are the same there are fewer tenths.
fn edges(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(largest) = sorted.last() else { return vec![] };
    let tenth = |number: usize| sorted[(number * sorted.len()).div_ceil(BINS) - 1];
    let mut edges: Vec<f64> = (1..BINS).map(tenth).filter(|edge| edge < largest).collect();
    edges.dedup();
    edges
}

/// How many values lie at or below each edge but above the one before, and above all.
fn binned(values: &[f64], edges: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; edges.len() + 1];
    let numbers = values.iter().filter(|value| !value.is_nan());
    numbers.for_each(|value| counts[edges.partition_point(|edge| edge < value)] += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// NumPy: `edges = np.unique(np.quantile(v, np.arange(1, 10) / 10, method="inverted_cdf"))`, those below the maximum;
    /// `np.searchsorted(edges, x, side="left")` counted, `np.maximum(counts, 0.5) / len(x)`.
    #[test]
    fn the_index_is_that_of_numpy() {
        let validation: Vec<f64> = (0..250).map(|i| f64::from(i) * 0.37 % 5.0).collect();
        let set: Vec<f64> = (0..120).map(|i| f64::from(i) * 0.71 % 4.0 + 0.6).collect();
        let found = StabilityIndex::of_values(Subject::Score, &validation, &set).expect("enough");
        assert!((found.value - NUMPY[0]).abs() < 1e-12, "{found:?}");
        let ties = |number: u32| f64::from(number % 4).min(2.0);
        let (tied, other) =
            ((0..200).map(ties).collect::<Vec<_>>(), (0..300).map(|i| ties(i * 3 / 2)).collect::<Vec<_>>());
        let found = StabilityIndex::of_values(Subject::Score, &tied, &other).expect("enough");
        assert!((found.value - NUMPY[1]).abs() < 1e-12, "{found:?}");
    }

    /// By hand: (0.5 − 0.9) ln(0.5/0.9) + (0.3 − 0.08) ln(0.3/0.08) + (0.2 − 0.02) ln(0.2/0.02).
    #[test]
    fn the_index_of_verdicts_is_that_by_hand() {
        let found =
            StabilityIndex::of_counts(Subject::Verdict, &[450, 40, 10], &[100, 60, 40]).expect("enough");
        assert!((found.value - 0.940_366_267_5).abs() < 1e-9, "{found:?}");
        assert_eq!(found.change, Change::Large);
        let slight = StabilityIndex::of_counts(Subject::Verdict, &[900, 90, 10], &[750, 230, 20]);
        assert_eq!(slight.expect("enough").change, Change::Slight);
        let empty = StabilityIndex::of_counts(Subject::Verdict, &[500, 0, 0], &[100, 0, 0]).expect("enough");
        assert!(empty.value < SLIGHT && empty.change == Change::None, "{empty:?}");
        assert_eq!(StabilityIndex::of_counts(Subject::Verdict, &[450, 40, 10], &[99, 0, 0]), None);
        assert_eq!(StabilityIndex::of_values(Subject::Score, &[1.0; 50], &[0.5; 200]), None);
    }

    /// Sets of 100 and of 200 images like 150 validation images: the index itself is often above 0.1 by chance.
    #[test]
    fn chance_is_no_change_and_another_spread_is() {
        let drawn = |images: usize, seed: u64, around: f32, width: f32| -> Vec<f64> {
            let mut random = Random::new(seed, 1);
            (0..images)
                .map(|_| f64::from((random.unit() + random.unit() - 1.0).mul_add(width, around)))
                .collect()
        };
        let validation = drawn(150, 1, 0.0, 1.0);
        let of = |set: &[f64]| StabilityIndex::of_values(Subject::Score, &validation, set).expect("enough");
        let alike: Vec<StabilityIndex> =
            (2..302).map(|seed| of(&drawn(if seed % 2 == 0 { 100 } else { 200 }, seed, 0.0, 1.0))).collect();
        assert!(alike.iter().filter(|found| found.value >= SLIGHT).count() > 30);
        assert!(alike.iter().filter(|found| found.change != Change::None).count() <= 3);
        for (around, width) in [(0.5, 1.0), (0.0, 3.0)] {
            let found = of(&drawn(200, 7, around, width));
            assert_eq!(found.change, Change::Large, "{found:?}");
        }
    }

    const NUMPY: [f64; 2] = [0.497_705_389_113_251_24, 6.644_738_300_272_502e-5];
}
