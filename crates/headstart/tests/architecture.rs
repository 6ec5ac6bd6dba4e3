//! The library's modules depend on each other in one direction: there are no cycles.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every module of the library; each may use only those before it.
const FLOORS: [&str; 39] = [
    "visible",
    "error",
    "device",
    "sha256",
    "random",
    "numbers",
    "date",
    "csv_field",
    "cache_folder",
    "regular",
    "whole_file",
    "history",
    "observer",
    "ranks",
    "image",
    "phantom",
    "backbone",
    "dataset",
    "shards",
    "trunk",
    "network",
    "compiled",
    "features",
    "probe",
    "gate",
    "evaluate",
    "explain",
    "classifier",
    "external",
    "score",
    "audit",
    "choice",
    "learning_curve",
    "rate_curve",
    "report",
    "train",
    "run",
    "trainer",
    "export",
];

/// The code of a file, without comments and its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a file of this crate");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What follows each `crate::` in the code.
fn used(code: &str) -> impl Iterator<Item = &str> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.split("crate::")
        .skip(1)
        .map(move |rest| rest.split(|letter| !is_part(letter)).next().unwrap_or_default())
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of this crate") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn each_module_uses_only_what_lies_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    let floor = |module: &str| FLOORS.iter().position(|known| *known == module);
    let mut modules = BTreeSet::new();
    for file in all.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let inside = file.strip_prefix(&source).expect("below the source");
        let first = inside.iter().next().and_then(|part| part.to_str()).expect("a name");
        let module = first.trim_end_matches(".rs");
        if module == "lib" || file.ends_with("tests.rs") {
            continue;
        }
        let here = floor(module).unwrap_or_else(|| panic!("{module} has no place in FLOORS"));
        modules.insert(module.to_owned());
        for used in used(&code(file)).filter(|used| *used != module) {
            // A macro or a name of the crate's root is no module.
            let Some(there) = floor(used) else { continue };
            assert!(there < here, "{}: {module} lies below {used} and must not use it", inside.display());
        }
    }
    assert_eq!(modules.len(), FLOORS.len(), "FLOORS names a module that is not there");
}
