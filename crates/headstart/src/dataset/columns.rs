//! The columns of a CSV of images: which is which, and what a row says.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use csv::StringRecord;

use super::{Split, groups};
use crate::csv_field::unmarked;
use crate::error::{Error, Result};

/// What a row says.
pub(super) struct Row<'a> {
    pub(super) line: u64,
    /// With `/`.
    pub(super) path: String,
    pub(super) label: &'a str,
    pub(super) split: Option<Split>,
    pub(super) group: Option<Cow<'a, str>>,
}

/// Names of the columns of paths and labels, the usual one first; the others are those of Hugging Face, Keras, CheXpert
/// and NIH's ChestX-ray14. In any case.
const PATHS: [&str; 8] =
    ["path", "file_name", "filename", "file", "filepath", "image_path", "image", "image index"];
const LABELS: [&str; 4] = ["label", "class", "finding labels", "diagnosis"];
/// Names of the column that says which images belong together.
const GROUPS: [&str; 6] = ["group", "patient", "patient_id", "patientid", "patient id", "subject"];

/// Columns that say nothing of an image: `fold` is what `split` wrote for cross-validation elsewhere.
const SILENT: &str = "fold";
/// What parts the labels of an image that has several, as in NIH's ChestX-ray14; here an image has one.
const SEVERAL: char = '|';

/// Where among a table's columns the paths are.
///
/// # Errors
/// A table without such a column.
pub(crate) fn path_column(file: &Path, names: &[&str]) -> Result<usize> {
    find(file, names, &PATHS)
}

/// Where the first of `wanted` is, in any case.
fn find(file: &Path, names: &[&str], wanted: &[&str]) -> Result<usize> {
    let place = |wanted: &&str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    wanted.iter().find_map(place).ok_or_else(|| {
        let (last, others) = wanted.split_last().expect("a column has a name");
        let expected = format!("a column {} or {last}", others.join(", "));
        Error::invalid(file, expected, format!("the columns {}", names.join(", ")))
    })
}

/// Where the fields are.
pub(super) struct Columns {
    path: usize,
    label: usize,
    group: Option<usize>,
    split: Option<usize>,
    pub(super) root: Option<usize>,
}

impl Columns {
    /// Those that are known, and the names and places of further ones.
    pub(super) fn find(file: &Path, header: &StringRecord) -> Result<(Self, Vec<(String, usize)>)> {
        if let Some(name) = repeated(header) {
            return Err(Error::invalid(file, "columns of different names", format!("two columns {name}")));
        }
        let optional = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        let names: Vec<&str> = header.iter().collect();
        let (path, label) = (find(file, &names, &PATHS)?, find(file, &names, &LABELS)?);
        let (group, split) = (GROUPS.iter().find_map(|name| optional(name)), optional("split"));
        let root = optional("root");
        let known = [Some(path), Some(label), group, split, root, optional(SILENT)];
        let further =
            header.iter().enumerate().filter(|(at, name)| !known.contains(&Some(*at)) && !name.is_empty());
        let further = further.map(|(at, name)| (name.to_string(), at)).collect();
        Ok((Self { path, label, group, split, root }, further))
    }

    pub(super) fn row<'a>(
        &self,
        (file, folder): (&Path, &Path),
        record: &'a StringRecord,
    ) -> Result<Row<'a>> {
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: usize| unmarked(record.get(column).unwrap_or_default());
        let required = |column: usize, what: &str| match field(column) {
            "" => Err(Error::invalid(file, what, format!("none in line {line}"))),
            value => Ok(value),
        };
        let path = required(self.path, "a path in each row")?.replace('\\', "/");
        let label = required(self.label, "a label in each row")?;
        if label.contains(SEVERAL) {
            let found = format!("{label} in line {line}, which names several classes");
            return Err(Error::invalid(file, "one class for each image", found));
        }
        let split = self.split.map(field).filter(|split| !split.is_empty());
        let split = split.map(|name| {
            let found = || format!("{name} in line {line}");
            Split::from_name(name)
                .ok_or_else(|| Error::invalid(file, "a split train, validation or test", found()))
        });
        let split = split.transpose()?;
        let group = match self.group {
            Some(column) => Some(field(column)).filter(|group| !group.is_empty()).map(Cow::Borrowed),
            None => groups::of_file(&path, &folder.join(&path)).map(Cow::Owned),
        };
        Ok(Row { line, path, label, split, group })
    }
}

/// The first name that a column before it has, too, in any case.
fn repeated(header: &StringRecord) -> Option<&str> {
    let mut known = HashSet::new();
    header.iter().find(|name| !name.is_empty() && !known.insert(name.to_lowercase()))
}
