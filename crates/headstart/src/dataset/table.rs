//! `split.csv`: which image is in which split, in which group, and in which fold.

use std::io::Write;
use std::path::Path;

use super::{Dataset, Split};
use crate::csv_field::marked;
use crate::error::{Error, Result};

impl Dataset {
    /// Writes the columns `path,label,split,group`, and `fold` where `folds` are given: one for each
    /// sample, `None` for those that are never in training. `file` names it in errors.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn write_split(&self, folds: Option<&[Option<usize>]>, to: impl Write, file: &Path) -> Result<()> {
        let mut table = SplitTable::new(to, file, folds.is_some())?;
        for (index, sample) in self.samples.iter().enumerate() {
            let fold = folds.and_then(|folds| folds[index]);
            let image = [sample.path(), &self.classes[sample.label]];
            table.add(image, sample.split, sample.group.as_deref(), fold)?;
        }
        table.finish()
    }
}

/// The table as it is written.
pub(super) struct SplitTable<'a, W: Write> {
    table: csv::Writer<W>,
    file: &'a Path,
    fields: usize,
}

impl<'a, W: Write> SplitTable<'a, W> {
    pub(super) fn new(to: W, file: &'a Path, has_folds: bool) -> Result<Self> {
        let columns = ["path", "label", "split", "group", "fold"];
        let fields = columns.len() - usize::from(!has_folds);
        let mut table = Self { table: csv::Writer::from_writer(to), file, fields };
        table.write(columns)?;
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
        let [path, label, group] = [path, label, group.unwrap_or_default()].map(marked);
        self.write([&path, &label, split, &group, &fold])
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.table.flush().map_err(|why| Error::io("write", self.file, why))
    }

    fn write(&mut self, row: [&str; 5]) -> Result<()> {
        let written = self.table.write_record(&row[..self.fields]);
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
}
