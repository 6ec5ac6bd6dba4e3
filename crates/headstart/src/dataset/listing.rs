//! What a CSV says of its images, in columns: a row takes few bytes more than its path has.

use std::path::{Path, PathBuf};

/// Paths in a folder, and what else is known of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    folder: PathBuf,
    /// One after the other.
    paths: String,
    /// Where each ends.
    ends: Vec<u32>,
    attributes: Vec<Attribute>,
}

/// A column of few different values.
#[derive(Debug, PartialEq, Eq)]
struct Attribute {
    name: String,
    column: usize,
    values: Vec<String>,
    /// Which of them each row has.
    chosen: Vec<u8>,
}

impl Listing {
    /// An empty one of files of which the named `columns` of a table tell more.
    pub(super) fn new(columns: Vec<(String, usize)>) -> Self {
        let attribute = |(name, column)| Attribute { name, column, values: vec![], chosen: vec![] };
        let attributes = columns.into_iter().map(attribute).collect();
        Self { attributes, ..Self::default() }
    }

    /// Says where the files are.
    pub(super) fn set_folder(&mut self, folder: PathBuf) {
        self.folder = folder;
    }

    /// The folder that paths are relative to.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a row: its path, and what it has in a column. `None` when the paths grow longer than 4 GiB together.
    pub(super) fn push<'a>(&mut self, path: &str, field: impl Fn(usize) -> &'a str) -> Option<()> {
        self.ends.push((self.paths.len() + path.len()).try_into().ok()?);
        self.paths.push_str(path);
        // A column with more values than a byte tells apart groups nothing: it is not kept.
        self.attributes.retain_mut(|attribute| attribute.push(field(attribute.column)).is_some());
        Some(())
    }

    pub(super) fn rows(&self) -> u32 {
        // Each row has a byte of the paths at least, and those end within 32 bits.
        self.ends.len() as u32
    }

    pub(super) fn path(&self, row: u32) -> &str {
        let row = row as usize;
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.paths[start..self.ends[row] as usize]
    }

    pub(super) fn file(&self, row: u32) -> PathBuf {
        self.folder.join(self.path(row))
    }

    /// Name and value of each attribute that the row has.
    pub(super) fn attributes(&self, row: u32) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.attributes.iter().map(move |attribute| {
            let value = &attribute.values[usize::from(attribute.chosen[row as usize])];
            (attribute.name.as_str(), value.as_str())
        });
        pairs.filter(|(_, value)| !value.is_empty())
    }
}

impl Attribute {
    /// Adds a row's value, `None` when there are too many different ones.
    fn push(&mut self, value: &str) -> Option<()> {
        let known = self.values.iter().position(|known| known == value);
        let number = known.unwrap_or_else(|| {
            self.values.push(value.into());
            self.values.len() - 1
        });
        self.chosen.push(number.try_into().ok()?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_their_path_and_their_attributes() {
        let mut listing = Listing::new(vec![("sex".into(), 2), ("age".into(), 0)]);
        listing.set_folder("data".into());
        listing.push("a/ä.png", |column| ["3", "", "f"][column]).expect("room");
        listing.push("b.png", |column| ["", "", "f"][column]).expect("room");
        assert_eq!([0, 1].map(|row| listing.path(row)), ["a/ä.png", "b.png"]);
        assert_eq!(listing.file(1), PathBuf::from("data/b.png"));
        let attributes = |row| listing.attributes(row).collect::<Vec<_>>();
        assert_eq!(attributes(0), [("sex", "f"), ("age", "3")]);
        assert_eq!(attributes(1), [("sex", "f")]);
    }

    #[test]
    fn a_column_of_many_values_is_not_kept() {
        let mut listing = Listing::new(vec![("age".into(), 0), ("number".into(), 1)]);
        let numbers: Vec<String> = (0..257).map(|number| number.to_string()).collect();
        for number in &numbers[..256] {
            listing.push("x", |column| [&numbers[7], number][column]).expect("room");
        }
        assert_eq!(listing.attributes(255).collect::<Vec<_>>(), [("age", "7"), ("number", "255")]);
        listing.push("x", |column| [&numbers[7], &numbers[256]][column]).expect("room");
        assert_eq!(listing.attributes(255).collect::<Vec<_>>(), [("age", "7")]);
    }
}
