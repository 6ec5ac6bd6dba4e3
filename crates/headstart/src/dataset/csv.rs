//! A CSV with a row for each image: its path, its label and perhaps `group`, `split` and `root`.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::columns::{Columns, Row};
use super::listing::Listing;
use super::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::regular;

/// Paths are relative to the column `root`, which is the same folder in each row and itself relative to the CSV, or to
/// the CSV where there is none. Without a column of groups the files tell the patients, or their paths. Rows with an
/// empty group stand alone, those with an empty split are still to be cut.
pub(super) fn open(path: &Path) -> Result<Dataset> {
    let mut table = Table::open(path)?;
    let mut rows = Rows::new(path, std::mem::take(&mut table.further));
    let folder = table.each(|row, record| rows.add(&row, record))?;
    rows.listing.set_folder(folder);
    rows.dataset()
}

/// A CSV of images, of which the header is read.
pub(super) struct Table<'a> {
    file: &'a Path,
    reader: csv::Reader<File>,
    columns: Columns,
    /// Names and places of the columns that are not known.
    further: Vec<(String, usize)>,
}

impl<'a> Table<'a> {
    pub(super) fn open(file: &'a Path) -> Result<Self> {
        let opened = regular::open(file).map_err(|why| Error::io("read", file, why))?;
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(opened);
        let header = reader.headers().map_err(|why| Error::invalid(file, "a CSV", why.to_string()))?;
        let (columns, further) = Columns::find(file, header)?;
        Ok(Self { file, reader, columns, further })
    }

    /// Hands out one row after the other, and all of its fields. The folder that their paths are relative to is returned.
    pub(super) fn each(
        mut self,
        mut take: impl FnMut(Row<'_>, &StringRecord) -> Result<()>,
    ) -> Result<PathBuf> {
        let mut record = StringRecord::new();
        let mut root = Root::new(self.file);
        let invalid = |why: csv::Error| Error::invalid(self.file, "a CSV", why.to_string());
        while self.reader.read_record(&mut record).map_err(invalid)? {
            let line = record.position().map_or(0, csv::Position::line);
            root.meet(self.columns.root.and_then(|column| record.get(column)), line)?;
            take(self.columns.row((self.file, &root.folder), &record)?, &record)?;
        }
        Ok(root.folder)
    }
}

/// The folder that the paths of a table are relative to.
struct Root<'a> {
    file: &'a Path,
    /// As the first row names it.
    named: Option<String>,
    folder: PathBuf,
}

impl<'a> Root<'a> {
    fn new(file: &'a Path) -> Self {
        Self { file, named: None, folder: file.parent().unwrap_or(Path::new("")).to_path_buf() }
    }

    /// Takes the first row's, which all others must have.
    fn meet(&mut self, root: Option<&str>, line: u64) -> Result<()> {
        let root = root.unwrap_or_default();
        match &self.named {
            None => {
                self.named = Some(root.into());
                self.folder.push(root.replace('\\', "/"));
            }
            Some(named) if named != root => {
                let expected = format!("the root {named} in each row");
                return Err(Error::invalid(self.file, expected, format!("{root} in line {line}")));
            }
            Some(_) => {}
        }
        Ok(())
    }
}

/// Class names, numbered in the order in which they came.
#[derive(Default)]
pub(super) struct Classes(BTreeMap<String, usize>);

impl Classes {
    pub(super) fn number(&mut self, name: &str) -> usize {
        let came = self.0.len();
        match self.0.get(name) {
            Some(known) => *known,
            None => *self.0.entry(name.into()).or_insert(came),
        }
    }

    /// The names, sorted, and where among them each number's is.
    pub(super) fn sorted(self) -> (Vec<String>, Vec<usize>) {
        let mut places = vec![0; self.0.len()];
        self.0.values().enumerate().for_each(|(place, came)| places[*came] = place);
        (self.0.into_keys().collect(), places)
    }
}

/// A path that two lines have: it could be in two splits, or have two labels.
pub(super) fn twice(file: &Path, path: &str, [first, second]: [u64; 2]) -> Error {
    Error::invalid(file, "each path once", format!("{path} in lines {first} and {second}"))
}

pub(super) fn no_row(file: &Path) -> Error {
    Error::invalid(file, "a row for each image", "no row")
}

/// The rows so far, in columns. A million of them are no trouble: each text is kept once.
struct Rows<'a> {
    file: &'a Path,
    listing: Listing,
    lines: Vec<u64>,
    labels: Vec<u32>,
    classes: Classes,
    splits: Vec<Option<Split>>,
    /// Numbers of groups from 1 on; 0 is none.
    groups: Vec<u32>,
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl<'a> Rows<'a> {
    fn new(file: &'a Path, further: Vec<(String, usize)>) -> Self {
        Self {
            file,
            listing: Listing::new(further),
            lines: Vec::new(),
            labels: Vec::new(),
            classes: Classes::default(),
            splits: Vec::new(),
            groups: Vec::new(),
            names: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    fn add(&mut self, row: &Row<'_>, record: &StringRecord) -> Result<()> {
        if self.listing.push(&row.path, |column| record.get(column).unwrap_or_default()).is_none() {
            let found = format!("more in line {}", row.line);
            return Err(Error::invalid(self.file, "at most 4 GiB of paths", found));
        }
        self.lines.push(row.line);
        self.splits.push(row.split);
        self.labels.push(self.classes.number(row.label) as u32);
        let group = row.group.as_ref().map_or(0, |group| self.group(group));
        self.groups.push(group);
        Ok(())
    }

    fn group(&mut self, name: &str) -> u32 {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        let name = Arc::<str>::from(name);
        self.names.push(Arc::clone(&name));
        let number = self.names.len() as u32;
        self.numbers.insert(name, number);
        number
    }

    fn dataset(self) -> Result<Dataset> {
        if self.labels.is_empty() {
            return Err(no_row(self.file));
        }
        self.check_paths()?;
        let Self { file, listing, lines, labels, classes, splits, groups, names, numbers } = self;
        // What only reading takes is let go before the samples are made.
        drop((lines, numbers));
        let (classes, places) = classes.sorted();
        let listing = Arc::new(listing);
        let sample = |(row, label): (u32, &u32)| {
            let at = row as usize;
            let group = groups[at].checked_sub(1).map(|number| Arc::clone(&names[number as usize]));
            Sample::listed((&listing, row), places[*label as usize], splits[at], group)
        };
        let samples = (0..).zip(&labels).map(sample).collect();
        Ok(Dataset { root: file.to_path_buf(), classes, samples })
    }

    fn check_paths(&self) -> Result<()> {
        let mut order: Vec<u32> = (0..self.listing.rows()).collect();
        let path = |row: u32| self.listing.path(row);
        order.sort_unstable_by(|left, right| (path(*left), left).cmp(&(path(*right), right)));
        match order.windows(2).find(|pair| path(pair[0]) == path(pair[1])) {
            None => Ok(()),
            Some(pair) => {
                let lines = [pair[0], pair[1]].map(|row| self.lines[row as usize]);
                Err(twice(self.file, path(pair[0]), lines))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_text(text: &str) -> Result<Dataset, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("Images.CSV");
        std::fs::write(&file, text).expect("writes");
        Dataset::open(&file)
            .map_err(|why| why.to_string().rsplit("Images.CSV: ").next().unwrap_or_default().into())
    }

    #[test]
    fn a_spreadsheet_s_csv_is_read() {
        let text = "\u{feff}Label,path,Split\r\n\"sick, very\",\"scans/a \"\"1\"\".png\",Train\r\nwell,scans\\b.png,val\r\n\
                    well, scans/IM-0001-0002.png ,train\r\n\"sick, very\",c.png,VALIDATION\r\n";
        let dataset = open_text(text).expect("opens");
        assert_eq!(dataset.classes, ["sick, very", "well"]);
        let shown: Vec<_> = dataset.samples.iter().map(|s| (s.path(), s.label, s.split)).collect();
        let (train, validation) = (Some(Split::Train), Some(Split::Validation));
        assert_eq!(shown[..2], [("scans/a \"1\".png", 0, train), ("scans/IM-0001-0002.png", 1, train)]);
        assert_eq!(shown[2..], [("c.png", 0, validation), ("scans/b.png", 1, validation)]);
        assert_eq!(dataset.samples[1].group.as_deref(), Some("IM-0001"));
    }

    #[test]
    fn what_was_marked_for_spreadsheets_is_read_as_it_was() {
        let dataset = open_text("path,label\n'=x.png,a\n'y.png,'-b\nz.png,-1\n").expect("opens");
        assert_eq!(dataset.classes, ["-1", "-b", "a"]);
        let paths: Vec<_> = dataset.samples.iter().map(|sample| sample.path()).collect();
        assert_eq!(paths, ["z.png", "'y.png", "=x.png"]);
    }

    #[test]
    fn a_column_that_numbers_the_images_is_no_label() {
        let rows: String = (0..300).map(|image| format!("{image}.png,id{image}\n")).collect();
        let found = open_text(&format!("path,label\n{rows}")).expect_err("no classes");
        assert!(
            found.starts_with("expected labels that images share, found 300 different ones of 300 images"),
            "{found}"
        );
    }

    #[test]
    fn a_group_column_replaces_the_file_names() {
        let text = "path,label,group,split\nIM-0001-1.png,a,p1,\nIM-0001-2.png,b,,\n";
        let dataset = open_text(text).expect("opens");
        let groups: Vec<_> = dataset.samples.iter().map(|sample| sample.group.as_deref()).collect();
        assert_eq!(groups, [Some("p1"), None]);
        assert!(dataset.samples.iter().all(|sample| sample.split.is_none()));
    }

    #[test]
    fn further_columns_are_attributes() {
        let dataset = open_text("path,sex,label,age\nx.png,f,a,3\ny.png,,b,4\n").expect("opens");
        let attributes = |sample: usize| dataset.samples[sample].attributes().collect::<Vec<_>>();
        assert_eq!(attributes(0), [("sex", "f"), ("age", "3")]);
        assert_eq!(attributes(1), [("age", "4")]);
    }

    #[test]
    fn columns_are_known_by_the_names_that_other_collections_give_them() {
        for header in
            ["Image Index,Finding Labels,Patient ID", "file_name,class,subject", "Path,label,patient"]
        {
            let dataset = open_text(&format!("{header}\nx.png,a,7\ny.png,b,7\n")).expect(header);
            let shown: Vec<_> =
                dataset.samples.iter().map(|s| (s.path(), s.label, s.group.as_deref())).collect();
            assert_eq!(shown, [("x.png", 0, Some("7")), ("y.png", 1, Some("7"))], "{header}");
        }
        // The usual name comes first; what else a table has stays an attribute.
        let dataset = open_text("image,path,label,class\n1,x.png,a,c\n2,y.png,b,c\n").expect("opens");
        assert_eq!(dataset.samples[0].path(), "x.png");
        assert_eq!(dataset.samples[0].attributes().collect::<Vec<_>>(), [("image", "1"), ("class", "c")]);
    }

    #[test]
    fn splits_are_known_by_their_usual_names() {
        let names = ["training", "dev", "eval", "valid", "testing"].map(Split::from_name);
        let (train, validation, test) = (Some(Split::Train), Some(Split::Validation), Some(Split::Test));
        assert_eq!(names, [train, validation, validation, validation, test]);
    }

    #[test]
    fn a_column_of_patients_is_one_of_groups() {
        let dataset = open_text("PatientID,path,label\n7,x.png,a\n7,y.png,b\n").expect("opens");
        assert!(dataset.samples.iter().all(|sample| sample.group.as_deref() == Some("7")));
    }

    #[test]
    fn paths_are_relative_to_the_csv() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("x.png"), b"").expect("writes");
        std::fs::write(folder.path().join("d.csv"), "path,label\nx.png,a\ny.png,b\n").expect("writes");
        let dataset = Dataset::open(&folder.path().join("d.csv")).expect("opens");
        let limits = crate::image::Limits::default();
        assert_eq!(dataset.samples[0].read(&limits), Err("empty file".into()));
        assert!(dataset.samples[1].read(&limits).expect_err("missing").starts_with("cannot be read"));
    }

    #[test]
    fn paths_are_relative_to_the_root_that_all_rows_name() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("pictures")).expect("creates");
        std::fs::write(folder.path().join("pictures/x.png"), b"").expect("writes");
        let text = "path,label,root,fold\nx.png,a,pictures,1\ny.png,b,pictures,2\n";
        std::fs::write(folder.path().join("d.csv"), text).expect("writes");
        let dataset = Dataset::open(&folder.path().join("d.csv")).expect("opens");
        assert_eq!(dataset.samples[0].path(), "x.png");
        assert_eq!(dataset.samples[0].attributes().count(), 0);
        assert_eq!(dataset.samples[0].read(&crate::image::Limits::default()), Err("empty file".into()));
        assert_eq!(dataset.images_folder(), Some(folder.path().join("pictures").as_path()));
        let problem = open_text("path,label,root\nx,a,p\ny,b,q\n").expect_err("two roots");
        assert_eq!(problem, "expected the root p in each row, found q in line 3");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |text: &str| open_text(text).expect_err("wrong");
        let found = problem("picture,label\nx,a\n");
        assert_eq!(
            found,
            "expected a column path, file_name, filename, file, filepath, image_path, image or image index, found the \
             columns picture, label"
        );
        assert_eq!(problem("path,label\n"), "expected a row for each image, found no row");
        assert_eq!(problem("path,label\nx,a\ny,\n"), "expected a label in each row, found none in line 3");
        assert_eq!(problem("path,label\nx,a\ny,a\n"), "expected at least two classes, found 1 (a)");
        let found = problem("path,label,split\nx,a,holdout\n");
        assert_eq!(found, "expected a split train, validation or test, found holdout in line 2");
        assert_eq!(
            problem("path,label\nx,a\ny,b\nx,b\n"),
            "expected each path once, found x in lines 2 and 4"
        );
        assert!(problem("path,label\nx,a,extra\n").contains("line: 2"));
        let found = problem("path,label,Label\nx,a,b\n");
        assert_eq!(found, "expected columns of different names, found two columns Label");
        assert_eq!(
            problem("path,label\nx,a\ny,a|b\n"),
            "expected one class for each image, found a|b in line 3, which names several classes"
        );
        let found = problem("path,label,split\nx,a,train\ny,b,train\nz,a,test\n");
        assert_eq!(found, "expected images of each class in test, found none of b");
    }
}
