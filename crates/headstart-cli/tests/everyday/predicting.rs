//! `headstart predict` on folders, lists and patterns, and what is left of it when it is stopped.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::Value;

use crate::real_program::{headstart, pictures};

/// A run on small pictures in `folder`.
fn trained(folder: &Path) -> PathBuf {
    pictures(&folder.join("data"), 20);
    let run = folder.join("run");
    let mut train = headstart(&folder.join("cache"));
    train.current_dir(folder).args(["train", "data", "--image-size", "32", "--epochs", "1", "--out"]);
    train.arg(&run).assert().success();
    run
}

fn predict(folder: &Path, what: &[&str], input: &str) -> assert_cmd::assert::Assert {
    let mut command = headstart(&folder.join("cache"));
    command.current_dir(folder).args(["predict", "run"]).args(what).write_stdin(input.to_string()).assert()
}

fn text(assert: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).expect("text")
}

#[test]
fn folders_lists_and_patterns_name_the_same_files_and_the_run_is_the_model() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    trained(folder);
    let paths: Vec<String> = ["bright", "dark"]
        .iter()
        .flat_map(|class| (0..20).map(move |index| format!("data/{class}/{index:03}.png")))
        .collect();
    let of = |what: &[&str], input: &str| {
        text(&predict(folder, &[what, &["--format", "csv"]].concat(), input).success())
    };
    let whole = of(&["data"], "");
    let found: Vec<&str> = whole.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(found, paths);
    assert_eq!(whole, of(&["data/*/*.png"], ""));
    assert_eq!(whole, of(&["-"], &paths.join("\n")));
    // Alone or together, an image gets the same answer.
    let alone = of(&[&paths[7]], "");
    assert_eq!(alone.lines().nth(1), whole.lines().nth(8));

    let json: Value =
        serde_json::from_str(&text(&predict(folder, &["data/dark", "--format", "json"], "").success()))
            .expect("one JSON document");
    let answers = json["predictions"].as_array().expect("a list");
    assert_eq!(answers.len(), 20);
    for answer in answers {
        let is_decided = answer["verdict"] == "decided";
        assert!(answer["predicted"].is_null() != is_decided, "{answer}");
        assert!(answer["threshold"].is_number() && answer.get("plausible").is_some(), "{answer}");
    }
    fs::create_dir(folder.join("empty")).expect("creates");
    predict(folder, &["empty"], "").code(1).stderr(contains("empty: expected a folder with images"));
    predict(folder, &["-"], "").code(1).stderr(contains("standard input names no file"));
    fs::write(folder.join("data/dark/note.txt"), "a note").expect("writes");
    let one_aside = predict(folder, &["data/dark"], "").success();
    one_aside.stderr(contains("set aside: data/dark/note.txt").and(contains("images").not()));
    let mut other = headstart(&folder.join("cache"));
    other.arg("predict").args([folder.join("empty"), folder.join("data")]);
    other.assert().code(1).stderr(contains("found a folder without model.safetensors"));
}

#[test]
#[cfg(unix)]
fn answers_come_as_they_are_made_and_stay_when_it_is_stopped() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path();
    trained(folder);
    let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
    command.current_dir(folder).args(["predict", "run", "-", "--format", "json", "--threads", "1"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    // More files than it can be done with before it is stopped.
    let list = "data/dark/001.png\n".repeat(20_000);
    child.stdin.take().expect("a pipe").write_all(list.as_bytes()).expect("writes");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("\"path\"") {
        assert!(output.read_line(&mut said).expect("text") > 0, "{said}");
    }
    assert!(child.try_wait().expect("a child").is_none(), "the first answer comes before the last is made");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    std::io::Read::read_to_string(&mut output, &mut said).expect("text");
    let mut errors = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().expect("a pipe"), &mut errors).expect("text");
    assert_eq!(child.wait().expect("ends").code(), Some(130));
    let json: Value = serde_json::from_str(&said).expect("what was printed is whole");
    let count = json["predictions"].as_array().expect("a list").len();
    assert!(count > 0 && count < 20_000);
    assert_eq!(errors, format!("stopped after {count} of 20000 files\n"));
}
