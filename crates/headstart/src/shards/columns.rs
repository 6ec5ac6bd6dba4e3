//! Records as a Parquet table: the columns that all parts have, and how a row group is written and read.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterPropertiesPtr};
use parquet::file::reader::RowGroupReader;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::maker::Maker;
use super::record::{Record, Status};

pub(crate) type Result<T> = std::result::Result<T, ParquetError>;

/// Rows of a group, unless its values are large.
pub(super) const GROUP: usize = 8192;
/// Of the columns that all parts have those in which values come again and again.
const REPEATED: [&str; 2] = ["status", "reason"];

/// The columns of a maker's parts.
pub(super) fn schema<M: Maker>(maker: &M) -> Result<TypePtr> {
    let text = |name: &str, repetition| column(name, Physical::BYTE_ARRAY, repetition);
    let mut fields = vec![
        text("path", Repetition::REQUIRED)?,
        text("sha256", Repetition::OPTIONAL)?,
        text("status", Repetition::REQUIRED)?,
        text("reason", Repetition::OPTIONAL)?,
    ];
    fields.extend(maker.columns()?);
    Ok(Arc::new(Type::group_type_builder("headstart").with_fields(fields).build()?))
}

/// A column of texts (`BYTE_ARRAY`) or numbers.
pub(crate) fn column(name: &str, kind: Physical, repetition: Repetition) -> Result<TypePtr> {
    let builder = Type::primitive_type_builder(name, kind).with_repetition(repetition);
    let builder = match kind {
        Physical::BYTE_ARRAY => {
            builder.with_logical_type(Some(LogicalType::String)).with_converted_type(ConvertedType::UTF8)
        }
        _ => builder,
    };
    builder.build().map(Arc::new)
}

/// How it is written: the same rows give the same bytes.
pub(super) fn properties<M: Maker>() -> WriterPropertiesPtr {
    let plain =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false);
    let repeated = |properties: WriterPropertiesBuilder, name: &&str| {
        properties.set_column_dictionary_enabled(ColumnPath::from(*name), true)
    };
    Arc::new(REPEATED.iter().chain(M::REPEATED).fold(plain, repeated).build())
}

/// Appends records as one row group.
pub(super) fn write_group<M: Maker, W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    maker: &M,
    records: &[Record<M::Value>],
) -> Result<()> {
    let mut columns = ColumnsWriter { group: writer.next_row_group()? };
    columns.required(records.iter().map(|record| record.path.as_str().into()).collect())?;
    columns.text(records.iter().map(|record| record.sha256.as_deref()))?;
    columns.required(records.iter().map(|record| record.status.word().into()).collect())?;
    columns.text(records.iter().map(|record| record.reason.as_deref()))?;
    let values: Vec<Option<&M::Value>> = records.iter().map(|record| record.value.as_ref()).collect();
    maker.write(&values, &mut columns)?;
    columns.group.close().map(drop)
}

/// The records of a row group, of a table with [`schema`] of this maker.
pub(super) fn read_group<M: Maker>(group: &dyn RowGroupReader, maker: &M) -> Result<Vec<Record<M::Value>>> {
    let rows = usize::try_from(group.metadata().num_rows()).map_err(|_| wrong("a number of rows"))?;
    let mut columns = ColumnsReader { group, rows, next: 0 };
    let [path, sha256, status, reason] = [(); 4].map(|()| columns.text());
    let mut texts = [path?, sha256?, status?, reason?];
    let mut record = |(row, value): (usize, Option<M::Value>)| {
        let [path, sha256, status, reason] = texts.each_mut().map(|column| column[row].take());
        Ok(Record {
            path: path.ok_or_else(|| wrong("a path"))?,
            sha256,
            status: known(&Status::ALL, |s| s.word(), &status.unwrap_or_default(), "a status")?,
            reason,
            value,
        })
    };
    maker.values(&mut columns)?.into_iter().enumerate().map(&mut record).collect()
}

/// What stands for `word`.
pub(crate) fn known<T: Copy>(
    all: &[T],
    word_of: impl Fn(T) -> &'static str,
    word: &str,
    what: &str,
) -> Result<T> {
    all.iter().copied().find(|one| word_of(*one) == word).ok_or_else(|| wrong(what))
}

pub(crate) fn wrong(expected: &str) -> ParquetError {
    ParquetError::General(format!("{expected} was expected"))
}

/// The columns of a row group that is written, one after the other.
pub(crate) struct ColumnsWriter<'a, W: Write> {
    group: SerializedRowGroupWriter<'a, W>,
}

impl<W: Write + Send> ColumnsWriter<'_, W> {
    pub(crate) fn text<'t>(&mut self, values: impl Iterator<Item = Option<&'t str>>) -> Result<()> {
        self.optional::<ByteArrayType>(values.map(|value| value.map(ByteArray::from)).collect())
    }

    fn required(&mut self, values: Vec<ByteArray>) -> Result<()> {
        self.write::<ByteArrayType>(&values, None)
    }

    pub(crate) fn optional<T: DataType>(&mut self, values: Vec<Option<T::T>>) -> Result<()> {
        let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
        let present: Vec<T::T> = values.into_iter().flatten().collect();
        self.write::<T>(&present, Some(&levels))
    }

    fn write<T: DataType>(&mut self, values: &[T::T], levels: Option<&[i16]>) -> Result<()> {
        let mut column = self.group.next_column()?.ok_or_else(|| wrong("one more column"))?;
        column.typed::<T>().write_batch(values, levels, None)?;
        column.close()
    }

    /// An optional column of lists of one length, whose values are not optional.
    pub(crate) fn lists(&mut self, values: &[Option<&Vec<f32>>]) -> Result<()> {
        let mut column = self.group.next_column()?.ok_or_else(|| wrong("one more column"))?;
        let length = values.iter().flatten().map(|row| row.len()).max().unwrap_or_default();
        let present = vec![PRESENT; length];
        let repeated: Vec<i16> = (0..length).map(|place| i16::from(place > 0)).collect();
        for row in values {
            match row {
                Some(row) => column.typed::<FloatType>().write_batch(row, Some(&present), Some(&repeated)),
                None => column.typed::<FloatType>().write_batch(&[], Some(&[0]), Some(&[0])),
            }?;
        }
        column.close()
    }
}

/// The definition level of a value in a list.
const PRESENT: i16 = 2;

/// The columns of a row group that is read, one after the other.
pub(crate) struct ColumnsReader<'a> {
    group: &'a dyn RowGroupReader,
    rows: usize,
    next: usize,
}

impl ColumnsReader<'_> {
    /// A value or none for each row. The column's type was checked with the schema.
    pub(crate) fn optional<T: DataType>(&mut self) -> Result<Vec<Option<T::T>>> {
        let mut column = get_typed_column_reader::<T>(self.group.get_column_reader(self.next)?);
        self.next += 1;
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (rows, ..) = column.read_records(self.rows, Some(&mut levels), None, &mut values)?;
        // A required column has no levels.
        let is_required = levels.is_empty() && values.len() == rows;
        let mut values = values.into_iter();
        let spread: Vec<Option<T::T>> = match is_required {
            true => values.map(Some).collect(),
            false => levels.iter().map(|level| if *level > 0 { values.next() } else { None }).collect(),
        };
        self.all_rows(spread)
    }

    pub(crate) fn text(&mut self) -> Result<Vec<Option<String>>> {
        let text = |value: ByteArray| value.as_utf8().map(str::to_owned);
        self.optional::<ByteArrayType>()?.into_iter().map(|value| value.map(text).transpose()).collect()
    }

    /// What [`ColumnsWriter::lists`] wrote of lists of `length` values.
    pub(crate) fn lists(&mut self, length: usize) -> Result<Vec<Option<Vec<f32>>>> {
        let mut column = get_typed_column_reader::<FloatType>(self.group.get_column_reader(self.next)?);
        self.next += 1;
        let (mut present, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
        column.read_records(self.rows, Some(&mut present), Some(&mut repeated), &mut values)?;
        let (mut present, mut values) = (present.into_iter().zip(repeated).peekable(), values.into_iter());
        let mut lists = Vec::with_capacity(self.rows.min(GROUP));
        while let Some((level, _)) = present.next() {
            let more = std::iter::from_fn(|| present.next_if(|(_, repeated)| *repeated > 0));
            let is_whole = more.filter(|(level, _)| *level == PRESENT).count() + 1 == length;
            let list: Vec<f32> = values.by_ref().take(if level == PRESENT { length } else { 0 }).collect();
            match (level, is_whole && list.len() == length) {
                (PRESENT, true) => lists.push(Some(list)),
                (0, _) => lists.push(None),
                _ => return Err(wrong(&format!("a list of {length} values"))),
            }
        }
        self.all_rows(lists)
    }

    fn all_rows<T>(&self, found: Vec<T>) -> Result<Vec<T>> {
        match found.len() == self.rows {
            true => Ok(found),
            false => Err(wrong(&format!("{} values in a column", self.rows))),
        }
    }
}
