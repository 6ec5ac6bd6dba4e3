//! Images that a program lists itself: a path, a class and perhaps a group and a split of each.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Dataset, Sample, Split, groups};
use crate::error::{Error, Result};

/// An image file of a known class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledFile {
    /// Where it is.
    pub path: PathBuf,
    /// Index of its class.
    pub label: usize,
    /// Its split; `None` where one is to be cut.
    pub split: Option<Split>,
    /// Images that belong together, such as one patient's. Where no file has one, the files tell the patients, or their
    /// paths; where some have, the others stand alone.
    pub group: Option<String>,
}

impl Dataset {
    /// Images that a program lists itself. Their root is the innermost folder that all of them are in, and they are shown
    /// by their paths below it: the same images in class folders make the same data set as [`Dataset::open`] of the
    /// folder around those.
    ///
    /// # Errors
    /// [`Error::Io`] when a file is not there; [`Error::Usage`] when there is none; [`Error::Invalid`] when a path comes
    /// twice or is no UTF-8, or a label is no class.
    pub fn from_files(classes: Vec<String>, files: Vec<LabelledFile>) -> Result<Self> {
        let grouped = files.iter().any(|file| file.group.is_some());
        let files = files.into_iter().map(placed).collect::<Result<Vec<_>>>()?;
        let root = innermost(&files).ok_or_else(|| Error::Usage("expected images, found none".into()))?;
        check(&classes, &files)?;
        let samples = files.into_iter().map(|file| sample(&root, file, grouped)).collect::<Result<_>>()?;
        let mut dataset = Self { root, classes, samples };
        dataset.sort();
        Ok(dataset)
    }
}

/// The file with its absolute path, if it is there.
fn placed(file: LabelledFile) -> Result<LabelledFile> {
    let path = std::path::absolute(&file.path).and_then(|path| path.metadata().map(|_| path));
    Ok(LabelledFile { path: path.map_err(|why| Error::io("read", &file.path, why))?, ..file })
}

/// The innermost folder that all files are in; `None` of no files.
fn innermost(files: &[LabelledFile]) -> Option<PathBuf> {
    let (first, others) = files.split_first()?;
    let first = first.path.parent().unwrap_or(Path::new("/")).to_path_buf();
    let shared = |one: PathBuf, file: &LabelledFile| {
        let both = one.components().zip(file.path.components());
        both.take_while(|(left, right)| left == right).map(|(left, _)| left).collect()
    };
    Some(others.iter().fold(first, shared))
}

fn check(classes: &[String], files: &[LabelledFile]) -> Result<()> {
    let mut seen = HashSet::new();
    for LabelledFile { path, label, .. } in files {
        if !seen.insert(path) {
            return Err(Error::invalid(path, "each path once", "the same path again"));
        }
        if *label >= classes.len() {
            let expected = format!("a label below {}, the number of classes", classes.len());
            return Err(Error::invalid(path, expected, label.to_string()));
        }
    }
    Ok(())
}

fn sample(root: &Path, file: LabelledFile, grouped: bool) -> Result<Sample> {
    let LabelledFile { path, label, split, group } = file;
    let below = path.strip_prefix(root).unwrap_or(&path);
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    let parts = parts.ok_or_else(|| Error::invalid(&path, "a name in UTF-8", "other bytes"))?;
    let shown = parts.join("/");
    let group = if grouped { group } else { groups::of_file(&shown, &path) };
    Ok(Sample::file(shown, path, label, split, group))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Empty files in class folders, and the list of them.
    fn tree(files: &[&str]) -> (tempfile::TempDir, Vec<LabelledFile>) {
        let root = tempfile::tempdir().expect("a folder");
        let listed = files.iter().map(|file| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("creates");
            std::fs::write(&path, b"").expect("writes");
            LabelledFile { path, label: usize::from(file.starts_with('b')), split: None, group: None }
        });
        let listed = listed.collect();
        (root, listed)
    }

    fn classes() -> Vec<String> {
        vec!["a".into(), "b".into()]
    }

    #[test]
    fn a_list_is_the_same_as_the_folder() {
        let (root, mut files) = tree(&["a/person1_bacteria_2.png", "b/x.png", "b/y.png"]);
        files.reverse();
        let listed = Dataset::from_files(classes(), files).expect("opens");
        assert_eq!(listed, Dataset::open(root.path()).expect("opens"));
        assert_eq!(listed.samples[0].group.as_deref(), Some("person1"));
    }

    #[test]
    fn given_groups_count_alone() {
        let (_root, mut files) = tree(&["a/person1_bacteria_2.png", "b/x.png"]);
        files[1].group = Some("Ada".into());
        let listed = Dataset::from_files(classes(), files).expect("opens");
        let groups: Vec<_> = listed.samples.iter().map(|sample| sample.group.as_deref()).collect();
        assert_eq!(groups, [None, Some("Ada")]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (root, files) = tree(&["a/x.png", "b/y.png"]);
        let problem = |files: Vec<LabelledFile>| {
            let found = Dataset::from_files(classes(), files).expect_err("wrong").to_string();
            found.replace(&root.path().display().to_string(), "")
        };
        assert_eq!(problem(vec![]), "expected images, found none");
        let twice = [&files[..], &files[..1]].concat();
        assert_eq!(problem(twice), "/a/x.png: expected each path once, found the same path again");
        let mut beyond = files.clone();
        beyond[1].label = 2;
        assert_eq!(problem(beyond), "/b/y.png: expected a label below 2, the number of classes, found 2");
        let mut missing = files;
        missing[0].path = root.path().join("a/z.png");
        assert!(problem(missing).starts_with("cannot read /a/z.png: "));
    }
}
