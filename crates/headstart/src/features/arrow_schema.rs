//! The schema that programs built on Apache Arrow (PyArrow, Polars) look for in a Parquet file's footer. Parquet has no lists
//! of a fixed length; by this schema such programs read them as what they are.
//!
//! The numbers and places below are those of Arrow's `Schema.fbs` and `Message.fbs`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flatbuffers::{FlatBufferBuilder, Push, TableFinishedWIPOffset, UOffsetT, VOffsetT, WIPOffset};

/// The key in the footer.
pub(super) const KEY: &str = "ARROW:schema";
/// Version 5 of the metadata, which Arrow has written since its version 1.0.
const METADATA_VERSION: i16 = 4;
/// The kind of a message that holds a schema.
const SCHEMA: u8 = 1;
/// Floating point of 32 bits.
const SINGLE: i16 = 1;
/// Kinds of values.
const FLOATING_POINT: u8 = 3;
const UTF8: u8 = 5;
const FIXED_SIZE_LIST: u8 = 16;

type Builder = FlatBufferBuilder<'static>;
type Table = WIPOffset<TableFinishedWIPOffset>;

/// A column of texts, or of lists of so many numbers, which may lack values.
#[derive(Clone, Copy)]
pub(super) struct Column<'a> {
    pub(super) name: &'a str,
    pub(super) nullable: bool,
    /// `None` of texts.
    pub(super) length: Option<usize>,
}

/// The schema of some columns, as text.
pub(super) fn arrow_schema(columns: &[Column<'_>]) -> String {
    let mut builder = Builder::new();
    let fields: Vec<Table> = columns.iter().map(|column| of_column(&mut builder, column)).collect();
    let fields = builder.create_vector(&fields);
    let schema = table(&mut builder, |fill| fill.put(1, fields));
    let message = table(&mut builder, |fill| {
        fill.put(0, METADATA_VERSION);
        fill.put(1, SCHEMA);
        fill.put(2, schema);
    });
    builder.finish_minimal(message);
    encapsulated(builder.finished_data())
}

fn of_column(builder: &mut Builder, column: &Column<'_>) -> Table {
    let Some(length) = column.length else {
        let text = table(builder, |_| ());
        return field(builder, (column.name, column.nullable), (UTF8, text), &[]);
    };
    let number = table(builder, |fill| fill.put(0, SINGLE));
    let number = field(builder, ("element", false), (FLOATING_POINT, number), &[]);
    let list = table(builder, |fill| fill.put(0, length as i32));
    field(builder, (column.name, column.nullable), (FIXED_SIZE_LIST, list), &[number])
}

fn field(
    builder: &mut Builder,
    (name, nullable): (&str, bool),
    (kind, of_kind): (u8, Table),
    children: &[Table],
) -> Table {
    let name = builder.create_string(name);
    let children = builder.create_vector(children);
    table(builder, |fill| {
        fill.put(0, name);
        fill.put(1, nullable);
        fill.put(2, kind);
        fill.put(3, of_kind);
        fill.put(5, children);
    })
}

/// What a table's slots are filled through.
struct Fill<'a>(&'a mut Builder);

impl Fill<'_> {
    fn put(&mut self, slot: VOffsetT, value: impl Push) {
        self.0.push_slot_always(4 + 2 * slot, value);
    }
}

fn table(builder: &mut Builder, fill: impl FnOnce(&mut Fill<'_>)) -> Table {
    let table = builder.start_table();
    fill(&mut Fill(builder));
    builder.end_table(table)
}

/// A message behind its length, in whole words of eight bytes.
fn encapsulated(message: &[u8]) -> String {
    let length = message.len().next_multiple_of(8);
    let mut bytes = vec![0xff; 4];
    bytes.extend((length as UOffsetT).to_le_bytes());
    bytes.extend(message);
    bytes.resize(8 + length, 0);
    BASE64_STANDARD.encode(bytes)
}
