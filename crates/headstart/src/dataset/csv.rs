//! A CSV with a row for each image: `path,label` and perhaps `group` and `split`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{Dataset, Sample, Split, groups};
use crate::error::{Error, Result};

/// Paths are relative to the CSV. Without a column of groups the files tell the patients, or their paths. Rows with an
/// empty group stand alone, those with an empty split are still to be cut.
pub(super) fn open(path: &Path) -> Result<Dataset> {
    let invalid = |why: csv::Error| Error::invalid(path, "a CSV", why.to_string());
    let mut reader =
        ReaderBuilder::new().trim(Trim::All).from_path(path).map_err(|why| opening(path, why))?;
    let columns = Columns::find(path, reader.headers().map_err(invalid)?)?;
    let mut rows = Rows::new(path);
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(invalid)? {
        let row = Row::parse(path, &rows.folder, &columns, &record)?;
        rows.add(row);
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
    /// Further columns: what they are called, and where.
    attributes: Vec<(String, usize)>,
}

impl Columns {
    fn find(file: &Path, header: &StringRecord) -> Result<Self> {
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
        let attributes = further.map(|(at, name)| (name.to_string(), at)).collect();
        Ok(Self { path, label, group, split, attributes })
    }
}

/// What a row says.
struct Row {
    line: u64,
    path: String,
    label: String,
    group: Option<String>,
    split: Option<Split>,
    attributes: Vec<(String, String)>,
}

impl Row {
    fn parse(file: &Path, folder: &Path, columns: &Columns, record: &StringRecord) -> Result<Self> {
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: usize| record.get(column).unwrap_or_default().to_string();
        let required = |column: usize, what: &str| {
            let value = field(column);
            if value.is_empty() {
                Err(Error::invalid(file, what, format!("none in line {line}")))
            } else {
                Ok(value)
            }
        };
        let path = required(columns.path, "a path in each row")?.replace('\\', "/");
        let group = match columns.group {
            Some(column) => Some(field(column)).filter(|group| !group.is_empty()),
            None => groups::of_file(&path, &folder.join(&path)),
        };
        let split = columns.split.map(field).filter(|split| !split.is_empty());
        let split = split.map(|name| {
            let found = || format!("{name} in line {line}");
            Split::from_name(&name)
                .ok_or_else(|| Error::invalid(file, "a split train, validation or test", found()))
        });
        let attributes = columns.attributes.iter().map(|(name, at)| (name.clone(), field(*at)));
        let attributes = attributes.filter(|(_, value)| !value.is_empty()).collect();
        Ok(Self {
            line,
            label: required(columns.label, "a label in each row")?,
            split: split.transpose()?,
            path,
            group,
            attributes,
        })
    }
}

/// The rows so far. A million of them are no trouble: each text is kept once.
struct Rows<'a> {
    file: &'a Path,
    folder: Arc<Path>,
    samples: Vec<Sample>,
    lines: Vec<u64>,
    /// Classes in the order in which they came.
    classes: BTreeMap<String, usize>,
    groups: HashSet<Arc<str>>,
}

impl<'a> Rows<'a> {
    fn new(file: &'a Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new("")).into();
        Self {
            file,
            folder,
            samples: Vec::new(),
            lines: Vec::new(),
            classes: BTreeMap::new(),
            groups: HashSet::new(),
        }
    }

    fn add(&mut self, row: Row) {
        let came = self.classes.len();
        let label = *self.classes.entry(row.label).or_insert(came);
        let group = row.group.map(|group| self.group(group));
        let mut sample = Sample::below(&self.folder, row.path, label, row.split, group);
        sample.attributes = row.attributes;
        self.samples.push(sample);
        self.lines.push(row.line);
    }

    /// The one text of a group.
    fn group(&mut self, name: String) -> Arc<str> {
        if let Some(known) = self.groups.get(name.as_str()) {
            return Arc::clone(known);
        }
        let group = Arc::<str>::from(name);
        self.groups.insert(Arc::clone(&group));
        group
    }

    fn dataset(mut self) -> Result<Dataset> {
        if self.samples.is_empty() {
            return Err(Error::invalid(self.file, "a row for each image", "no row"));
        }
        self.check_paths()?;
        let mut sorted = vec![0; self.classes.len()];
        self.classes.values().enumerate().for_each(|(index, came)| sorted[*came] = index);
        self.samples.iter_mut().for_each(|sample| sample.label = sorted[sample.label]);
        let classes = self.classes.into_keys().collect();
        Ok(Dataset { root: self.file.to_path_buf(), classes, samples: self.samples })
    }

    /// A path that comes twice could be in two splits, or have two labels.
    fn check_paths(&self) -> Result<()> {
        let mut order: Vec<usize> = (0..self.samples.len()).collect();
        let place = |index: &usize| (&self.samples[*index].path, *index);
        order.sort_unstable_by(|left, right| place(left).cmp(&place(right)));
        let twice = order.windows(2).find(|pair| self.samples[pair[0]].path == self.samples[pair[1]].path);
        twice.map_or(Ok(()), |pair| {
            let path = &self.samples[pair[0]].path;
            let found = format!("{path} in lines {} and {}", self.lines[pair[0]], self.lines[pair[1]]);
            Err(Error::invalid(self.file, "each path once", found))
        })
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
        let shown: Vec<_> = dataset.samples.iter().map(|s| (s.path.as_str(), s.label, s.split)).collect();
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
        let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
        assert_eq!(dataset.samples[0].attributes, [pair("sex", "f"), pair("age", "3")]);
        assert_eq!(dataset.samples[1].attributes, [pair("age", "4")]);
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
