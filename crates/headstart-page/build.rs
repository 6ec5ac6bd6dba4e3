//! Lists the page's languages: each file in `src/strings` is one.

use std::path::Path;
use std::{env, fs};

fn main() {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("src/strings");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of strings is part of the crate")
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    files.sort();
    let rows = files.iter().map(|path| {
        let tag = path.file_stem().and_then(|stem| stem.to_str()).expect("a language tag");
        format!("    ({tag:?}, include_str!({:?})),\n", path.display().to_string())
    });
    let table = format!("&[\n{}]\n", rows.collect::<String>());
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("languages.rs");
    fs::write(out, table).expect("the build folder can be written");
}
