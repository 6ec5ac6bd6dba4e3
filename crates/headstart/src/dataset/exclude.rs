//! Leaving out the images that a list names, such as the one that `inspect --quarantine` writes.

use std::collections::BTreeMap;
use std::path::Path;

use super::Dataset;
use crate::error::{Error, Result};
use crate::regular;

/// Bytes of a list, at most.
const MOST_BYTES: u64 = 1 << 30;
/// So many unknown paths are named; the rest is counted.
const NAMED: usize = 5;

/// Drops the samples whose paths are lines of the file `list`. Empty lines mean nothing.
pub(super) fn exclude(dataset: &mut Dataset, list: &Path) -> Result<usize> {
    let mut listed = Listed::read(list)?;
    let kept: Vec<bool> = dataset.samples.iter().map(|sample| !listed.has(sample.path())).collect();
    let left_out = listed.all_found(&dataset.root)?;
    let mut kept = kept.into_iter();
    dataset.samples.retain(|_| kept.next().unwrap_or(true));
    dataset.check()?;
    Ok(left_out)
}

/// Paths to leave out, and which of them were found in the data.
pub(super) struct Listed<'a> {
    list: &'a Path,
    found: BTreeMap<String, bool>,
}

impl<'a> Listed<'a> {
    pub(super) fn read(list: &'a Path) -> Result<Self> {
        let text = regular::read_to_string(list, MOST_BYTES).map_err(|why| Error::io("read", list, why))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines = text.lines().filter(|line| !line.is_empty());
        Ok(Self { list, found: lines.map(|line| (line.to_string(), false)).collect() })
    }

    /// Whether the list names a path of the data.
    pub(super) fn has(&mut self, path: &str) -> bool {
        let found = self.found.get_mut(path);
        found.map(|found| *found = true).is_some()
    }

    /// How many paths the list names, all of which must have been asked for.
    pub(super) fn all_found(&self, root: &Path) -> Result<usize> {
        let unknown = self.found.iter().filter(|(_, found)| !**found);
        let unknown: Vec<&str> = unknown.map(|(path, _)| path.as_str()).collect();
        if !unknown.is_empty() {
            let expected = format!("paths of images in {}, one a line", root.display());
            return Err(Error::invalid(self.list, expected, named(&unknown)));
        }
        Ok(self.found.len())
    }
}

fn named(unknown: &[&str]) -> String {
    let more = match unknown.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    unknown[..unknown.len().min(NAMED)].join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::super::Sample;
    use super::super::tests::dataset;
    use super::*;

    fn exclude_lines(dataset: &mut Dataset, lines: &str) -> Result<usize, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let list = folder.path().join("list.txt");
        std::fs::write(&list, lines).expect("writes");
        dataset
            .exclude(&list)
            .map_err(|why| why.to_string().rsplit("list.txt: ").next().unwrap_or_default().into())
    }

    #[test]
    fn listed_images_are_left_out() {
        let mut data = dataset(&[3, 2], |_, _| None);
        assert_eq!(exclude_lines(&mut data, "class0/0001\r\n\nclass1/0000\nclass1/0000\n"), Ok(2));
        let paths: Vec<&str> = data.samples.iter().map(Sample::path).collect();
        assert_eq!(paths, ["class0/0000", "class0/0002", "class1/0001"]);
    }

    #[test]
    fn unknown_paths_are_named_and_nothing_is_left_out() {
        let mut data = dataset(&[3, 2], |_, _| None);
        let problem = exclude_lines(&mut data, "class0/0000\nclass0/9\n./class0/0001\n");
        let expected = "expected paths of images in data, one a line, found ./class0/0001, class0/9";
        assert_eq!(problem, Err(expected.into()));
        let problem = exclude_lines(&mut data, "1\n2\n3\n4\n5\n6\n7\n").expect_err("unknown");
        assert!(problem.ends_with("found 1, 2, 3, 4, 5 and 2 more"), "{problem}");
        assert_eq!(data.samples.len(), 5);
    }

    #[test]
    fn a_class_must_stay() {
        let mut data = dataset(&[3, 1], |_, _| None);
        let problem = exclude_lines(&mut data, "class1/0000\n").expect_err("a class is gone");
        assert!(problem.ends_with("expected images of each class, found none of class1"), "{problem}");
    }
}
