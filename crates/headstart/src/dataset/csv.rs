//! A CSV with a row for each image: `path,label` and perhaps `group` and `split`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::listing::Listing;
use super::{Dataset, Sample, Split, groups};
use crate::error::{Error, Result};

/// Paths are relative to the CSV. Without a column of groups the files tell the patients, or their paths. Rows with an
/// empty group stand alone, those with an empty split are still to be cut.
pub(super) fn open(path: &Path) -> Result<Dataset> {
    let invalid = |why: csv::Error| Error::invalid(path, "a CSV", why.to_string());
    let mut reader =
        ReaderBuilder::new().trim(Trim::All).from_path(path).map_err(|why| opening(path, why))?;
    let (columns, further) = Columns::find(path, reader.headers().map_err(invalid)?)?;
    let mut rows = Rows::new(path, further);
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(invalid)? {
        rows.add(&columns, &record)?;
    }
    rows.dataset()
}

fn opening(path: &Path, why: csv::Error) -> Error {
    match why.into_kind() {
        csv::ErrorKind::Io(why) => Error::io("read", path, why),
        _ => Error::invalid(path, "a CSV", "something else"),
    }
}

/// Names of the column that says which images belong together.
const GROUPS: [&str; 5] = ["group", "patient", "patient_id", "patientid", "subject"];

/// Where the fields are.
struct Columns {
    path: usize,
    label: usize,
    group: Option<usize>,
    split: Option<usize>,
}

impl Columns {
    /// Those that are known, and the names and places of further ones.
    fn find(file: &Path, header: &StringRecord) -> Result<(Self, Vec<(String, usize)>)> {
        let optional = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        let required = |name: &str| {
            let found = header.iter().collect::<Vec<_>>().join(", ");
            optional(name).ok_or_else(|| {
                Error::invalid(file, format!("a column {name}"), format!("the columns {found}"))
            })
        };
        let (path, label) = (required("path")?, required("label")?);
        let (group, split) = (GROUPS.iter().find_map(|name| optional(name)), optional("split"));
        let known = [Some(path), Some(label), group, split];
        let further =
            header.iter().enumerate().filter(|(at, name)| !known.contains(&Some(*at)) && !name.is_empty());
        let further = further.map(|(at, name)| (name.to_string(), at)).collect();
        Ok((Self { path, label, group, split }, further))
    }
}

/// The rows so far, in columns. A million of them are no trouble: each text is kept once.
struct Rows<'a> {
    file: &'a Path,
    folder: &'a Path,
    listing: Listing,
    lines: Vec<u64>,
    /// Numbers of classes, in the order in which they came.
    labels: Vec<u32>,
    classes: BTreeMap<String, u32>,
    splits: Vec<Option<Split>>,
    /// Numbers of groups from 1 on; 0 is none.
    groups: Vec<u32>,
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl<'a> Rows<'a> {
    fn new(file: &'a Path, further: Vec<(String, usize)>) -> Self {
        let folder = file.parent().unwrap_or(Path::new(""));
        Self {
            file,
            folder,
            listing: Listing::new(folder.into(), further),
            lines: Vec::new(),
            labels: Vec::new(),
            classes: BTreeMap::new(),
            splits: Vec::new(),
            groups: Vec::new(),
            names: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    fn add(&mut self, columns: &Columns, record: &StringRecord) -> Result<()> {
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: usize| record.get(column).unwrap_or_default();
        let required = |column: usize, what: &str| match field(column) {
            "" => Err(Error::invalid(self.file, what, format!("none in line {line}"))),
            value => Ok(value),
        };
        let path = required(columns.path, "a path in each row")?.replace('\\', "/");
        let label = required(columns.label, "a label in each row")?;
        let split = columns.split.map(field).filter(|split| !split.is_empty());
        let split = split.map(|name| {
            let found = || format!("{name} in line {line}");
            Split::from_name(name)
                .ok_or_else(|| Error::invalid(self.file, "a split train, validation or test", found()))
        });
        let split = split.transpose()?;
        let group = match columns.group {
            Some(column) => Some(field(column)).filter(|group| !group.is_empty()).map(Cow::Borrowed),
            None => groups::of_file(&path, &self.folder.join(&path)).map(Cow::Owned),
        };
        if self.listing.push(&path, field).is_none() {
            return Err(Error::invalid(self.file, "at most 4 GiB of paths", format!("more in line {line}")));
        }
        self.lines.push(line);
        self.splits.push(split);
        let (label, group) = (self.class(label), group.map_or(0, |group| self.group(&group)));
        self.labels.push(label);
        self.groups.push(group);
        Ok(())
    }

    fn class(&mut self, name: &str) -> u32 {
        let came = self.classes.len() as u32;
        match self.classes.get(name) {
            Some(known) => *known,
            None => *self.classes.entry(name.into()).or_insert(came),
        }
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
            return Err(Error::invalid(self.file, "a row for each image", "no row"));
        }
        self.check_paths()?;
        let mut sorted = vec![0; self.classes.len()];
        self.classes.values().enumerate().for_each(|(index, came)| sorted[*came as usize] = index);
        let Self { file, listing, lines, labels, classes, splits, groups, names, numbers, .. } = self;
        // What only reading takes is let go before the samples are made.
        drop((lines, numbers));
        let listing = Arc::new(listing);
        let sample = |(row, label): (u32, &u32)| {
            let at = row as usize;
            let group = groups[at].checked_sub(1).map(|number| Arc::clone(&names[number as usize]));
            Sample::listed((&listing, row), sorted[*label as usize], splits[at], group)
        };
        let samples = (0..).zip(&labels).map(sample).collect();
        Ok(Dataset { root: file.to_path_buf(), classes: classes.into_keys().collect(), samples })
    }

    /// A path that comes twice could be in two splits, or have two labels.
    fn check_paths(&self) -> Result<()> {
        let mut order: Vec<u32> = (0..self.listing.rows()).collect();
        let path = |row: u32| self.listing.path(row);
        order.sort_unstable_by(|left, right| (path(*left), left).cmp(&(path(*right), right)));
        match order.windows(2).find(|pair| path(pair[0]) == path(pair[1])) {
            None => Ok(()),
            Some(pair) => {
                let [first, second] = [pair[0], pair[1]].map(|row| self.lines[row as usize]);
                let found = format!("{} in lines {first} and {second}", path(pair[0]));
                Err(Error::invalid(self.file, "each path once", found))
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
    fn what_is_wrong_is_named() {
        let problem = |text: &str| open_text(text).expect_err("wrong");
        assert_eq!(problem("file,label\nx,a\n"), "expected a column path, found the columns file, label");
        assert_eq!(problem("path,label\n"), "expected a row for each image, found no row");
        assert_eq!(problem("path,label\nx,a\ny,\n"), "expected a label in each row, found none in line 3");
        assert_eq!(problem("path,label\nx,a\ny,a\n"), "expected at least two classes, found 1 (a)");
        let found = problem("path,label,split\nx,a,dev\n");
        assert_eq!(found, "expected a split train, validation or test, found dev in line 2");
        assert_eq!(
            problem("path,label\nx,a\ny,b\nx,b\n"),
            "expected each path once, found x in lines 2 and 4"
        );
        assert!(problem("path,label\nx,a,extra\n").contains("line: 2"));
        let found = problem("path,label,split\nx,a,train\ny,b,train\nz,a,test\n");
        assert_eq!(found, "expected images of each class in test, found none of b");
    }
}
