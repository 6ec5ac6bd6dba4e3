//! Records as a Parquet table: its columns, and how a row group is written and read.

use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::reader::RowGroupReader;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::record::{Record, Scored, Status};
use crate::classifier::Verdict;

type Result<T> = std::result::Result<T, ParquetError>;

/// Rows of a group: what is in memory at a time.
pub(super) const GROUP: usize = 8192;
/// Columns in which values come again and again.
const REPEATED: [&str; 4] = ["status", "reason", "class", "verdict"];

/// The columns of a model of these classes.
pub(super) fn schema(classes: &[String]) -> Result<TypePtr> {
    let text = |name: &str, repetition| column(name, Physical::BYTE_ARRAY, repetition);
    let maybe = |name: &str, kind| column(name, kind, Repetition::OPTIONAL);
    let mut fields = vec![
        text("path", Repetition::REQUIRED)?,
        text("sha256", Repetition::OPTIONAL)?,
        text("status", Repetition::REQUIRED)?,
        text("reason", Repetition::OPTIONAL)?,
        text("class", Repetition::OPTIONAL)?,
    ];
    for class in classes {
        fields.push(maybe(&format!("score_{class}"), Physical::FLOAT)?);
    }
    fields.push(maybe("distance", Physical::DOUBLE)?);
    fields.push(text("verdict", Repetition::OPTIONAL)?);
    fields.push(maybe("oddness", Physical::DOUBLE)?);
    fields.push(maybe("unusual", Physical::BOOLEAN)?);
    Ok(Arc::new(Type::group_type_builder("headstart").with_fields(fields).build()?))
}

fn column(name: &str, kind: Physical, repetition: Repetition) -> Result<TypePtr> {
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
pub(super) fn properties() -> WriterPropertiesPtr {
    let plain =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false);
    let repeated = |properties: parquet::file::properties::WriterPropertiesBuilder, name: &str| {
        properties.set_column_dictionary_enabled(ColumnPath::from(name), true)
    };
    Arc::new(REPEATED.into_iter().fold(plain, repeated).build())
}

/// Appends records as one row group.
pub(super) fn write_group<W: std::io::Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    records: &[Record],
    classes: usize,
) -> Result<()> {
    let mut group = writer.next_row_group()?;
    let scored = |pick: &dyn Fn(&Scored) -> Option<ByteArray>| -> Vec<Option<ByteArray>> {
        records.iter().map(|record| pick(record.scored.as_ref()?)).collect()
    };
    required(&mut group, records.iter().map(|record| record.path.as_str().into()).collect())?;
    text(&mut group, records.iter().map(|record| record.sha256.as_deref()))?;
    required(&mut group, records.iter().map(|record| record.status.word().into()).collect())?;
    text(&mut group, records.iter().map(|record| record.reason.as_deref()))?;
    optional::<ByteArrayType>(&mut group, scored(&|scored| scored.class.as_deref().map(ByteArray::from)))?;
    let numbers = |pick: &dyn Fn(&Scored) -> Option<f64>| -> Vec<Option<f64>> {
        records.iter().map(|record| pick(record.scored.as_ref()?)).collect()
    };
    for class in 0..classes {
        let scores = records.iter().map(|record| Some(record.scored.as_ref()?.scores[class]));
        optional::<FloatType>(&mut group, scores.collect())?;
    }
    optional::<DoubleType>(&mut group, numbers(&|scored| scored.distance))?;
    optional::<ByteArrayType>(&mut group, scored(&|scored| Some(scored.verdict.word().into())))?;
    optional::<DoubleType>(&mut group, numbers(&|scored| scored.oddness))?;
    let unusual = records.iter().map(|record| record.scored.as_ref()?.unusual);
    optional::<BoolType>(&mut group, unusual.collect())?;
    group.close().map(drop)
}

type Group<'a, W> = SerializedRowGroupWriter<'a, W>;

fn text<'t, W: std::io::Write + Send>(
    group: &mut Group<'_, W>,
    values: impl Iterator<Item = Option<&'t str>>,
) -> Result<()> {
    optional::<ByteArrayType>(group, values.map(|value| value.map(ByteArray::from)).collect())
}

fn required<W: std::io::Write + Send>(group: &mut Group<'_, W>, values: Vec<ByteArray>) -> Result<()> {
    write::<ByteArrayType, W>(group, &values, None)
}

fn optional<T: DataType>(
    group: &mut Group<'_, impl std::io::Write + Send>,
    values: Vec<Option<T::T>>,
) -> Result<()> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<T::T> = values.into_iter().flatten().collect();
    write::<T, _>(group, &present, Some(&levels))
}

fn write<T: DataType, W: std::io::Write + Send>(
    group: &mut Group<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    let mut column = group.next_column()?.ok_or_else(|| wrong("one more column"))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

/// The records of a row group, of a table with [`schema`] of these classes.
pub(super) fn read_group(group: &dyn RowGroupReader, classes: usize) -> Result<Vec<Record>> {
    let rows = usize::try_from(group.metadata().num_rows()).map_err(|_| wrong("a number of rows"))?;
    let mut of = Columns { group, rows, next: 0 };
    let [path, sha256, status, reason, class] = [(); 5].map(|()| of.text());
    let scores = (0..classes).map(|_| of.optional::<FloatType>()).collect::<Result<Vec<_>>>()?;
    let (distance, verdict) = (of.optional::<DoubleType>()?, of.text()?);
    let (oddness, unusual) = (of.optional::<DoubleType>()?, of.optional::<BoolType>()?);
    let mut texts = [path?, sha256?, status?, reason?, class?];
    let mut record = |row: usize| {
        let [path, sha256, status, reason, class] = texts.each_mut().map(|column| column[row].take());
        let scored = |word: &str| -> Result<Scored> {
            let scores = scores.iter().map(|column| column[row]).collect::<Option<_>>();
            Ok(Scored {
                class,
                scores: scores.ok_or_else(|| wrong("a score for each class"))?,
                distance: distance[row],
                verdict: known(&Verdict::ALL, |verdict| verdict.word(), word, "a verdict")?,
                oddness: oddness[row],
                unusual: unusual[row],
            })
        };
        Ok(Record {
            path: path.ok_or_else(|| wrong("a path"))?,
            sha256,
            status: known(&Status::ALL, |s| s.word(), &status.unwrap_or_default(), "a status")?,
            reason,
            scored: verdict[row].as_deref().map(scored).transpose()?,
        })
    };
    (0..rows).map(&mut record).collect()
}

/// What stands for `word`.
fn known<T: Copy>(all: &[T], word_of: impl Fn(T) -> &'static str, word: &str, what: &str) -> Result<T> {
    all.iter().copied().find(|one| word_of(*one) == word).ok_or_else(|| wrong(what))
}

fn wrong(expected: &str) -> ParquetError {
    ParquetError::General(format!("{expected} was expected"))
}

/// The columns of a row group, one after the other.
struct Columns<'a> {
    group: &'a dyn RowGroupReader,
    rows: usize,
    next: usize,
}

impl Columns<'_> {
    /// A value or none for each row. The column's type was checked with the schema.
    fn optional<T: DataType>(&mut self) -> Result<Vec<Option<T::T>>> {
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
        match spread.len() == self.rows {
            true => Ok(spread),
            false => Err(wrong(&format!("{} values in a column", self.rows))),
        }
    }

    fn text(&mut self) -> Result<Vec<Option<String>>> {
        let text = |value: ByteArray| value.as_utf8().map(str::to_owned);
        self.optional::<ByteArrayType>()?.into_iter().map(|value| value.map(text).transpose()).collect()
    }
}
