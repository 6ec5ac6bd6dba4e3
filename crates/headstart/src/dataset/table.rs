//! `split.csv`: which image is in which split, in which group, and in which fold.

use std::io::Write;
use std::path::Path;

use super::Dataset;
use crate::error::{Error, Result};

impl Dataset {
    /// Writes the columns `path,label,split,group`, and `fold` where `folds` are given: one for each
    /// sample, `None` for those that are never in training. `file` names it in errors.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn write_split(&self, folds: Option<&[Option<usize>]>, to: impl Write, file: &Path) -> Result<()> {
        let failed = |why: csv::Error| Error::io("write", file, why.into());
        let mut table = csv::Writer::from_writer(to);
        let columns = ["path", "label", "split", "group", "fold"];
        let fields = columns.len() - usize::from(folds.is_none());
        table.write_record(&columns[..fields]).map_err(failed)?;
        for (index, sample) in self.samples.iter().enumerate() {
            let split = sample.split.map_or("", |split| split.name());
            let group = sample.group.as_deref().unwrap_or_default();
            let fold = folds.and_then(|folds| folds[index]).map(|fold| fold.to_string()).unwrap_or_default();
            let row = [sample.path(), &self.classes[sample.label], split, group, &fold];
            table.write_record(&row[..fields]).map_err(failed)?;
        }
        table.flush().map_err(|why| Error::io("write", file, why))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Split;
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
