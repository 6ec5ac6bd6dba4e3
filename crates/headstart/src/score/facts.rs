//! What a part says of itself, in its footer.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Shard;
use crate::classifier::VerdictCounts;
use crate::error::{Error, Result};
use crate::evaluate::Reference;

/// What comes before every key.
const PREFIX: &str = "headstart.";

/// By which model, manifest and machine a table was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    /// SHA-256 of the model's file.
    pub(super) model: String,
    /// SHA-256 of the manifest.
    pub(super) manifest: String,
    /// Of headstart.
    pub(super) version: String,
    /// The instruction set that computed the scores.
    pub(super) vector_level: String,
    /// `None` of a merged table.
    pub(super) shard: Option<Shard>,
    pub(super) classes: Vec<String>,
    pub(super) positive: usize,
    /// What was measured of the model's validation images.
    pub(super) reference: Option<Reference>,
    /// Verdicts of those; `None` in parts of older models.
    pub(super) verdicts: Option<VerdictCounts>,
}

impl Facts {
    /// Keys and values of a table of `rows`.
    pub(super) fn pairs(&self, rows: u64) -> Vec<(String, String)> {
        let shard = self.shard.map(|shard| ("shard", shard.to_string()));
        let always = [
            ("model", self.model.clone()),
            ("manifest", self.manifest.clone()),
            ("version", self.version.clone()),
            ("vector_level", self.vector_level.clone()),
            ("classes", to_json(&self.classes)),
            ("positive", self.positive.to_string()),
            ("reference", to_json(&self.reference)),
            ("rows", rows.to_string()),
        ];
        let verdicts = self.verdicts.map(|verdicts| ("verdicts", to_json(&verdicts)));
        always
            .into_iter()
            .chain(shard)
            .chain(verdicts)
            .map(|(key, value)| (format!("{PREFIX}{key}"), value))
            .collect()
    }

    /// The facts in a footer, and the number of rows there.
    ///
    /// # Errors
    /// [`Error::Invalid`] of a table that headstart did not write.
    pub(super) fn read(pairs: &HashMap<String, String>, path: &Path) -> Result<(Self, u64)> {
        let text = |key: &'static str| pairs.get(&format!("{PREFIX}{key}"));
        let required = |key| text(key).ok_or_else(|| missing(path, key));
        let shard = text("shard").map(|text| parsed(text, path, "shard")).transpose()?;
        let facts = Self {
            model: required("model")?.clone(),
            manifest: required("manifest")?.clone(),
            version: required("version")?.clone(),
            vector_level: required("vector_level")?.clone(),
            shard,
            classes: from_json(required("classes")?, path, "classes")?,
            positive: parsed(required("positive")?, path, "positive")?,
            reference: from_json(required("reference")?, path, "reference")?,
            verdicts: text("verdicts").map(|text| from_json(text, path, "verdicts")).transpose()?,
        };
        Ok((facts, parsed(required("rows")?, path, "rows")?))
    }

    /// Checks that `other`, of a part in `path`, comes from the same model and manifest as this.
    ///
    /// # Errors
    /// [`Error::Invalid`] saying which differs.
    pub(super) fn check_same(&self, other: &Self, path: &Path) -> Result<()> {
        let pairs = [("model", &self.model, &other.model), ("manifest", &self.manifest, &other.manifest)];
        for (what, expected, found) in pairs {
            if expected != found {
                let expected = format!("a part of the {what} with SHA-256 {}", short(expected));
                return Err(Error::invalid(path, expected, format!("one of {}", short(found))));
            }
        }
        Ok(())
    }
}

/// Enough of a hash to tell it from others.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn missing(path: &Path, key: &str) -> Error {
    Error::invalid(path, "a table that headstart score wrote", format!("no {PREFIX}{key} in its footer"))
}

fn parsed<T: FromStr>(text: &str, path: &Path, key: &str) -> Result<T> {
    text.parse().map_err(|_| missing(path, key))
}

fn from_json<T: DeserializeOwned>(text: &str, path: &Path, key: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| missing(path, key))
}

/// Plain values as JSON.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("names and numbers can be written as JSON")
}
