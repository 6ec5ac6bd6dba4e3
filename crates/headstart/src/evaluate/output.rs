//! From logits to scores.

use serde::{Deserialize, Serialize};

use super::Calibration;

/// How logits become scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Sum to 1.
    Softmax,
    /// One by one.
    Sigmoid,
}

impl Output {
    /// Scores of one row of logits.
    pub fn scores(self, logits: &[f32]) -> Vec<f32> {
        match self {
            Self::Softmax => {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
                let sum: f32 = powers.iter().sum();
                powers.iter().map(|power| power / sum).collect()
            }
            Self::Sigmoid => logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
        }
    }

    /// Scores of one row of logits, calibrated where there is a calibration.
    pub fn calibrated(self, logits: &[f32], calibration: Option<Calibration>, positive: usize) -> Vec<f32> {
        match calibration {
            Some(calibration) => calibration.scores(self, logits, positive),
            None => self.scores(logits),
        }
    }
}
