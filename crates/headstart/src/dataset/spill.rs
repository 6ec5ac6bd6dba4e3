//! Rows in the order of a key, on disk: memory holds one part of many at a time.

use std::io::{Seek, SeekFrom};

use csv::{ReaderBuilder, Writer, WriterBuilder};
use serde::{Deserialize, Serialize};
use tempfile::SpooledTempFile;

use super::Split;
use crate::error::{Error, Result};

/// Of a million rows a part then has some four thousand.
const PARTS: usize = 256;
/// Bytes of a part that need no file yet.
const IN_MEMORY: usize = 1 << 14;

/// A row of a table, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Keyed {
    pub(super) key: u64,
    /// Of the row in the table, from 0 on.
    pub(super) number: u64,
    pub(super) line: u64,
    pub(super) path: String,
    pub(super) label: usize,
    pub(super) split: Option<Split>,
    pub(super) group: Option<String>,
}

impl Keyed {
    /// Whether it may be trained with: not held out.
    pub(super) fn is_trainable(&self) -> bool {
        matches!(self.split, None | Some(Split::Train))
    }
}

/// Rows on their way to disk: a file without a name for each range of keys, in the system's folder for temporary files
/// once it has more than a few. Keys are spread evenly, so that a part, which is in memory at a time, is a 256th.
pub(super) struct Spill {
    parts: Vec<Writer<SpooledTempFile>>,
}

impl Spill {
    pub(super) fn new() -> Self {
        let part = || {
            let file = SpooledTempFile::new(IN_MEMORY);
            WriterBuilder::new().has_headers(false).buffer_capacity(IN_MEMORY / 4).from_writer(file)
        };
        Self { parts: (0..PARTS).map(|_| part()).collect() }
    }

    pub(super) fn add(&mut self, row: &Keyed) -> Result<()> {
        let part = (row.key >> (u64::BITS - PARTS.ilog2())) as usize;
        self.parts[part].serialize(row).map_err(|why| failed("write", why.into()))
    }

    /// All rows are there.
    pub(super) fn finish(self) -> Result<Spilled> {
        let part = |part: Writer<SpooledTempFile>| {
            part.into_inner().map_err(|why| failed("write", why.into_error()))
        };
        Ok(Spilled { parts: self.parts.into_iter().map(part).collect::<Result<_>>()? })
    }
}

/// The rows, to be read as often as needed.
pub(super) struct Spilled {
    parts: Vec<SpooledTempFile>,
}

impl Spilled {
    /// Hands out the rows of each key, in the order of the keys; those of one key in their own order.
    pub(super) fn each(&mut self, mut take: impl FnMut(&mut [Keyed]) -> Result<()>) -> Result<()> {
        for part in &mut self.parts {
            let mut rows = read(part).map_err(|why| failed("read", why))?;
            rows.sort_unstable_by_key(|row| (row.key, row.number));
            rows.chunk_by_mut(|left, right| left.key == right.key).try_for_each(&mut take)?;
        }
        Ok(())
    }
}

fn read(part: &mut SpooledTempFile) -> std::io::Result<Vec<Keyed>> {
    part.seek(SeekFrom::Start(0))?;
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(part);
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

fn failed(action: &'static str, why: std::io::Error) -> Error {
    Error::io(action, std::env::temp_dir().join("temporary file"), why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn row(key: u64, number: u64) -> Keyed {
        let path = format!("a \"b\",\n{number}.png");
        let (split, group) = (Split::ALL.get(number as usize % 4).copied(), Some("p, 7".into()));
        Keyed {
            key,
            number,
            line: number + 2,
            path,
            label: 1,
            split,
            group: group.filter(|_| number.is_multiple_of(2)),
        }
    }

    #[test]
    fn rows_come_back_in_the_order_of_their_keys_twice() {
        let mut random = Random::new(7, 0);
        let mut rows: Vec<Keyed> = (0..5000).map(|number| row(random.bits(), number)).collect();
        rows[17].key = rows[3].key;
        let mut spill = Spill::new();
        rows.iter().for_each(|row| spill.add(row).expect("room"));
        let mut spilled = spill.finish().expect("room");
        rows.sort();
        for _ in 0..2 {
            let (mut found, mut most) = (Vec::new(), 0);
            let each = spilled.each(|rows| {
                most = most.max(rows.len());
                found.extend_from_slice(rows);
                Ok(())
            });
            each.expect("reads");
            assert_eq!((most, found == rows), (2, true));
        }
    }
}
