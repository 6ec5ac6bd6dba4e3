//! Data and models that are no files, or whose names are made to do harm.
#![cfg(unix)]

mod real_program;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

use real_program::{headstart, pictures};

/// Nothing here takes more than a second; what waits for a pipe waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo is there").success());
}

#[test]
fn what_is_no_file_is_set_aside_and_names_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 3);
    pipe(&data.join("pipe"));
    let evil = "dark/\u{1b}[2Jx.png";
    fs::write(data.join(evil), b"no picture").expect("writes");
    let mut table = String::from("path,label\npipe,dark\n/dev/zero,dark\n");
    table += &format!("{evil},dark\n");
    for class in ["bright", "dark"] {
        (0..3).for_each(|index| table += &format!("{class}/{index:03}.png,{class}\n"));
    }
    fs::write(data.join("images.csv"), table).expect("writes");
    let mut inspect = headstart(&folder.path().join("cache"));
    inspect.arg("inspect").arg(data.join("images.csv")).arg("--no-label-check").timeout(PATIENCE);
    let no_file = |name: &str| contains(format!("set aside: {name}: cannot be read: it is a pipe, a device"));
    inspect
        .assert()
        .success()
        .stderr(no_file("pipe").and(no_file("/dev/zero")))
        .stderr(contains(r"set aside: dark/\u{1b}[2Jx.png: not an image"))
        .stderr(contains("\u{1b}").not())
        .stdout(contains("\u{1b}").not());
}

#[test]
fn a_pipe_is_no_model_and_no_recipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, recipe) = (folder.path().join("m.safetensors"), folder.path().join("r.toml"));
    pipe(&model);
    pipe(&recipe);
    let cache = folder.path().join("cache");
    let mut predict = headstart(&cache);
    predict.arg("predict").arg(&model).arg("x.png").timeout(PATIENCE);
    predict.assert().code(1).stderr(contains("m.safetensors: it is a pipe"));
    let mut train = headstart(&cache);
    train.arg("train").arg(folder.path()).arg("--recipe").arg(&recipe).timeout(PATIENCE);
    train.assert().code(1).stderr(contains("r.toml: it is a pipe"));
}
