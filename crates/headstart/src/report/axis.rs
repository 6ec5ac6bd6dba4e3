//! Ticks at round numbers (Heckbert 1990, "Nice numbers for graph labels").

/// A range of values whose ends and ticks are round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// The narrowest round range around `values`, with about `ticks` steps of 1, 2 or 5 times a power
    /// of ten. Values that are not finite are left out; without any it goes from 0 to 1.
    pub(super) fn around(values: impl Iterator<Item = f64>, ticks: f64) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = match () {
            () if low > high => (0.0, 1.0),
            () if low == high => (low - 0.5, high + 0.5),
            () => (low, high),
        };
        let step = round_step((high - low) / ticks);
        // A value on a tick must not be moved a whole step by its last bit.
        let down = (low / step + 1e-9).floor();
        let up = (high / step - 1e-9).ceil();
        Self { low: down * step, high: up * step, step }
    }

    /// Where `value` lies from 0 at the low end to 1 at the high end.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// From the low end to the high end.
    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> {
        let (first, step) = (self.low / self.step, self.step);
        let count = (self.high / self.step - first).round();
        std::iter::successors(Some(0.0), |tick| Some(tick + 1.0))
            .take_while(move |tick| *tick <= count)
            .map(move |tick| (first + tick).round() * step)
    }

    /// `tick` with as many digits as the step needs.
    pub(super) fn label(&self, tick: f64) -> String {
        if self.step >= 1e5 {
            return format!("{tick:.0e}");
        }
        let mut decimals = 0;
        while decimals < 8 && self.step * 10f64.powi(decimals) < 0.999 {
            decimals += 1;
        }
        format!("{:.*}", decimals.unsigned_abs() as usize, tick)
    }
}

/// 1, 2 or 5 times a power of ten, at least `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        let axis = Axis::around(values.iter().copied(), 5.0);
        axis.ticks().map(|tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&[0.0, 0.93]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&[0.83, 1.0]), ["0.80", "0.85", "0.90", "0.95", "1.00"]);
        assert_eq!(labels(&[0.0, 37.0]), ["0", "10", "20", "30", "40"]);
        assert_eq!(labels(&[-1.0, 1.0]), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn one_value_none_and_no_numbers_have_a_range() {
        assert_eq!(labels(&[0.5]).first().map(String::as_str), Some("0.0"));
        assert_eq!(labels(&[]), labels(&[0.0, 1.0]));
        assert_eq!(labels(&[f64::NAN, f64::INFINITY]), labels(&[0.0, 1.0]));
    }

    #[test]
    fn the_ends_are_shares_0_and_1() {
        let axis = Axis::around([2.0, 8.0].into_iter(), 3.0);
        assert_eq!((axis.share(2.0), axis.share(5.0), axis.share(8.0)), (0.0, 0.5, 1.0));
    }
}
