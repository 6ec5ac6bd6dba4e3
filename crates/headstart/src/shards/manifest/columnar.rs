//! A Parquet table with a row for each image, of which only the column of paths is read, a few thousand rows at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::Type as Physical;
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::super::Shard;
use super::super::ahead::Take;
use super::super::sound::{self, guarded};
use super::super::source::Row;
use super::{Base, Hashing};
use crate::dataset::path_column;
use crate::error::{Error, Result};

/// Rows that are read at a time.
const ROWS: u64 = 4096;

pub(super) struct Columnar {
    reader: SerializedFileReader<File>,
    name: PathBuf,
    base: Base,
    pub(super) rows: u64,
    path: usize,
}

impl Columnar {
    /// Finds the column and the number of rows; also returns the file's SHA-256.
    pub(super) fn open(file: File, name: &Path, base: Base) -> Result<(Self, String)> {
        let unreadable = |why| Error::io("read", name, why);
        let mut hashing = Hashing::new(&file);
        std::io::copy(&mut hashing, &mut std::io::sink()).map_err(unreadable)?;
        let digest = hashing.digest();
        let reader = sound::open(file, name)?;
        let metadata = reader.metadata().file_metadata();
        let columns = metadata.schema_descr().columns();
        let names: Vec<&str> = columns.iter().map(|column| whole_name(column.path().parts())).collect();
        let path = path_column(name, &names)?;
        let column = &columns[path];
        if column.physical_type() != Physical::BYTE_ARRAY || column.max_rep_level() > 0 {
            let found = format!("another kind of column {}", names[path]);
            return Err(Error::invalid(name, "paths as text, one in each row", found));
        }
        let rows = metadata.num_rows().try_into().unwrap_or_default();
        if rows == 0 {
            return Err(Error::invalid(name, "a row for each image", "no row"));
        }
        Ok((Self { reader, name: name.to_path_buf(), base, rows, path }, digest))
    }

    pub(super) fn each(&self, shard: Shard, take: &mut Take<'_>) -> Result<()> {
        let wanted = shard.rows(self.rows);
        let mut first = 0;
        for group in 0..self.reader.num_row_groups() {
            let count = self.count(group);
            let [from, to] = [wanted.start, wanted.end].map(|row| row.clamp(first, first + count) - first);
            if from < to && !self.group(group, (from, to), first, take)? {
                break;
            }
            first += count;
        }
        Ok(())
    }

    fn count(&self, group: usize) -> u64 {
        self.reader.metadata().row_group(group).num_rows().try_into().unwrap_or_default()
    }

    /// Hands out rows `from..to` of a row group that begins at row `first`; returns whether more are wanted.
    fn group(&self, group: usize, (from, to): (u64, u64), first: u64, take: &mut Take<'_>) -> Result<bool> {
        let mut column = guarded(&self.name, || self.column(group, from))?;
        let mut next = from;
        while next < to {
            for path in guarded(&self.name, || read(&mut column, ROWS.min(to - next)))? {
                next += 1;
                if !take(self.row(path, first + next)?) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn column(&self, group: usize, skip: u64) -> Result<ColumnReaderImpl<ByteArrayType>, ParquetError> {
        let group = self.reader.get_row_group(group)?;
        let mut column = get_typed_column_reader::<ByteArrayType>(group.get_column_reader(self.path)?);
        column.skip_records(skip as usize)?;
        Ok(column)
    }

    fn row(&self, path: Option<ByteArray>, number: u64) -> Result<Row> {
        let path = path.as_ref().and_then(|path| path.as_utf8().ok()).filter(|path| !path.is_empty());
        let none = || Error::invalid(&self.name, "a path in each row", format!("none in row {number}"));
        let path = path.ok_or_else(none)?.replace('\\', "/");
        Ok(Row { source: self.base.source(&path)?, path })
    }
}

/// Columns inside of others are no paths.
fn whole_name(parts: &[String]) -> &str {
    match parts {
        [name] => name,
        _ => "",
    }
}

/// The next `count` values.
fn read(
    column: &mut ColumnReaderImpl<ByteArrayType>,
    count: u64,
) -> Result<Vec<Option<ByteArray>>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (rows, ..) = column.read_records(count as usize, Some(&mut levels), None, &mut values)?;
    if rows == 0 {
        return Err(ParquetError::EOF("fewer rows than the footer says".into()));
    }
    if levels.is_empty() {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels.iter().map(|level| if *level > 0 { values.next() } else { None }).collect())
}
