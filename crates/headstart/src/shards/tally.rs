//! What is told of every merged table, whatever its rows hold.

use std::collections::BTreeMap;

use serde::Serialize;

use super::record::{Record, Status};

/// Different reasons that are told one by one.
const REASONS: usize = 100;
/// What the others are counted as.
const OTHER_REASONS: &str = "other reasons";

/// Where a merged table comes from, and what became of its rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    /// SHA-256 of the manifest.
    pub manifest: String,
    /// Version of headstart that made it; several where a mixture was allowed.
    pub versions: Vec<String>,
    /// Instruction sets that computed it; several where a mixture was allowed.
    pub vector_levels: Vec<String>,
    /// Number of parts.
    pub shards: u64,
    /// Number of images.
    pub rows: u64,
    /// How many were used (`ok`), are no usable images (`unusable`), or could not be read (`unreadable`).
    pub status: BTreeMap<&'static str, u64>,
    /// Why there is nothing of an image, and how often.
    pub reasons: BTreeMap<String, u64>,
    /// What a user has to know.
    pub warnings: Vec<String>,
}

impl Tally {
    pub(super) fn new(manifest: &str, shards: u64) -> Self {
        let status = Status::ALL.map(|status| (status.word(), 0)).into();
        Self { manifest: manifest.into(), shards, status, ..Self::default() }
    }

    pub(super) fn add<V>(&mut self, record: &Record<V>) {
        self.rows += 1;
        *self.status.entry(record.status.word()).or_default() += 1;
        if let Some(reason) = &record.reason {
            let is_told = self.reasons.contains_key(reason) || self.reasons.len() < REASONS;
            let told = if is_told { reason.clone() } else { OTHER_REASONS.into() };
            *self.reasons.entry(told).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_what_became_of_them_and_reasons_are_not_without_end() {
        let mut tally = Tally::new("m", 1);
        for row in 0..300 {
            let (path, reason) = (String::new(), Some(format!("reason {}", row % 150)));
            tally.add(&Record::<()> { path, sha256: None, status: Status::Unusable, reason, value: None });
        }
        assert_eq!((tally.rows, tally.status["ok"], tally.status["unusable"]), (300, 0, 300));
        assert_eq!((tally.reasons.len(), tally.reasons["reason 7"]), (REASONS + 1, 2));
        assert_eq!(tally.reasons[OTHER_REASONS], 100);
    }
}
