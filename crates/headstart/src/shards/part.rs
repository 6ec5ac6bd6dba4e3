//! A table of records with its facts: written from a stream, and read as one.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;

use super::columns::{properties, read_group, schema, write_group};
use super::facts::{Facts, Footer};
use super::maker::{Kind, Maker};
use super::record::Record;
use super::sound::{self, guarded};
use crate::error::{Error, Result};

/// A table that grows. Memory holds one row group of it.
pub(super) struct PartWriter<M: Maker, W: Write + Send> {
    writer: SerializedFileWriter<W>,
    /// What it is called in errors.
    path: PathBuf,
    facts: Facts<M>,
    waiting: Vec<Record<M::Value>>,
    /// How many of those have a value.
    values: usize,
    rows: u64,
}

impl<M: Maker, W: Write + Send> PartWriter<M, W> {
    pub(super) fn new(to: W, path: &Path, facts: Facts<M>) -> Result<Self> {
        let failed = |why| writing(path, why);
        let schema = schema(&facts.maker).map_err(failed)?;
        let writer = SerializedFileWriter::new(to, schema, properties::<M>()).map_err(failed)?;
        Ok(Self { writer, path: path.to_path_buf(), facts, waiting: Vec::new(), values: 0, rows: 0 })
    }

    pub(super) fn add(&mut self, record: Record<M::Value>) -> Result<()> {
        self.rows += 1;
        self.values += usize::from(record.value.is_some());
        self.waiting.push(record);
        match self.facts.maker.fill_group(self.waiting.len(), self.values) {
            true => self.flush(),
            false => Ok(()),
        }
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
        let written = write_group(&mut self.writer, &self.facts.maker, &self.waiting);
        self.waiting.clear();
        self.values = 0;
        written.map_err(|why| writing(&self.path, why))
    }
}

/// A finished part.
pub(crate) struct PartReader<M> {
    reader: SerializedFileReader<File>,
    path: PathBuf,
    facts: Facts<M>,
    rows: u64,
}

/// What the rows of a finished part hold.
///
/// # Errors
/// [`Error::Invalid`] when it is no Parquet file, or of a kind that is not known.
pub(super) fn kind(file: File, path: &Path) -> Result<Kind> {
    Footer::kind_in(&pairs(&sound::open(file, path)?), path)
}

fn pairs(reader: &SerializedFileReader<File>) -> HashMap<String, String> {
    let pairs = reader.metadata().file_metadata().key_value_metadata().into_iter().flatten();
    pairs.filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?))).collect()
}

impl<M: Maker> PartReader<M> {
    /// Reads the footer.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no table that headstart wrote.
    pub(crate) fn open(file: File, path: &Path) -> Result<Self> {
        let reader = sound::open(file, path)?;
        let (facts, rows) = Facts::<M>::read(&pairs(&reader), path)?;
        let expected = guarded(path, || schema(&facts.maker))?;
        let metadata = reader.metadata().file_metadata();
        let has_all_rows = u64::try_from(metadata.num_rows()) == Ok(rows);
        if metadata.schema().get_fields() != expected.get_fields() || !has_all_rows {
            return Err(Error::invalid(path, "the columns and rows that its footer names", "others"));
        }
        Ok(Self { reader, path: path.to_path_buf(), facts, rows })
    }

    pub(crate) fn facts(&self) -> &Facts<M> {
        &self.facts
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Hands out all records, one row group of them in memory.
    pub(crate) fn each(&self, mut take: impl FnMut(Record<M::Value>) -> Result<()>) -> Result<()> {
        let mut found = 0;
        for group in 0..self.reader.num_row_groups() {
            let records = guarded(&self.path, || {
                read_group(self.reader.get_row_group(group)?.as_ref(), &self.facts.maker)
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
