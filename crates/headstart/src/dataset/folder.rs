//! Folders of class folders, with or without split folders above them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Dataset, Sample, Split, groups};
use crate::error::{Error, Result};

/// What file managers leave behind.
const NOISE: [&str; 3] = ["Thumbs.db", "desktop.ini", "__MACOSX"];

pub(super) fn open(root: &Path) -> Result<Dataset> {
    let folders = children(root)?.into_iter().filter(|path| path.is_dir()).collect::<Vec<_>>();
    if folders.is_empty() {
        return Err(Error::invalid(root, "a folder of class folders", "no folder in it"));
    }
    let mut splits: Vec<(Split, &PathBuf)> =
        folders.iter().filter_map(|path| Some((split(&name(path))?, path))).collect();
    splits.sort();
    let parts: Vec<(Split, Vec<PathBuf>)> = if splits.iter().any(|(split, _)| *split == Split::Train) {
        let classes = |path: &Path| Ok(children(path)?.into_iter().filter(|path| path.is_dir()).collect());
        splits.iter().map(|(split, path)| Ok((*split, classes(path)?))).collect::<Result<_>>()?
    } else {
        vec![(Split::Train, folders.clone())]
    };
    let classes: Vec<String> = parts[0].1.iter().map(|path| name(path)).collect();
    let mut samples = Vec::new();
    for (split, folders) in &parts {
        let names: Vec<String> = folders.iter().map(|path| name(path)).collect();
        if names != classes {
            let expected = format!("the classes {} in each split", classes.join(", "));
            return Err(Error::invalid(root, expected, format!("{} in {}", names.join(", "), split.name())));
        }
        for (label, folder) in folders.iter().enumerate() {
            walk(folder, &mut |file| samples.push(sample(root, file, label, *split)))?;
        }
    }
    if samples.is_empty() {
        return Err(Error::invalid(root, "images in class folders", "no file in them"));
    }
    samples.sort_by(|a, b| (a.split, a.label, &a.path).cmp(&(b.split, b.label, &b.path)));
    Ok(Dataset { classes, samples })
}

fn sample(root: &Path, file: PathBuf, label: usize, split: Split) -> Sample {
    let shown = file.strip_prefix(root).unwrap_or(&file);
    let path =
        shown.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    let group = groups::patient(&name(&file));
    Sample { path, file, label, split, group }
}

/// The split that a folder's name says.
fn split(name: &str) -> Option<Split> {
    match name.to_ascii_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" => Some(Split::Validation),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What lies in a folder, sorted, without hidden files.
fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |why| Error::io("read the folder", folder, why);
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| Ok(entry.map_err(unreadable)?.path())).collect::<Result<_>>()?;
    paths.retain(|path| !name(path).starts_with('.') && !NOISE.contains(&name(path).as_str()));
    paths.sort();
    Ok(paths)
}

fn walk(folder: &Path, visit: &mut impl FnMut(PathBuf)) -> Result<()> {
    for path in children(folder)? {
        match path.is_dir() {
            true => walk(&path, visit)?,
            false => visit(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
            fs::write(path, b"x").expect("writes");
        }
        root
    }

    #[test]
    fn classes_and_splits_come_from_folders() {
        let root = tree(&[
            "train/b/2.png",
            "train/a/1.png",
            "train/a/.hidden",
            "Valid/a/3.png",
            "Valid/b/deep/4.png",
        ]);
        let dataset = Dataset::open(root.path()).expect("opens");
        assert_eq!(dataset.classes, ["a", "b"]);
        let paths: Vec<&str> = dataset.samples.iter().map(|sample| sample.path.as_str()).collect();
        assert_eq!(paths, ["train/a/1.png", "train/b/2.png", "Valid/a/3.png", "Valid/b/deep/4.png"]);
        assert!(dataset.has(Split::Validation) && !dataset.has(Split::Test));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |files: &[&str]| Dataset::open(tree(files).path()).expect_err("wrong").to_string();
        assert!(message(&[]).contains("no folder in it"));
        assert!(message(&["only/1.png"]).contains("at least two classes, found 1 (only)"));
        assert!(message(&["train/a/1", "train/b/1", "test/a/1", "test/c/1"]).contains("a, c in test"));
        let missing = Dataset::open(Path::new("no/such/folder")).expect_err("missing").to_string();
        assert!(missing.contains("no/such/folder"), "{missing}");
    }

    #[test]
    fn a_subset_is_stratified_at_even_steps() {
        let mut files: Vec<String> = (0..10).map(|index| format!("a/{index:02}")).collect();
        files.extend((0..30).map(|index| format!("b/{index:02}")));
        let root = tree(&files.iter().map(String::as_str).collect::<Vec<_>>());
        let mut dataset = Dataset::open(root.path()).expect("opens");
        dataset.keep_training_images(8);
        let paths: Vec<&str> = dataset.samples.iter().map(|sample| sample.path.as_str()).collect();
        assert_eq!(paths, ["a/00", "a/05", "b/00", "b/05", "b/10", "b/15", "b/20", "b/25"]);
    }
}
