//! What a part says of itself, in its footer.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::Shard;
use super::maker::{Kind, Maker};
use crate::error::{Error, Result};

/// What comes before every key.
const PREFIX: &str = "headstart.";
/// The key of a [`Kind`]. Parts of older versions lack it, and hold scores.
const KIND: &str = "kind";
/// Letters of a SHA-256 in hexadecimal.
const HASH: usize = 64;

/// By what, from which manifest and on which machine a table was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts<M> {
    pub(crate) maker: M,
    /// SHA-256 of the manifest.
    pub(crate) manifest: String,
    /// Of headstart.
    pub(crate) version: String,
    /// The instruction set that computed the values.
    pub(crate) vector_level: String,
    /// `None` of a merged table.
    pub(crate) shard: Option<Shard>,
}

impl<M: Maker> Facts<M> {
    /// Keys and values of a table of `rows`.
    pub(super) fn pairs(&self, rows: u64) -> Vec<(String, String)> {
        let always = [
            (KIND, M::KIND.word().to_owned()),
            ("manifest", self.manifest.clone()),
            ("version", self.version.clone()),
            ("vector_level", self.vector_level.clone()),
            ("rows", rows.to_string()),
        ];
        let shard = self.shard.map(|shard| ("shard", shard.to_string()));
        let own = always.into_iter().chain(self.maker.pairs()).chain(shard);
        let others = self.maker.for_others().into_iter().map(|(key, value)| (key.to_owned(), value));
        own.map(|(key, value)| (format!("{PREFIX}{key}"), value)).chain(others).collect()
    }

    /// The facts in a footer, and the number of rows there.
    ///
    /// # Errors
    /// [`Error::Invalid`] of a table that headstart did not write, or of another kind.
    pub(super) fn read(pairs: &HashMap<String, String>, path: &Path) -> Result<(Self, u64)> {
        let footer = Footer { pairs, path, wanted: M::KIND };
        let kind = footer.kind()?;
        if kind != M::KIND {
            return Err(Error::invalid(
                path,
                written_by(M::KIND),
                format!("one that {} wrote", kind.command()),
            ));
        }
        let facts = Self {
            maker: M::read(&footer)?,
            manifest: footer.required("manifest")?.to_owned(),
            version: footer.required("version")?.to_owned(),
            vector_level: footer.required("vector_level")?.to_owned(),
            shard: footer.text("shard").map(|_| footer.parsed("shard")).transpose()?,
        };
        Ok((facts, footer.parsed("rows")?))
    }

    /// Checks that `other`, of a part in `path`, comes from the same maker and manifest as this.
    ///
    /// # Errors
    /// [`Error::Invalid`] saying which differs.
    pub(super) fn check_same(&self, other: &Self, path: &Path) -> Result<()> {
        let all = |facts: &Self| {
            let mut all = facts.maker.identity();
            all.push(("manifest with SHA-256", facts.manifest.clone()));
            all
        };
        for ((what, expected), (_, found)) in all(self).into_iter().zip(all(other)) {
            if expected != found {
                let expected = format!("a part of the {what} {}", short(&expected));
                return Err(Error::invalid(path, expected, format!("one of {}", short(&found))));
            }
        }
        Ok(())
    }
}

/// Of a hash enough to tell it from others.
fn short(value: &str) -> &str {
    if value.len() == HASH { value.get(..12).unwrap_or(value) } else { value }
}

fn written_by(kind: Kind) -> String {
    format!("a table that {} wrote", kind.command())
}

/// The keys and values at the end of a table.
pub(crate) struct Footer<'a> {
    pairs: &'a HashMap<String, String>,
    path: &'a Path,
    wanted: Kind,
}

impl<'a> Footer<'a> {
    /// What the rows of the table hold.
    pub(super) fn kind_in(pairs: &'a HashMap<String, String>, path: &'a Path) -> Result<Kind> {
        Self { pairs, path, wanted: Kind::Scores }.kind()
    }

    fn kind(&self) -> Result<Kind> {
        let Some(word) = self.text(KIND) else { return Ok(Kind::Scores) };
        Kind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| self.missing(KIND))
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.pairs.get(&format!("{PREFIX}{key}")).map(String::as_str)
    }

    pub(crate) fn required(&self, key: &str) -> Result<&'a str> {
        self.text(key).ok_or_else(|| self.missing(key))
    }

    pub(crate) fn parsed<T: FromStr>(&self, key: &str) -> Result<T> {
        self.required(key)?.parse().map_err(|_| self.missing(key))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        serde_json::from_str(self.required(key)?).map_err(|_| self.missing(key))
    }

    pub(crate) fn missing(&self, key: &str) -> Error {
        let found = format!("no {PREFIX}{key} in its footer");
        Error::invalid(self.path, written_by(self.wanted), found)
    }
}
