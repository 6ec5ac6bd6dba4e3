//! Dates of runs, in UTC.

use std::fmt;

use time::OffsetDateTime;

/// A point in time, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(OffsetDateTime);

/// The present.
pub fn now() -> Moment {
    Moment(OffsetDateTime::now_utc())
}

impl Moment {
    /// As part of a file's name: `2026-11-27-194421`.
    pub fn for_names(self) -> String {
        let (date, time) = (self.0.date(), self.0.time());
        format!("{date}-{:02}{:02}{:02}", time.hour(), time.minute(), time.second())
    }
}

/// RFC 3339: `2026-11-27T19:44:21Z`.
impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date(), self.0.time());
        let text = format!("{date}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second());
        formatter.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_reads_as_one() {
        let moment = Moment(OffsetDateTime::from_unix_timestamp(1_078_013_045).expect("in range"));
        assert_eq!(moment.to_string(), "2004-02-29T00:04:05Z");
        assert_eq!(moment.for_names(), "2004-02-29-000405");
    }
}
