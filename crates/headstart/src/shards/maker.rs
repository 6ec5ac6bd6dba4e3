//! What the rows of a part hold, and what makes it.

use std::collections::BTreeMap;
use std::io::Write;

use parquet::schema::types::TypePtr;

use super::columns::{ColumnsReader, ColumnsWriter, GROUP, Result as ColumnResult};
use super::facts::Footer;
use crate::error::Result;

/// What the rows of a part hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A model's answers.
    Scores,
    /// What a backbone's trunk puts out.
    Features,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Scores, Self::Features];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Scores => "scores",
            Self::Features => "features",
        }
    }

    /// The command that writes such parts.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Scores => "headstart score",
            Self::Features => "headstart features",
        }
    }
}

/// What makes the values of a part's rows, as its footer describes it: a model, or a backbone that is cut somewhere.
pub(crate) trait Maker: Clone + Sync {
    /// What it makes of one image.
    type Value: Send;
    const KIND: Kind;
    /// Columns in which values come again and again.
    const REPEATED: &'static [&'static str];

    /// Keys and values in the footer.
    fn pairs(&self) -> Vec<(&'static str, String)>;

    /// # Errors
    /// [`crate::Error::Invalid`] of a footer that lacks something.
    fn read(footer: &Footer<'_>) -> Result<Self>;

    /// What is the same in all parts of one job, and how it is called.
    fn identity(&self) -> Vec<(&'static str, String)>;

    /// The columns behind those that all parts have.
    fn columns(&self) -> ColumnResult<Vec<TypePtr>>;

    /// Writes them, with a value or none for each row.
    fn write<W: Write + Send>(
        &self,
        values: &[Option<&Self::Value>],
        columns: &mut ColumnsWriter<'_, W>,
    ) -> ColumnResult<()>;

    /// Reads them.
    fn values(&self, columns: &mut ColumnsReader<'_>) -> ColumnResult<Vec<Option<Self::Value>>>;

    /// Whether so many rows, of which so many have a value, make a row group, which is what memory holds at a time.
    fn fill_group(&self, rows: usize, _values: usize) -> bool {
        rows >= GROUP
    }

    /// More of the footer, for other programs.
    fn for_others(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::new()
    }
}
