//! Merging parts: all must be there, of one job and one vector level; then they are one table, and a summary.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Shard;
use super::facts::Facts;
use super::maker::{Kind, Maker};
use super::part::{self, PartReader, PartWriter};
use super::place::Place;
use super::record::Record;
use super::remote::Remote;
use super::tally::Tally;
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
    /// Where the parts are.
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
pub struct Merged<S> {
    /// Where the merged table is, or the list of the parts.
    pub table: String,
    /// Where the summary is.
    pub summary_file: String,
    /// What is in it.
    pub summary: S,
}

/// What sums records up besides the [`Tally`].
pub(crate) trait Sum<V> {
    type Summary: Serialize;
    fn add(&mut self, record: &Record<V>);
    fn finish(self, tally: Tally) -> Self::Summary;
}

/// Merges the parts of all shards, in their order, into `merged.parquet`, and writes `summary.json`, for which `begin` gets
/// what made them and the number of all rows. The table's bytes do not depend on the number of shards.
///
/// # Errors
/// [`Error::Incomplete`] when parts are missing; [`Error::Invalid`] when they do not belong together; [`Error::Io`].
pub(crate) fn merge<M: Maker, S: Sum<M::Value>>(
    request: &Merge<'_>,
    begin: impl FnOnce(&M, u64) -> S,
) -> Result<Merged<S::Summary>> {
    let remote = Remote::new();
    let place = Place::new(request.out, &remote)?;
    let parts = Parts::<M>::find(&place, request.allow_mixed)?;
    let facts = parts.facts();
    let mut sum = begin(&facts.maker, parts.rows.iter().sum());
    let mut tally = Tally::new(&facts.manifest, parts.rows.len() as u64);
    let take = |record: &Record<M::Value>| {
        tally.add(record);
        sum.add(record);
    };
    let table = match request.listing {
        true => parts.list(take)?,
        false => parts.merge(facts, take)?,
    };
    parts.mixture.tell(&mut tally);
    let summary = sum.finish(tally);
    write(&place, SUMMARY, &to_json(&summary))?;
    place.clear()?;
    let shown = |name| place.path(name).display().to_string();
    Ok(Merged { table: shown(table), summary_file: shown(SUMMARY), summary })
}

/// What the parts in a place hold, by the first that is there.
///
/// # Errors
/// [`Error::Invalid`] when there is none; [`Error::Io`].
pub fn kind_of(out: &str) -> Result<Kind> {
    let remote = Remote::new();
    let place = Place::new(out, &remote)?;
    let mut names = place.names()?;
    names.sort();
    let first = names.iter().find(|name| Shard::of_file_name(name).is_some());
    let first = first.ok_or_else(|| no_parts(&place))?;
    let path = place.path(first);
    part::kind(place.open(first)?.ok_or_else(|| gone(&path))?, &path)
}

fn no_parts(place: &Place<'_>) -> Error {
    Error::invalid(place.path(""), "parts that headstart score or headstart features wrote", "none")
}

fn gone(path: &Path) -> Error {
    Error::invalid(path, "a part", "nothing: it was removed")
}

/// The parts of all shards, which belong together.
struct Parts<'a, M> {
    place: &'a Place<'a>,
    first: Facts<M>,
    /// Of each shard.
    rows: Vec<u64>,
    mixture: Mixture,
}

/// A line of the list of parts.
#[derive(Serialize)]
struct Listed {
    part: String,
    rows: u64,
}

impl<'a, M: Maker> Parts<'a, M> {
    /// Finds the parts, all of them, and compares their footers.
    fn find(place: &'a Place<'a>, allow_mixed: bool) -> Result<Self> {
        let count = complete(place)?;
        let (mut first, mut rows, mut mixture) = (None, Vec::new(), Mixture::default());
        for index in 0..count {
            let (part, path) = open::<M>(place, index, count)?;
            let facts = part.facts();
            first.get_or_insert_with(|| facts.clone()).check_same(facts, &path)?;
            mixture.meet(facts);
            if !(allow_mixed || mixture.is_pure()) {
                return Err(mixture.refused(&path));
            }
            rows.push(part.rows());
        }
        let first = first.ok_or_else(|| no_parts(place))?;
        Ok(Self { place, first, rows, mixture })
    }

    /// Those of the merged table.
    fn facts(&self) -> Facts<M> {
        let joined = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join("+");
        Facts {
            version: joined(&self.mixture.versions),
            vector_level: joined(&self.mixture.levels),
            shard: None,
            ..self.first.clone()
        }
    }

    fn each(&self, mut take: impl FnMut(Record<M::Value>) -> Result<()>) -> Result<()> {
        let count = self.rows.len() as u64;
        (0..count).try_for_each(|index| open::<M>(self.place, index, count)?.0.each(&mut take))
    }

    /// Writes the merged table; returns its name.
    fn merge(&self, facts: Facts<M>, mut take: impl FnMut(&Record<M::Value>)) -> Result<&'static str> {
        let mut file = self.place.begin()?;
        let to = BufWriter::new(file.as_file_mut());
        let mut table = PartWriter::new(to, &self.place.path(TABLE), facts)?;
        self.each(|record| {
            take(&record);
            table.add(record)
        })?;
        table.finish()?;
        self.place.replace(file, TABLE)?;
        Ok(TABLE)
    }

    /// Writes the list of parts; returns its name.
    fn list(&self, mut take: impl FnMut(&Record<M::Value>)) -> Result<&'static str> {
        self.each(|record| {
            take(&record);
            Ok(())
        })?;
        let name = |index| shard(index, self.rows.len() as u64).file_name();
        let listed = (0..).zip(&self.rows).map(|(index, rows)| Listed { part: name(index), rows: *rows });
        write(self.place, LISTING, &to_json(&listed.collect::<Vec<_>>()))?;
        Ok(LISTING)
    }
}

/// The number of shards, of which every part is there.
fn complete(place: &Place<'_>) -> Result<u64> {
    let here = place.path("");
    let found: BTreeSet<Shard> = place.names()?.iter().filter_map(|name| Shard::of_file_name(name)).collect();
    let counts: BTreeSet<u64> = found.iter().map(|shard| shard.count()).collect();
    let count = match counts.iter().copied().collect::<Vec<_>>()[..] {
        [] => return Err(no_parts(place)),
        [count] => count,
        [first, .., last] => {
            let found = format!("some of {first} shards and some of {last}");
            return Err(Error::invalid(here, "the parts of one number of shards", found));
        }
    };
    let missing: Vec<u64> = (0..count).filter(|index| !found.contains(&shard(*index, count))).collect();
    match missing.is_empty() {
        true => Ok(count),
        false => Err(Error::Incomplete { path: here, expected: count, missing: named(&missing) }),
    }
}

fn shard(index: u64, count: u64) -> Shard {
    Shard::new(index, count).expect("a shard of a number of shards that was found")
}

/// A part, and its path.
fn open<M: Maker>(place: &Place<'_>, index: u64, count: u64) -> Result<(PartReader<M>, PathBuf)> {
    let shard = shard(index, count);
    let path = place.path(&shard.file_name());
    let part = PartReader::open(place.open(&shard.file_name())?.ok_or_else(|| gone(&path))?, &path)?;
    match part.facts().shard == Some(shard) {
        true => Ok((part, path)),
        false => Err(Error::invalid(path, "the shard that it is named after", "another one in its footer")),
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("names and numbers can be written as JSON")
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
    fn meet<M>(&mut self, facts: &Facts<M>) {
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

    fn tell(&self, tally: &mut Tally) {
        if !self.is_pure() {
            let warning = format!(
                "the parts were computed by {}: numbers may differ in their last digits",
                self.words()
            );
            tally.warnings.push(warning);
        }
        tally.versions = self.versions.iter().cloned().collect();
        tally.vector_levels = self.levels.iter().cloned().collect();
    }
}
