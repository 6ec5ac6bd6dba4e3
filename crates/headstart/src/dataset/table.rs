//! `split.csv`: which image is in which split, in which group, and in which fold.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Dataset, Split};
use crate::csv_field::marked;
use crate::error::{Error, Result};

impl Dataset {
    /// Writes the columns `path,label,split,group`, and `fold` where `folds` are given: one for each
    /// sample, `None` for those that are never in training. A table that lies elsewhere than the images gets a column
    /// `root`, so that [`Dataset::open`] finds them. `file` is where the table will lie.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn write_split(&self, folds: Option<&[Option<usize>]>, to: impl Write, file: &Path) -> Result<()> {
        let mut table = SplitTable::new(to, file, (folds.is_some(), root(self.images_folder(), file)))?;
        for (index, sample) in self.samples.iter().enumerate() {
            let fold = folds.and_then(|folds| folds[index]);
            let image = [sample.path(), &self.classes[sample.label]];
            table.add(image, sample.split, sample.group.as_deref(), fold)?;
        }
        table.finish()
    }
}

/// What the column `root` of the table `file` says of the folder `images`: a path from the table's folder to one within
/// it, or an absolute path; `None` where the table lies beside the images.
pub(super) fn root(images: Option<&Path>, file: &Path) -> Option<String> {
    let here =
        |path: &Path| if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_path_buf() };
    let whole = |path: &Path| std::fs::canonicalize(here(path)).or_else(|_| std::path::absolute(here(path)));
    let images = whole(images?).ok()?;
    let folder = whole(file.parent().unwrap_or(Path::new(""))).ok()?;
    let root = images.strip_prefix(&folder).unwrap_or(&images);
    let parts: Vec<_> = root.iter().map(|part| part.to_string_lossy()).collect();
    match parts.is_empty() {
        true => None,
        false if root.is_absolute() => Some(root.to_string_lossy().into_owned()),
        false => Some(parts.join("/")),
    }
}

/// The table as it is written.
pub(super) struct SplitTable<'a, W: Write> {
    table: csv::Writer<W>,
    file: &'a Path,
    has_folds: bool,
    root: Option<String>,
}

impl<'a, W: Write> SplitTable<'a, W> {
    pub(super) fn new(to: W, file: &'a Path, (has_folds, root): (bool, Option<String>)) -> Result<Self> {
        let mut table = Self { table: csv::Writer::from_writer(to), file, has_folds, root };
        table.write(["path", "label", "split", "group"], "fold", "root")?;
        Ok(table)
    }

    /// A row of `[path, label]` and what else there is.
    pub(super) fn add(
        &mut self,
        [path, label]: [&str; 2],
        split: Option<Split>,
        group: Option<&str>,
        fold: Option<usize>,
    ) -> Result<()> {
        let split = split.map_or("", Split::name);
        let fold = fold.map(|fold| fold.to_string()).unwrap_or_default();
        let root = self.root.clone().unwrap_or_default();
        let [path, label, group] = [path, label, group.unwrap_or_default()].map(marked);
        self.write([&path, &label, split, &group], &fold, &root)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.table.flush().map_err(|why| Error::io("write", self.file, why))
    }

    fn write(&mut self, row: [&str; 4], fold: &str, root: &str) -> Result<()> {
        let fold = self.has_folds.then_some(fold);
        let root = self.root.as_ref().map(|_| root);
        let written = self.table.write_record(row.into_iter().chain(fold).chain(root));
        written.map_err(|why| Error::io("write", self.file, why.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::dataset;
    use super::*;

    fn written(dataset: &Dataset, folds: Option<&[Option<usize>]>) -> String {
        let mut bytes = Vec::new();
        dataset.write_split(folds, &mut bytes, Path::new("split.csv")).expect("writes");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_row_for_each_image() {
        let mut data = dataset(&[1, 1], |class, _| (class == 1).then(|| "a, b".into()));
        data.samples[0].split = Some(Split::Test);
        data.samples[1].split = Some(Split::Train);
        let plain = "path,label,split,group\nclass0/0000,class0,test,\nclass1/0000,class1,train,\"a, b\"\n";
        assert_eq!(written(&data, None), plain);
        let folds = "path,label,split,group,fold\nclass0/0000,class0,test,,\n\
                     class1/0000,class1,train,\"a, b\",3\n";
        assert_eq!(written(&data, Some(&[None, Some(3)])), folds);
    }

    #[test]
    fn a_table_elsewhere_says_where_the_images_are() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = std::fs::canonicalize(place.path()).expect("a path");
        std::fs::create_dir_all(folder.join("data/images")).expect("creates");
        std::fs::create_dir_all(folder.join("runs")).expect("creates");
        let root = |images: &str, file: &str| root(Some(&folder.join(images)), &folder.join(file));
        assert_eq!(root("data", "data/split.csv"), None);
        assert_eq!(root("data/images", "split.csv").as_deref(), Some("data/images"));
        let whole = folder.join("data").display().to_string();
        assert_eq!(root("data", "runs/split.csv"), Some(whole));
        assert_eq!(super::root(None, &folder.join("split.csv")), None);
    }
}
