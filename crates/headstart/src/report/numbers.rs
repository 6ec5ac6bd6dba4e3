//! Intervals as people read them.

use crate::evaluate::Estimate;

/// An interval of shares: 90.5 to 94.6 %.
pub(super) fn percent_interval(estimate: &Estimate) -> String {
    format!("{:.1} to {:.1} %", estimate.low * 100.0, estimate.high * 100.0)
}

/// An interval with three decimals: 0.952 to 0.981.
pub(super) fn decimal_interval(estimate: &Estimate) -> String {
    format!("{:.3} to {:.3}", estimate.low, estimate.high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_from_low_to_high() {
        let estimate = Estimate { value: 0.928, low: 0.905, high: 0.946 };
        assert_eq!(percent_interval(&estimate), "90.5 to 94.6 %");
        assert_eq!(decimal_interval(&estimate), "0.905 to 0.946");
    }
}
