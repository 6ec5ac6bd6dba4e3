//! Parquet files that somebody may have damaged: the reader trusts what a footer and pages say of places and lengths, and
//! panics.

use std::cell::Cell;
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::error::{Error, Result};

/// Opens a Parquet file, of which all columns lie within the file.
///
/// # Errors
/// [`Error::Invalid`] when it is none, or damaged; [`Error::Io`] when it cannot be read.
pub(super) fn open(file: File, path: &Path) -> Result<SerializedFileReader<File>> {
    let length = file.metadata().map_err(|why| Error::io("read", path, why))?.len();
    let reader = guarded(path, || SerializedFileReader::new(file))?;
    match reader.metadata().row_groups().iter().all(|group| is_sound(group, length)) {
        true => Ok(reader),
        false => Err(Error::invalid(path, "a Parquet file", "one whose footer is damaged")),
    }
}

fn is_sound(group: &RowGroupMetaData, length: u64) -> bool {
    let rows = group.num_rows();
    rows >= 0 && group.columns().iter().all(|column| is_within(column, length))
}

fn is_within(column: &ColumnChunkMetaData, length: u64) -> bool {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let numbers = [start, column.data_page_offset(), column.compressed_size(), column.num_values()];
    let is_valid = numbers.iter().all(|number| *number >= 0) && column.uncompressed_size() >= 0;
    is_valid && start.checked_add(column.compressed_size()).is_some_and(|end| end as u64 <= length)
}

/// What the reader says of a file. A disk that cannot be read is no damaged file.
fn damaged(path: &Path, why: ParquetError) -> Error {
    match why {
        ParquetError::External(why) => match why.downcast() {
            Ok(why) => Error::io("read", path, *why),
            Err(why) => Error::invalid(path, "a Parquet file", why.to_string()),
        },
        why => Error::invalid(path, "a Parquet file", why.to_string()),
    }
}

thread_local! {
    /// Whether what this thread does may panic without anybody hearing of it.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Lets `read` read pages. On some damaged ones the reader panics, which is told as an error of the file at `path` and as nothing
/// else.
///
/// # Errors
/// [`Error::Invalid`] and [`Error::Io`] as [`open`].
pub(super) fn guarded<T>(
    path: &Path,
    read: impl FnOnce() -> std::result::Result<T, ParquetError>,
) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            if !IS_GUARDED.get() {
                usual(what);
            }
        }));
    });
    IS_GUARDED.set(true);
    let found = panic::catch_unwind(AssertUnwindSafe(read));
    IS_GUARDED.set(false);
    match found {
        Ok(read) => read.map_err(|why| damaged(path, why)),
        Err(_) => Err(Error::invalid(path, "a Parquet file", "one whose pages are damaged")),
    }
}
