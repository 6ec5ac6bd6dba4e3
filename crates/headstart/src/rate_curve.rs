//! The loss while the learning rate climbs.

use serde::Serialize;

/// The loss over the learning rate.
#[derive(Debug, Clone, Serialize)]
pub struct RateCurve {
    /// Of each step that was taken.
    pub rates: Vec<f64>,
    /// Running mean of the loss up to each step, corrected for its start.
    pub losses: Vec<f64>,
    /// Where the loss falls fastest over the logarithm of the rate; `None` where it does not fall.
    pub suggestion: Option<f64>,
}
