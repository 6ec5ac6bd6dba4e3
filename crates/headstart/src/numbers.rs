//! Numbers as people read them.

/// With commas between thousands: 14,714,688.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Size of `parameters` in f32; MB are 1024² bytes, so that the figures are those of Keras.
pub(crate) fn megabytes(parameters: usize) -> String {
    format!("{:.2} MB", parameters as f64 * 4.0 / f64::from(1 << 20))
}

/// A share with one decimal: 92.8 %.
pub(crate) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", share * 100.0) } else { "unknown".into() }
}

/// Three decimals: 0.968.
pub(crate) fn decimals(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "unknown".into() }
}

/// A time: 48 s, 3 min 20 s, 2 h 05 min.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".into();
    }
    let whole = seconds.round();
    let (hours, minutes, rest) = ((whole / 3600.0).floor(), (whole / 60.0).floor() % 60.0, whole % 60.0);
    match whole {
        0.0..60.0 if seconds < 9.95 => format!("{seconds:.1} s"),
        0.0..60.0 => format!("{whole} s"),
        60.0..3600.0 => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        let numbers = [0, 999, 1000, 14_714_688].map(thousands);
        assert_eq!(numbers, ["0", "999", "1,000", "14,714,688"]);
    }

    #[test]
    fn sizes_are_those_of_keras() {
        assert_eq!(megabytes(14_714_688), "56.13 MB");
    }

    #[test]
    fn shares_times_and_the_unknown() {
        assert_eq!((percent(0.928), decimals(f64::NAN)), ("92.8 %".into(), "unknown".into()));
        assert_eq!(
            [9.94, 59.4, 59.6, 200.0, 7500.0].map(duration),
            ["9.9 s", "59 s", "1 min 0 s", "3 min 20 s", "2 h 05 min"]
        );
    }
}
