//! One of several equal parts of a manifest's rows.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::error::Error;

/// Shards at most: their names have five digits.
const MOST: u64 = 100_000;

/// The part of a manifest that one process works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// All rows.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Shard `index`, from 0 on, of `count`.
    ///
    /// # Errors
    /// [`Error::Setting`] when there is no such shard.
    pub fn new(index: u64, count: u64) -> Result<Self, Error> {
        match index < count && count <= MOST {
            true => Ok(Self { index, count }),
            false => Err(invalid(format!("{index}/{count}"))),
        }
    }

    /// Its number, from 0 on.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many there are.
    pub fn count(self) -> u64 {
        self.count
    }

    /// Its rows of `total`: every row is in one shard, and shards differ by one row at most.
    pub(super) fn rows(self, total: u64) -> Range<u64> {
        let edge = |index: u64| (u128::from(index) * u128::from(total) / u128::from(self.count)) as u64;
        edge(self.index)..edge(self.index + 1)
    }

    /// The name of its part: `part-00003-of-00008.parquet`.
    pub(super) fn file_name(self) -> String {
        format!("part-{:05}-of-{:05}.parquet", self.index, self.count)
    }

    /// The shard of a part's name; `None` of another file.
    pub(super) fn of_file_name(name: &str) -> Option<Self> {
        let (index, count) = name.strip_prefix("part-")?.strip_suffix(".parquet")?.split_once("-of-")?;
        let shard = Self::new(index.parse().ok()?, count.parse().ok()?).ok()?;
        (shard.file_name() == name).then_some(shard)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            let number = |text: &str| text.trim().parse().ok();
            Some((number(index)?, number(count)?))
        });
        numbers.map_or_else(|| Err(invalid(text.into())), |(index, count)| Self::new(index, count))
    }
}

fn invalid(found: String) -> Error {
    let expected = format!("I/N with I from 0 on and below N, such as 0/8, and N at most {MOST}");
    Error::setting("shard", expected, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_shard() {
        for (total, count) in [(0, 3), (1, 7), (10, 3), (22, 7), (1_000_000_007, 8)] {
            let shards = (0..count).map(|index| Shard::new(index, count).expect("a shard").rows(total));
            let mut next = 0;
            for rows in shards {
                assert_eq!(rows.start, next);
                assert!(rows.end - rows.start <= total / count + 1);
                next = rows.end;
            }
            assert_eq!(next, total);
        }
        assert_eq!(Shard::new(7, 8).expect("a shard").rows(u64::MAX).end, u64::MAX);
    }

    #[test]
    fn it_is_read_and_named() {
        let shard: Shard = "3/8".parse().expect("a shard");
        assert_eq!(
            (shard.to_string().as_str(), shard.file_name().as_str()),
            ("3/8", "part-00003-of-00008.parquet")
        );
        assert_eq!(Shard::of_file_name(&shard.file_name()), Some(shard));
        for other in [
            "part-3-of-8.parquet",
            "part-00008-of-00008.parquet",
            "merged.parquet",
            "part-00003-of-00008.tmp",
        ] {
            assert_eq!(Shard::of_file_name(other), None, "{other}");
        }
        for wrong in ["8/8", "1", "-1/2", "0/0", "0/100001", "a/b"] {
            let found = wrong.parse::<Shard>().expect_err(wrong).to_string();
            assert!(found.starts_with("shard: expected I/N") && found.ends_with(wrong), "{found}");
        }
    }
}
