//! Real images and weights, which are not part of the sources. Tests that need them are ignored unless
//! `cargo test … -- --include-ignored` asks for them.

// Each test program uses its own part of this.
#![allow(dead_code)]

use std::path::PathBuf;

/// A path in the folder of real images.
pub fn data(name: &str) -> PathBuf {
    within("HEADSTART_DATA", name)
}

/// A path in the folder of real weights.
pub fn weights(name: &str) -> PathBuf {
    within("HEADSTART_WEIGHTS", name)
}

fn within(variable: &str, name: &str) -> PathBuf {
    let folder = std::env::var_os(variable);
    let folder = folder.unwrap_or_else(|| panic!("{variable} has to name the folder that has {name}"));
    let path = PathBuf::from(folder).join(name);
    assert!(path.exists(), "{variable} names a folder without {name}");
    path
}
