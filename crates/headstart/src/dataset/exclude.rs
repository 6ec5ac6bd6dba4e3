//! Leaving out the images that a list names, such as the one that `inspect --quarantine` writes.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Dataset, Sample};
use crate::error::{Error, Result};

/// So many unknown paths are named; the rest is counted.
const NAMED: usize = 5;

/// Drops the samples whose paths are lines of the file `list`. Empty lines mean nothing.
pub(super) fn exclude(dataset: &mut Dataset, list: &Path) -> Result<usize> {
    let text = std::fs::read_to_string(list).map_err(|why| Error::io("read", list, why))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let listed: BTreeSet<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let known: BTreeSet<&str> = dataset.samples.iter().map(Sample::path).collect();
    let unknown: Vec<&str> = listed.difference(&known).copied().collect();
    if !unknown.is_empty() {
        let expected = format!("paths of images in {}, one a line", dataset.root.display());
        return Err(Error::invalid(list, expected, named(&unknown)));
    }
    dataset.samples.retain(|sample| !listed.contains(sample.path()));
    dataset.check()?;
    Ok(listed.len())
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
