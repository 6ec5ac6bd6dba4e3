//! How much a measure differs between trainings that differ by chance alone.

use serde::{Deserialize, Serialize};

/// 97.5 % quantiles of Student's t with 1, 2, … degrees of freedom, as scipy.stats.t.ppf gives them.
const STUDENT: [f64; 19] = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604,
    2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930,
];
/// The same with so many that it hardly falls further: 20.
const BEYOND: f64 = 2.0860;

/// A measure over several trainings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean over the trainings.
    pub mean: f64,
    /// Standard deviation between them, of a sample.
    pub deviation: f64,
    /// Ends of the mean's 95 % confidence interval (Student 1908). It holds for new seeds and folds of the
    /// same data, not for new images.
    pub low: f64,
    /// Its other end.
    pub high: f64,
}

impl Spread {
    /// `None` of fewer than two values, or when one is not a number.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count < 2 || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / (count - 1) as f64).sqrt();
        let half = STUDENT.get(count - 2).unwrap_or(&BEYOND) * deviation / (count as f64).sqrt();
        Some(Self { mean, deviation, low: mean - half, high: mean + half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.t.interval(0.95, 3, loc=mean, scale=sem) of 0.95, 0.97, 0.96, 0.98.
    #[test]
    fn an_interval_as_scipy_has_it() {
        let spread = Spread::of(&[0.95, 0.97, 0.96, 0.98]).expect("four values");
        let near = |a: f64, b: f64| (a - b).abs() < 1e-5;
        assert!(near(spread.mean, 0.965) && near(spread.deviation, 0.012_910), "{spread:?}");
        assert!(near(spread.low, 0.944_457) && near(spread.high, 0.985_543), "{spread:?}");
        assert_eq!((Spread::of(&[0.9]), Spread::of(&[0.9, f64::NAN])), (None, None));
    }
}
