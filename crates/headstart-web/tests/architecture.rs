//! No module of the app uses one that uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The top-level modules that each one names as `crate::…`, with the files below it.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut uses = BTreeMap::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    collect(&source, None, &mut uses);
    let modules: BTreeSet<String> = uses.keys().cloned().collect();
    for (module, used) in &mut uses {
        used.retain(|other| other != module && modules.contains(other));
    }
    uses
}

fn collect(folder: &Path, module: Option<&str>, uses: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let module = module.unwrap_or(&stem);
        if path.is_dir() {
            collect(&path, Some(module), uses);
        } else if path.extension().is_some_and(|ending| ending == "rs") && module != "lib" {
            let text = fs::read_to_string(&path).expect("a source file");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let named = code.flat_map(|line| line.split("crate::").skip(1)).map(first_word);
            uses.entry(module.to_string()).or_default().extend(named);
        }
    }
}

fn first_word(path: &str) -> String {
    path.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn there_is_no_cycle() {
    let mut left = uses();
    assert!(left.len() > 20, "the modules were not found");
    // Whoever uses none that is left can be taken away; what remains in the end lies in a circle.
    while let Some(floor) = left.iter().find(|(_, used)| used.is_empty()).map(|(module, _)| module.clone()) {
        left.remove(&floor);
        left.values_mut().for_each(|used| _ = used.remove(&floor));
    }
    assert!(left.is_empty(), "{left:#?}");
}
