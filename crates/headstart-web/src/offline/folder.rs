//! A folder of files that is there whole or not at all: it is written beside its place and then moved there.

use std::fs;
use std::path::{Path, PathBuf};

use headstart::{Error, Result};

use super::File;

/// What every export has and hardly any other folder.
const MARK: &str = "headstart.wasm";

/// Whether an export may take the place of what is at `out`: nothing, an empty folder or an earlier export.
///
/// # Errors
/// [`Error::Invalid`] for anything else.
pub(super) fn check(out: &Path) -> Result<()> {
    let invalid = |found: &str| {
        Err(Error::invalid(out, "a new name, an empty folder, an earlier export, or a file NAME.html", found))
    };
    if !out.exists() {
        return Ok(());
    }
    if !out.is_dir() {
        return invalid("a file of another kind");
    }
    let mut entries = fs::read_dir(out).map_err(|why| Error::io("read", out, why))?;
    match entries.next().is_none() || out.join(MARK).is_file() {
        true => Ok(()),
        false => invalid("a folder with other files"),
    }
}

/// Writes `files` into a folder that takes the place of what was checked.
///
/// # Errors
/// [`Error::Io`], with nothing left behind and what was there before untouched.
pub(super) fn write(out: &Path, files: &[File]) -> Result<()> {
    let [new, old] = [".new", ".old"].map(|ending| beside(out, ending));
    for left in [&new, &old] {
        _ = fs::remove_dir_all(left);
    }
    let written = fill(&new, files).and_then(|()| exchange(out, &new, &old));
    _ = fs::remove_dir_all(if written.is_ok() { &old } else { &new });
    written
}

fn fill(folder: &Path, files: &[File]) -> Result<()> {
    fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
    for (name, content) in files {
        let file = folder.join(name);
        fs::write(&file, content).map_err(|why| Error::io("write", &file, why))?;
    }
    Ok(())
}

fn exchange(out: &Path, new: &Path, old: &Path) -> Result<()> {
    let failed = |why| Error::io("write", out, why);
    let was_there = out.exists();
    if was_there {
        fs::rename(out, old).map_err(failed)?;
    }
    fs::rename(new, out).map_err(failed).inspect_err(|_| {
        if was_there {
            _ = fs::rename(old, out);
        }
    })
}

/// A hidden folder beside `out`.
fn beside(out: &Path, ending: &str) -> PathBuf {
    let whole = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    whole.with_file_name(format!(".{name}{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_export_takes_the_place_of_an_earlier_one_and_of_nothing_else() {
        let place = tempfile::tempdir().expect("a folder");
        let out = place.path().join("page");
        assert!(check(&out).is_ok());
        write(&out, &[(MARK.to_owned(), vec![1]), ("old".to_owned(), vec![])]).expect("writes");
        assert!(check(&out).is_ok());
        write(&out, &[(MARK.to_owned(), vec![2])]).expect("writes again");
        assert_eq!((names(&out), names(place.path())), (vec![MARK.to_owned()], vec!["page".to_owned()]));
        fs::remove_file(out.join(MARK)).expect("removes");
        assert!(check(&out).is_ok());
        fs::write(out.join("thesis.txt"), "mine").expect("writes");
        let error = check(&out).expect_err("another folder").to_string();
        assert!(error.contains("found a folder with other files"), "{error}");
        assert!(check(&out.join("thesis.txt")).is_err());
    }

    #[test]
    fn nothing_is_left_of_an_export_that_fails() {
        let place = tempfile::tempdir().expect("a folder");
        let out = place.path().join("page");
        let files = [(MARK.to_owned(), vec![1]), ("no/such/folder".to_owned(), vec![])];
        assert!(write(&out, &files).is_err());
        assert_eq!(names(place.path()), Vec::<String>::new());
    }
}
