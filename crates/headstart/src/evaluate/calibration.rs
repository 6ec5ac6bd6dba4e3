//! Calibration: the map from a net's logits to scores that can be read as probabilities, fitted on
//! validation images and sealed in the model.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Output;
use super::logistic::{line, sigmoid};
use crate::error::Error;

/// With fewer validation images of a class than this nothing is fitted.
const FEWEST: usize = 10;
/// With fewer of a class than this, the line of greatest likelihood follows single images, and makes scores too sure.
const MANY: usize = 100;
/// Temperatures are looked for between these.
const TEMPERATURES: [f64; 2] = [0.05, 20.0];
/// Halvings of the interval in which a temperature lies.
const HALVINGS: usize = 60;

/// How scores are calibrated on validation images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalibrationMethod {
    /// Of two classes slope and intercept: of greatest likelihood with a hundred images of each class, Platt's with fewer
    /// and where the classes are separable. Of more classes a temperature.
    #[default]
    Auto,
    /// Scores stay as they are.
    None,
    /// One factor for all logits (Guo 2017).
    Temperature,
    /// Slope and intercept of the positive class's log odds (Platt 1999); of two classes only.
    Platt,
}

impl FromStr for CalibrationMethod {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            "temperature" => Ok(Self::Temperature),
            "platt" => Ok(Self::Platt),
            _ => Err(Error::setting("calibration", "auto, none, temperature or platt", text)),
        }
    }
}

/// A fitted calibration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Calibration {
    /// Log shares are divided by it.
    Temperature {
        /// Above 1 where the net was overconfident.
        temperature: f64,
    },
    /// The positive class's log odds `z` become `slope · z + intercept`.
    Platt {
        /// Below 1 where the net was overconfident.
        slope: f64,
        /// Below 0 where the positive class was scored too high.
        intercept: f64,
    },
}

impl Calibration {
    /// Fits `logits` `[N, classes]` to `labels` `[N]`. `None` when nothing is wanted, when a class has too
    /// few images, or when what would be fitted turns the order of the scores round.
    pub fn fit(
        method: CalibrationMethod,
        output: Output,
        logits: &[Vec<f32>],
        labels: &[usize],
        positive: usize,
    ) -> Option<Self> {
        let classes = logits.first()?.len();
        let count = |class| labels.iter().filter(|label| **label == class).count();
        if method == CalibrationMethod::None || (0..classes).any(|class| count(class) < FEWEST) {
            return None;
        }
        let shares: Vec<Vec<f64>> = logits.iter().map(|row| log_shares(output, row)).collect();
        match (method, classes) {
            (CalibrationMethod::Auto, 2) if (0..2).all(|class| count(class) >= MANY) => {
                most_likely(&shares, labels, positive).or_else(|| platt(&shares, labels, positive))
            }
            (CalibrationMethod::Auto | CalibrationMethod::Platt, 2) => platt(&shares, labels, positive),
            _ => Some(temperature(&shares, labels)),
        }
    }

    /// Calibrated scores of one row of logits; they sum to 1.
    pub fn scores(self, output: Output, logits: &[f32], positive: usize) -> Vec<f32> {
        let shares = log_shares(output, logits);
        match self {
            Self::Temperature { temperature } => {
                let warmed: Vec<f64> = shares.iter().map(|share| share / temperature).collect();
                let all = log_sum(&warmed);
                warmed.iter().map(|share| (share - all).exp() as f32).collect()
            }
            Self::Platt { slope, intercept } => {
                let odds = slope * log_odds(&shares, positive) + intercept;
                let mut scores = vec![sigmoid(-odds) as f32; 2];
                scores[positive] = sigmoid(odds) as f32;
                scores
            }
        }
    }
}

/// Logarithms of the shares that the scores of `logits` have in their sum.
fn log_shares(output: Output, logits: &[f32]) -> Vec<f64> {
    let logs: Vec<f64> = match output {
        Output::Softmax => logits.iter().map(|logit| f64::from(*logit)).collect(),
        Output::Sigmoid => logits.iter().map(|logit| -softplus(-f64::from(*logit))).collect(),
    };
    let all = log_sum(&logs);
    logs.iter().map(|log| log - all).collect()
}

/// `ln Σ exp`.
fn log_sum(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + values.iter().map(|value| (value - largest).exp()).sum::<f64>().ln()
}

/// `ln(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn log_odds(shares: &[f64], positive: usize) -> f64 {
    shares[positive] - shares[1 - positive]
}

/// The line of greatest likelihood. Platt's targets draw it towards one half, which costs log loss where there are images
/// enough. `None` where the classes are separable, for then it has no end.
fn most_likely(shares: &[Vec<f64>], labels: &[usize], positive: usize) -> Option<Calibration> {
    let observation = |(row, label): (&Vec<f64>, &usize)| {
        (log_odds(row, positive), f64::from(u8::from(*label == positive)), 1.0)
    };
    let observations: Vec<_> = shares.iter().zip(labels).map(observation).collect();
    let line = line(&observations).filter(|line| line.slope > 0.0)?;
    Some(Calibration::Platt { slope: line.slope, intercept: line.intercept })
}

/// Platt's line, with his targets, a little inside of 0 and 1: so it exists for separable scores too.
fn platt(shares: &[Vec<f64>], labels: &[usize], positive: usize) -> Option<Calibration> {
    let positives = labels.iter().filter(|label| **label == positive).count() as f64;
    let negatives = labels.len() as f64 - positives;
    let targets = [1.0 / (negatives + 2.0), (positives + 1.0) / (positives + 2.0)];
    let observations: Vec<_> = shares
        .iter()
        .zip(labels)
        .map(|(row, label)| (log_odds(row, positive), targets[usize::from(*label == positive)], 1.0))
        .collect();
    let line = line(&observations).filter(|line| line.slope > 0.0)?;
    Some(Calibration::Platt { slope: line.slope, intercept: line.intercept })
}

/// The temperature of least log loss: the loss is convex in its reciprocal, whose derivative is halved in.
fn temperature(shares: &[Vec<f64>], labels: &[usize]) -> Calibration {
    let [mut low, mut high] = [1.0 / TEMPERATURES[1], 1.0 / TEMPERATURES[0]];
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if derivative(shares, labels, middle) > 0.0 { high = middle } else { low = middle }
    }
    Calibration::Temperature { temperature: 2.0 / (low + high) }
}

/// Of the log loss by the factor that log shares are multiplied with.
fn derivative(shares: &[Vec<f64>], labels: &[usize], factor: f64) -> f64 {
    let of_image = |(row, label): (&Vec<f64>, &usize)| -> f64 {
        let scaled: Vec<f64> = row.iter().map(|share| factor * share).collect();
        let all = log_sum(&scaled);
        let mean: f64 = row.iter().zip(&scaled).map(|(share, scaled)| share * (scaled - all).exp()).sum();
        mean - row[*label]
    };
    shares.iter().zip(labels).map(of_image).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits whose softmax says 4:1 where the truth is 2:1.
    fn overconfident() -> (Vec<Vec<f32>>, Vec<usize>) {
        let logit = 4f32.ln();
        let rows = |sure: usize, right: usize, wrong: usize| {
            let mut row = vec![0.0; 3];
            row[sure] = logit;
            let labels = vec![sure; right].into_iter().chain(vec![(sure + 1) % 3; wrong]);
            labels.map(move |label| (row.clone(), label)).collect::<Vec<_>>()
        };
        (0..3).flat_map(|sure| rows(sure, 20, 20)).unzip()
    }

    #[test]
    fn a_temperature_brings_shares_to_what_happened() {
        // Half are right: exp(z) / (exp(z) + 2) = 1/2 at z = ln 2, so the temperature is 2.
        let (logits, labels) = overconfident();
        let fit =
            Calibration::fit(CalibrationMethod::Auto, Output::Softmax, &logits, &labels, 0).expect("fits");
        let Calibration::Temperature { temperature } = fit else { panic!("{fit:?}") };
        assert!((temperature - 2.0).abs() < 1e-6, "{temperature}");
        let scores = fit.scores(Output::Softmax, &logits[0], 0);
        assert!((scores[0] - 0.5).abs() < 1e-6 && (scores[1] - 0.25).abs() < 1e-6, "{scores:?}");
    }

    #[test]
    fn plain_scores_are_those_of_a_neutral_calibration() {
        for calibration in
            [Calibration::Temperature { temperature: 1.0 }, Calibration::Platt { slope: 1.0, intercept: 0.0 }]
        {
            let scores = calibration.scores(Output::Softmax, &[1.0, 2.5], 1);
            let plain = Output::Softmax.scores(&[1.0, 2.5]);
            assert!(scores.iter().zip(plain).all(|(a, b)| (a - b).abs() < 1e-6), "{scores:?}");
            let sigmoid = calibration.scores(Output::Sigmoid, &[1.0, 2.5], 0);
            let [first, second] = Output::Sigmoid.scores(&[1.0, 2.5])[..] else { panic!("two scores") };
            assert!((sigmoid[0] - first / (first + second)).abs() < 1e-6);
        }
    }

    /// At the greatest likelihood the residuals sum to 0, and so do their products with the log odds.
    #[test]
    fn two_classes_get_the_line_of_greatest_likelihood() {
        let mut random = crate::random::Random::new(2, 0);
        let odds: Vec<f32> = (0..400).map(|_| random.symmetric(6.0)).collect();
        // Log odds twice as large as what is true.
        let labels: Vec<usize> = odds
            .iter()
            .map(|z| usize::from(f64::from(random.unit()) < sigmoid(f64::from(*z) / 2.0)))
            .collect();
        let logits: Vec<Vec<f32>> = odds.iter().map(|z| vec![0.0, *z]).collect();
        let fit =
            Calibration::fit(CalibrationMethod::Auto, Output::Softmax, &logits, &labels, 1).expect("fits");
        let Calibration::Platt { slope, intercept } = fit else { panic!("{fit:?}") };
        assert!((0.4..0.6).contains(&slope) && intercept.abs() < 0.3, "{slope} {intercept}");
        let residual =
            |(z, label): (&f32, &usize)| *label as f64 - sigmoid(slope * f64::from(*z) + intercept);
        let pairs = || odds.iter().zip(&labels);
        assert!(pairs().map(residual).sum::<f64>().abs() < 1e-6);
        assert!(pairs().map(|(z, label)| residual((z, label)) * f64::from(*z)).sum::<f64>().abs() < 1e-5);
    }

    #[test]
    fn few_images_are_not_followed_one_by_one() {
        let logits: Vec<Vec<f32>> = (0u8..60).map(|image| vec![0.0, f32::from(image) - 30.0]).collect();
        // Separable but for two images.
        let labels: Vec<usize> =
            (0..60).map(|image| usize::from((image >= 30) != (image == 29 || image == 30))).collect();
        let fit = |method| Calibration::fit(method, Output::Softmax, &logits, &labels, 1).expect("fits");
        assert_eq!(fit(CalibrationMethod::Auto), fit(CalibrationMethod::Platt));
    }

    #[test]
    fn few_images_and_a_turned_order_are_left_alone() {
        let fit = |logits: &[Vec<f32>], labels: &[usize]| {
            Calibration::fit(CalibrationMethod::Platt, Output::Softmax, logits, labels, 1)
        };
        let logits: Vec<Vec<f32>> = (0u8..20).map(|image| vec![0.0, f32::from(image)]).collect();
        let rising: Vec<usize> = (0..20).map(|image| usize::from(image >= 10)).collect();
        let falling: Vec<usize> = rising.iter().map(|label| 1 - label).collect();
        assert!(fit(&logits, &rising).is_some(), "separable scores have a line too");
        assert_eq!(fit(&logits, &falling), None);
        assert_eq!(fit(&logits[..8], &rising[..8]), None);
    }
}
