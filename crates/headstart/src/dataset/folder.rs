//! Folders of class folders, with or without split folders above them.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Dataset, Sample, Split, groups};
use crate::error::{Error, Result};

/// What file managers and archivers leave behind.
const LITTER: [&str; 3] = ["thumbs.db", "desktop.ini", "__macosx"];

pub(super) fn open(root: &Path) -> Result<Dataset> {
    let folders = folders(root)?;
    if folders.is_empty() {
        return Err(Error::invalid(root, "a folder of class folders", "no folder in it"));
    }
    let parts = parts(root, folders)?;
    let classes = classes(&parts)?;
    let mut samples = Vec::new();
    for part in &parts {
        for (label, folder) in part.class_folders.iter().enumerate() {
            let mut files = Vec::new();
            walk(folder, &mut Vec::new(), &mut files)?;
            if files.is_empty() {
                return Err(Error::invalid(folder, "images of the class", "no file"));
            }
            let part = files.into_par_iter().map(|file| sample(root, file, label, part.split));
            samples.extend(part.collect::<Result<Vec<_>>>()?);
        }
    }
    Ok(Dataset { root: root.to_path_buf(), classes, samples })
}

/// All files in a folder and below it, sorted, without hidden ones and what file managers leave behind.
///
/// # Errors
/// A folder that cannot be read, or a link that leads back to a folder around it.
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(folder, &mut Vec::new(), &mut files)?;
    Ok(files)
}

/// The class folders of one split, or of data without splits.
struct Part {
    folder: PathBuf,
    split: Option<Split>,
    class_folders: Vec<PathBuf>,
}

/// One part a split folder when there is one for training, or nothing but split folders: then others
/// beside them are left out. Otherwise one part of class folders.
fn parts(root: &Path, folders: Vec<PathBuf>) -> Result<Vec<Part>> {
    let named: Vec<(Split, &PathBuf)> =
        folders.iter().filter_map(|folder| Some((Split::from_name(&name(folder))?, folder))).collect();
    if named.len() < folders.len() && !named.iter().any(|(split, _)| *split == Split::Train) {
        return Ok(vec![Part { folder: root.to_path_buf(), split: None, class_folders: folders }]);
    }
    let mut parts: Vec<Part> = Vec::new();
    for (split, folder) in named {
        if let Some(other) = parts.iter().find(|part| part.split == Some(split)) {
            let found = format!("{} and {}", name(&other.folder), name(folder));
            return Err(Error::invalid(root, format!("one folder for {split}"), found));
        }
        let class_folders = self::folders(folder)?;
        parts.push(Part { folder: folder.clone(), split: Some(split), class_folders });
    }
    parts.sort_by_key(|part| part.split);
    Ok(parts)
}

/// The classes, which each part must have.
fn classes(parts: &[Part]) -> Result<Vec<String>> {
    let names = |part: &Part| part.class_folders.iter().map(|folder| name(folder)).collect::<Vec<_>>();
    let classes = names(&parts[0]);
    for part in &parts[1..] {
        let found = names(part);
        if found != classes {
            let expected = format!("the class folders {} as in {}", listed(&classes), name(&parts[0].folder));
            return Err(Error::invalid(&part.folder, expected, listed(&found)));
        }
    }
    Ok(classes)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn sample(root: &Path, file: PathBuf, label: usize, split: Option<Split>) -> Result<Sample> {
    let shown = file.strip_prefix(root).unwrap_or(&file);
    let parts: Option<Vec<&str>> = shown.iter().map(|part| part.to_str()).collect();
    // Two of them could look alike in tables and reports.
    let parts = parts.ok_or_else(|| {
        Error::invalid(&file, "a name in UTF-8", "other bytes: rename it, for example with convmv")
    })?;
    let path = parts.join("/");
    let group = groups::of_file(&path, &file);
    Ok(Sample::file(path, file, label, split, group))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What lies in a folder, sorted, without hidden files and litter.
fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |why| Error::io("read the folder", folder, why);
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(unreadable)?;
    paths.retain(|path| {
        let name = name(path);
        !name.starts_with('.') && !LITTER.contains(&name.to_lowercase().as_str())
    });
    paths.sort();
    Ok(paths)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(children(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// The files in a folder and in those below it. `above` are the folders around it, to notice a link
/// that leads back into one.
fn walk(folder: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> Result<()> {
    let place = fs::canonicalize(folder).map_err(|why| Error::io("read the folder", folder, why))?;
    if above.contains(&place) {
        return Err(Error::invalid(folder, "a folder", "a link to a folder around it"));
    }
    above.push(place);
    for path in children(folder)? {
        match fs::metadata(&path) {
            Ok(kind) if kind.is_dir() => walk(&path, above, files)?,
            Ok(kind) if kind.is_file() => files.push(path),
            // A pipe or a device.
            Ok(_) => {}
            // A broken link: it is set aside when it is read, which tells the user.
            Err(_) => files.push(path),
        }
    }
    above.pop();
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

    fn opened(files: &[&str]) -> Dataset {
        Dataset::open(tree(files).path()).expect("opens")
    }

    fn problem(files: &[&str]) -> String {
        let root = tree(files);
        let message = Dataset::open(root.path()).expect_err("wrong").to_string();
        message.replace(&root.path().display().to_string(), "DATA")
    }

    fn paths(dataset: &Dataset) -> Vec<&str> {
        dataset.samples.iter().map(Sample::path).collect()
    }

    #[test]
    fn class_folders_alone_have_no_split() {
        let dataset = opened(&["b/2.png", "a/1.png", "a/person7_virus_1.jpeg", "notes.txt"]);
        assert_eq!(dataset.classes, ["a", "b"]);
        assert_eq!(paths(&dataset), ["a/1.png", "a/person7_virus_1.jpeg", "b/2.png"]);
        assert_eq!(dataset.samples[1].group.as_deref(), Some("person7"));
        assert_eq!(dataset.samples[2].label, 1);
        assert!(dataset.samples.iter().all(|sample| sample.split.is_none()));
    }

    #[test]
    fn split_folders_are_known_in_any_case() {
        let dataset =
            opened(&["Train/b/2.png", "Train/a/1.png", "VALID/a/3.png", "VALID/b/4.png", "extra/x/5.png"]);
        assert_eq!(paths(&dataset), ["Train/a/1.png", "Train/b/2.png", "VALID/a/3.png", "VALID/b/4.png"]);
        assert_eq!(dataset.counts(Split::Validation), [1, 1]);
        assert!(dataset.has_validation() && !dataset.has_test());
    }

    #[test]
    fn a_test_split_may_come_alone() {
        assert_eq!(opened(&["test/a/1.png", "test/b/2.png"]).counts(Split::Test), [1, 1]);
    }

    #[test]
    fn nested_folders_are_walked_and_litter_is_not_taken() {
        let litter =
            ["a/.DS_Store", "a/Thumbs.db", "b/desktop.ini", ".git/x", "__MACOSX/a/1.png", "a/.x/1.png"];
        let images = ["a/deep/deeper/1.png", "a/2.unknown", "b/3"];
        let dataset = opened(&[litter.as_slice(), &images].concat());
        assert_eq!(paths(&dataset), ["a/2.unknown", "a/deep/deeper/1.png", "b/3"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(problem(&[]), "DATA: expected a folder of class folders, found no folder in it");
        assert_eq!(problem(&["only/1"]), "DATA: expected at least two classes, found 1 (only)");
        let found = problem(&["train/a/1", "train/b/1", "test/a/1", "test/c/1"]);
        assert_eq!(found, "DATA/test: expected the class folders a, b as in train, found a, c");
        let found = problem(&["train/a/1", "train/b/1", "val/notes.txt"]);
        assert_eq!(found, "DATA/val: expected the class folders a, b as in train, found none");
        let found = problem(&["train/a/1", "train/b/1", "val/a/1", "valid/a/1"]);
        assert_eq!(found, "DATA: expected one folder for validation, found val and valid");
        assert_eq!(problem(&["a/1", "b/.hidden"]), "DATA/b: expected images of the class, found no file");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_no_text_is_told() {
        use std::os::unix::ffi::OsStrExt as _;

        let root = tree(&["a/1.png", "b/2.png"]);
        let name = std::ffi::OsStr::from_bytes(b"a/\xE4.png");
        fs::write(root.path().join(name), b"x").expect("writes");
        let message = Dataset::open(root.path()).expect_err("no text").to_string();
        assert!(message.contains("expected a name in UTF-8"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        let root = tree(&["a/1.png", "b/2.png"]);
        std::os::unix::fs::symlink("nowhere", root.path().join("a/broken.png")).expect("links");
        let dataset = Dataset::open(root.path()).expect("opens");
        assert_eq!(paths(&dataset), ["a/1.png", "a/broken.png", "b/2.png"]);
        std::os::unix::fs::symlink("..", root.path().join("b/up")).expect("links");
        let message = Dataset::open(root.path()).expect_err("a circle").to_string();
        assert!(message.ends_with("found a link to a folder around it"), "{message}");
    }
}
