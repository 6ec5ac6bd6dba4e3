//! A table of records with its facts: written from a stream, and read as one.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;

use super::facts::Facts;
use super::record::Record;
use super::sound::{self, guarded};
use super::table::{GROUP, properties, read_group, schema, write_group};
use crate::error::{Error, Result};

/// A table that grows. Memory holds one row group of it.
pub(super) struct PartWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    /// What it is called in errors.
    path: PathBuf,
    facts: Facts,
    waiting: Vec<Record>,
    rows: u64,
}

impl<W: Write + Send> PartWriter<W> {
    pub(super) fn new(to: W, path: &Path, facts: Facts) -> Result<Self> {
        let failed = |why| writing(path, why);
        let schema = schema(&facts.classes).map_err(failed)?;
        let writer = SerializedFileWriter::new(to, schema, properties()).map_err(failed)?;
        Ok(Self { writer, path: path.to_path_buf(), facts, waiting: Vec::with_capacity(GROUP), rows: 0 })
    }

    pub(super) fn add(&mut self, record: Record) -> Result<()> {
        self.rows += 1;
        self.waiting.push(record);
        if self.waiting.len() == GROUP { self.flush() } else { Ok(()) }
    }

    /// Writes what is left and the footer; returns the number of rows.
    pub(super) fn finish(mut self) -> Result<u64> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        for (key, value) in self.facts.pairs(self.rows) {
            self.writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        self.writer.close().map_err(|why| writing(&self.path, why))?;
        Ok(self.rows)
    }

    fn flush(&mut self) -> Result<()> {
        let written = write_group(&mut self.writer, &self.waiting, self.facts.classes.len());
        self.waiting.clear();
        written.map_err(|why| writing(&self.path, why))
    }
}

/// A finished part.
pub(super) struct PartReader {
    reader: SerializedFileReader<File>,
    path: PathBuf,
    facts: Facts,
    rows: u64,
}

impl PartReader {
    /// Reads the footer.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no table that headstart wrote.
    pub(super) fn open(file: File, path: &Path) -> Result<Self> {
        let reader = sound::open(file, path)?;
        let metadata = reader.metadata().file_metadata();
        let pairs = metadata.key_value_metadata().into_iter().flatten();
        let pairs = pairs.filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?))).collect();
        let (facts, rows) = Facts::read(&pairs, path)?;
        let expected = guarded(path, || schema(&facts.classes))?;
        let has_all_rows = u64::try_from(metadata.num_rows()) == Ok(rows);
        if metadata.schema().get_fields() != expected.get_fields() || !has_all_rows {
            return Err(Error::invalid(path, "the columns and rows that its footer names", "others"));
        }
        Ok(Self { reader, path: path.to_path_buf(), facts, rows })
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Hands out all records, one row group of them in memory.
    pub(super) fn each(&self, mut take: impl FnMut(Record) -> Result<()>) -> Result<()> {
        let mut found = 0;
        for group in 0..self.reader.num_row_groups() {
            let records = guarded(&self.path, || {
                read_group(self.reader.get_row_group(group)?.as_ref(), self.facts.classes.len())
            })?;
            found += records.len() as u64;
            records.into_iter().try_for_each(&mut take)?;
        }
        match found == self.rows {
            true => Ok(()),
            false => Err(Error::invalid(&self.path, format!("{} rows", self.rows), format!("{found}"))),
        }
    }
}

fn writing(path: &Path, why: ParquetError) -> Error {
    Error::io("write", path, as_io(why))
}

fn as_io(why: ParquetError) -> std::io::Error {
    match why {
        ParquetError::External(why) => why.downcast().map_or_else(std::io::Error::other, |why| *why),
        why => std::io::Error::other(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::record::{Scored, Status};
    use super::*;
    use crate::classifier::Verdict;
    use crate::random::Random;

    fn record(number: usize) -> Record {
        let path = format!("images/{number}.png");
        if number % 7 == 3 {
            let reason = Some("empty file".into());
            return Record { path, sha256: None, status: Status::Unusable, reason, scored: None };
        }
        let scored = Scored {
            class: number.is_multiple_of(3).then(|| "ä b".into()),
            scores: vec![number as f32 / 9.0, f32::MIN_POSITIVE],
            distance: Some(number as f64 / 7.0),
            verdict: Verdict::ALL[number % 3],
            oddness: number.is_multiple_of(2).then_some(1.5),
            unusual: number.is_multiple_of(2).then_some(number.is_multiple_of(4)),
        };
        let sha256 = Some(format!("{number:064x}"));
        Record { path, sha256, status: Status::Ok, reason: None, scored: Some(scored) }
    }

    fn facts() -> Facts {
        Facts {
            model: "m".repeat(64),
            manifest: "l".repeat(64),
            version: "1".into(),
            vector_level: "avx2".into(),
            shard: Some("1/3".parse().expect("a shard")),
            classes: vec!["ä b".into(), "c".into()],
            positive: 1,
            reference: None,
            verdicts: None,
        }
    }

    fn written(file: &Path, rows: usize) {
        let mut part = PartWriter::new(File::create(file).expect("creates"), file, facts()).expect("begins");
        (0..rows).for_each(|row| part.add(record(row)).expect("writes"));
        assert_eq!(part.finish().expect("finishes"), rows as u64);
    }

    fn opened(file: &Path) -> Result<PartReader> {
        PartReader::open(File::open(file).expect("opens"), file)
    }

    #[test]
    fn records_come_back_as_they_were_over_several_row_groups() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("part");
        for rows in [0, 1, GROUP + 5] {
            written(&file, rows);
            let part = opened(&file).expect("a part");
            assert_eq!((part.facts(), part.rows()), (&facts(), rows as u64));
            let mut number = 0;
            let same = part.each(|found| {
                assert_eq!(found, record(number));
                number += 1;
                Ok(())
            });
            same.expect("reads");
            assert_eq!(number, rows);
        }
    }

    /// No panic, and no endless work, whatever is in the file.
    #[test]
    fn a_damaged_part_is_an_error_or_readable() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("part");
        written(&file, 60);
        let whole = fs::read(&file).expect("reads");
        let mut random = Random::new(7, 0);
        let mut errors = 0;
        for round in 0..3000 {
            let mut bytes = whole.clone();
            for _ in 0..=round % 3 {
                // The footer is about half of a file as small as this one.
                let at = random.below(bytes.len());
                bytes[at] = random.below(256) as u8;
            }
            fs::write(&file, &bytes).expect("writes");
            errors += usize::from(opened(&file).and_then(|part| part.each(|_| Ok(()))).is_err());
        }
        assert!(errors > 1000, "{errors}");
    }
}
