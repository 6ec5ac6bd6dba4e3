//! A CSV with a row for each image. Memory does not grow with it.

use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::super::Shard;
use super::super::ahead::Take;
use super::super::source::Row;
use super::{Base, Hashing};
use crate::csv_field::unmarked;
use crate::dataset::path_column;
use crate::error::{Error, Result};

pub(super) struct Listed {
    file: File,
    name: PathBuf,
    base: Base,
    pub(super) rows: u64,
    path: usize,
    /// The column of the folder that paths are relative to.
    root: Option<usize>,
}

impl Listed {
    /// Finds the columns and counts the rows; also returns the file's SHA-256.
    pub(super) fn open(file: File, name: &Path, base: Base) -> Result<(Self, String)> {
        let mut reader = reader(Hashing::new(&file));
        let invalid = |why| invalid(name, why);
        let header = reader.headers().map_err(invalid)?;
        let names: Vec<&str> = header.iter().collect();
        let path = path_column(name, &names)?;
        let root = names.iter().position(|column| column.eq_ignore_ascii_case("root"));
        let (mut record, mut rows) = (csv::ByteRecord::new(), 0);
        while reader.read_byte_record(&mut record).map_err(invalid)? {
            rows += 1;
        }
        if rows == 0 {
            return Err(Error::invalid(name, "a row for each image", "no row"));
        }
        let digest = reader.into_inner().digest();
        Ok((Self { file, name: name.to_path_buf(), base, rows, path, root }, digest))
    }

    pub(super) fn each(&self, shard: Shard, take: &mut Take<'_>) -> Result<()> {
        let start = (&self.file).seek(SeekFrom::Start(0));
        start.map_err(|why| Error::io("read", &self.name, why))?;
        let mut reader = reader(BufReader::new(&self.file));
        let invalid = |why| invalid(&self.name, why);
        let (mut skipped, rows) = (csv::ByteRecord::new(), shard.rows(self.rows));
        for _ in 0..rows.start {
            reader.read_byte_record(&mut skipped).map_err(invalid)?;
        }
        let mut record = StringRecord::new();
        for _ in rows {
            if !reader.read_record(&mut record).map_err(invalid)? || !take(self.row(&record)?) {
                break;
            }
        }
        Ok(())
    }

    fn row(&self, record: &StringRecord) -> Result<Row> {
        let field = |column: usize| unmarked(record.get(column).unwrap_or_default());
        let path = field(self.path).replace('\\', "/");
        if path.is_empty() {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(Error::invalid(&self.name, "a path in each row", format!("none in line {line}")));
        }
        let source = match self.root.map(field).filter(|root| !root.is_empty()) {
            Some(root) => self.base.source(&format!("{}/{path}", root.replace('\\', "/"))),
            None => self.base.source(&path),
        }?;
        Ok(Row { path, source })
    }
}

fn reader<R: std::io::Read>(from: R) -> csv::Reader<R> {
    ReaderBuilder::new().trim(Trim::All).from_reader(from)
}

/// A disk that cannot be read is no wrong CSV.
fn invalid(name: &Path, why: csv::Error) -> Error {
    let found = why.to_string();
    match why.into_kind() {
        csv::ErrorKind::Io(why) => Error::io("read", name, why),
        _ => Error::invalid(name, "a CSV", found),
    }
}
