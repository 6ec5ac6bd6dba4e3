//! What other thresholds would come to, as the report shows it.

use super::Operating;
use crate::evaluate::{landmarks, operating_points};

/// Shares that a reader may want to find, or to leave alone.
const SHARES: [f64; 3] = [0.9, 0.95, 0.99];

/// The operating points of images of two classes, of which the model uses `threshold`.
pub fn operating(truth: &[bool], scores: &[f64], threshold: f64) -> Operating {
    let wanted = |name: &str| SHARES.map(|share| format!("{name} {:.0} %", share * 100.0));
    let names = [wanted("sensitivity"), wanted("specificity")].concat();
    let points = landmarks(truth, scores, (&SHARES, &SHARES));
    let own = operating_points(truth, scores, [threshold]);
    let own = own.into_iter().map(|point| ("the model's".to_string(), point));
    Operating {
        landmarks: own.chain(names.into_iter().zip(points)).collect(),
        hundredths: operating_points(truth, scores, (0..=100).map(|share| f64::from(share) / 100.0)),
    }
}
