//! Merging parts: all must be there, of one job and one vector level; then they are one table, and a summary.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde::Serialize;

use super::Shard;
use super::facts::Facts;
use super::part::{PartReader, PartWriter};
use super::place::Place;
use super::remote::Remote;
use super::summary::{Summary, Summing};
use crate::error::{Error, Result};

/// Names of what is written.
const TABLE: &str = "merged.parquet";
const LISTING: &str = "parts.json";
const SUMMARY: &str = "summary.json";
/// Missing shards that are named.
const NAMED: usize = 20;

/// What to merge, and how.
#[derive(Debug, Clone, Copy)]
pub struct Merge<'a> {
    /// Where the parts are, as [`Job::out`](super::Job::out).
    pub out: &'a str,
    /// Write a list of the parts, and no merged table.
    pub listing: bool,
    /// Also merge parts that machines of different vector levels, or different versions of headstart, computed.
    pub allow_mixed: bool,
}

impl<'a> Merge<'a> {
    /// One table of all parts in `out`.
    pub fn new(out: &'a str) -> Self {
        Self { out, listing: false, allow_mixed: false }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Where the merged table is, or the list of the parts.
    pub table: String,
    /// Where the summary is.
    pub summary_file: String,
    /// What is in it.
    pub summary: Summary,
}

/// Merges the parts of all shards, in their order, into `merged.parquet`, and writes `summary.json`. The table's bytes do
/// not depend on the number of shards.
///
/// # Errors
/// [`Error::Incomplete`] when parts are missing; [`Error::Invalid`] when they do not belong together; [`Error::Io`].
pub fn merge(request: &Merge<'_>) -> Result<Merged> {
    let remote = Remote::new();
    let place = Place::new(request.out, &remote)?;
    let parts = Parts::find(&place)?;
    let (facts, mixture) = parts.agree(request.allow_mixed)?;
    let mut summary = match request.listing {
        true => parts.list(&facts)?,
        false => parts.merge(&facts)?,
    };
    mixture.tell(&mut summary);
    let text = serde_json::to_string_pretty(&summary).expect("names and numbers can be written as JSON");
    write(&place, SUMMARY, &text)?;
    place.clear()?;
    let shown = |name| place.path(name).display().to_string();
    let table = shown(if request.listing { LISTING } else { TABLE });
    Ok(Merged { table, summary_file: shown(SUMMARY), summary })
}

/// The parts of all shards.
struct Parts<'a> {
    place: &'a Place<'a>,
    count: u64,
    /// Of each shard: facts and rows.
    footers: Vec<(Facts, u64)>,
}

/// A line of the list of parts.
#[derive(Serialize)]
struct Listed {
    part: String,
    rows: u64,
}

impl<'a> Parts<'a> {
    /// Finds the parts, all of them, and reads their footers.
    fn find(place: &'a Place<'a>) -> Result<Self> {
        let here = place.path("");
        let found: BTreeSet<Shard> =
            place.names()?.iter().filter_map(|name| Shard::of_file_name(name)).collect();
        let counts: BTreeSet<u64> = found.iter().map(|shard| shard.count()).collect();
        let count = match counts.iter().copied().collect::<Vec<_>>()[..] {
            [] => return Err(Error::invalid(here, "parts that headstart score wrote", "none")),
            [count] => count,
            [first, .., last] => {
                let found = format!("some of {first} shards and some of {last}");
                return Err(Error::invalid(here, "the parts of one number of shards", found));
            }
        };
        let missing: Vec<u64> =
            (0..count).filter(|index| !found.iter().any(|shard| shard.index() == *index)).collect();
        if !missing.is_empty() {
            return Err(Error::Incomplete { path: here, expected: count, missing: named(&missing) });
        }
        let mut parts = Self { place, count, footers: Vec::new() };
        for index in 0..count {
            let part = parts.open(index)?;
            parts.footers.push((part.facts().clone(), part.rows()));
        }
        Ok(parts)
    }

    fn name(&self, index: u64) -> String {
        Shard::new(index, self.count).expect("a shard that was found").file_name()
    }

    fn open(&self, index: u64) -> Result<PartReader> {
        let name = self.name(index);
        let path = self.place.path(&name);
        let gone = || Error::invalid(&path, "a part", "nothing: it was removed");
        let part = PartReader::open(self.place.open(&name)?.ok_or_else(gone)?, &path)?;
        let named = Shard::of_file_name(&name);
        match part.facts().shard == named {
            true => Ok(part),
            false => {
                Err(Error::invalid(path, "the shard that it is named after", "another one in its footer"))
            }
        }
    }

    /// What all parts have in common, for the merged table.
    fn agree(&self, allow_mixed: bool) -> Result<(Facts, Mixture)> {
        let (first, _) = &self.footers[0];
        let mut mixture = Mixture::default();
        for (index, (facts, _)) in (0..).zip(&self.footers) {
            let path = self.place.path(&self.name(index));
            first.check_same(facts, &path)?;
            mixture.meet(facts);
            if !(allow_mixed || mixture.is_pure()) {
                return Err(mixture.refused(&path));
            }
        }
        let facts = Facts {
            version: mixture.versions.iter().cloned().collect::<Vec<_>>().join("+"),
            vector_level: mixture.levels.iter().cloned().collect::<Vec<_>>().join("+"),
            shard: None,
            ..first.clone()
        };
        Ok((facts, mixture))
    }

    fn rows(&self) -> u64 {
        self.footers.iter().map(|(_, rows)| rows).sum()
    }

    fn merge(&self, facts: &Facts) -> Result<Summary> {
        let mut file = self.place.begin()?;
        let to = BufWriter::new(file.as_file_mut());
        let mut table = PartWriter::new(to, &self.place.path(TABLE), facts.clone())?;
        let mut summing = Summing::new(facts, self.count, self.rows());
        for index in 0..self.count {
            self.open(index)?.each(|record| {
                summing.add(&record);
                table.add(record)
            })?;
        }
        table.finish()?;
        self.place.replace(file, TABLE)?;
        Ok(summing.finish())
    }

    fn list(&self, facts: &Facts) -> Result<Summary> {
        let mut summing = Summing::new(facts, self.count, self.rows());
        for index in 0..self.count {
            self.open(index)?.each(|record| {
                summing.add(&record);
                Ok(())
            })?;
        }
        let listed =
            |(index, (_, rows)): (u64, &(Facts, u64))| Listed { part: self.name(index), rows: *rows };
        let listed: Vec<Listed> = (0..).zip(&self.footers).map(listed).collect();
        let text = serde_json::to_string_pretty(&listed).expect("names and numbers can be written as JSON");
        write(self.place, LISTING, &text)?;
        Ok(summing.finish())
    }
}

fn write(place: &Place<'_>, name: &str, text: &str) -> Result<()> {
    let mut file = place.begin()?;
    writeln!(file, "{text}").map_err(|why| Error::io("write", place.path(name), why))?;
    place.replace(file, name)
}

/// Numbers, of which the first are named.
fn named(missing: &[u64]) -> String {
    let mut words: Vec<String> = missing.iter().take(NAMED).map(u64::to_string).collect();
    if missing.len() > NAMED {
        words.push(format!("and {} more", missing.len() - NAMED));
    }
    words.join(", ")
}

/// Which machines and programs computed the parts.
#[derive(Default)]
struct Mixture {
    levels: BTreeSet<String>,
    versions: BTreeSet<String>,
}

impl Mixture {
    fn meet(&mut self, facts: &Facts) {
        self.levels.insert(facts.vector_level.clone());
        self.versions.insert(facts.version.clone());
    }

    fn is_pure(&self) -> bool {
        self.levels.len() < 2 && self.versions.len() < 2
    }

    /// What there are several of.
    fn words(&self) -> String {
        let listed = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(" and ");
        match self.levels.len() > 1 {
            true => format!("vector levels {}", listed(&self.levels)),
            false => format!("versions {} of headstart", listed(&self.versions)),
        }
    }

    fn refused(&self, path: &Path) -> Error {
        let expected = "parts of one vector level and one version of headstart, which compute the same bits";
        let found = format!("{}; they are merged only where a mixture is allowed", self.words());
        Error::invalid(path, expected, found)
    }

    fn tell(self, summary: &mut Summary) {
        if !self.is_pure() {
            let warning = format!(
                "the parts were computed by {}: scores may differ in their last digits",
                self.words()
            );
            summary.warnings.insert(0, warning);
        }
        summary.versions = self.versions.into_iter().collect();
        summary.vector_levels = self.levels.into_iter().collect();
    }
}
