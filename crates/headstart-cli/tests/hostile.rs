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

/// A name that clears the screen, sets colours, turns the direction of writing and begins a line of its own.
const EVIL: &str = "a\u{1b}[2J\u{9b}31m\u{202e}b\nforged\u{2066}";
const SHOWN: &str = r"a\u{1b}[2J\u{9b}31m\u{202e}b\nforged\u{2066}";

/// Three classes, one of which is called so, as is a picture of it.
fn evil_data(folder: &Path) -> std::path::PathBuf {
    pictures(folder, 24);
    fs::rename(folder.join("dark/000.png"), folder.join(format!("dark/{EVIL}.png"))).expect("renames");
    let mut table = format!("path,label\n\"dark/{EVIL}.png\",\"{EVIL}\"\n");
    (1..24).for_each(|index| table += &format!("dark/{index:03}.png,\"{EVIL}\"\n"));
    for index in 0..24 {
        let class = if index % 2 == 0 { "bright" } else { "white" };
        table += &format!("bright/{index:03}.png,{class}\n");
    }
    let file = folder.join("images.csv");
    fs::write(&file, table).expect("writes");
    file
}

/// Runs a command, and looks at what a terminal would get of it.
fn harmless(mut command: assert_cmd::Command, arguments: &[&str]) -> String {
    let output = command.args(arguments).timeout(PATIENCE).output().expect("runs");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
    assert!(output.status.success(), "{arguments:?}: {said}");
    let harm = ['\u{1b}', '\u{9b}', '\u{202e}', '\u{2066}'].into_iter().find(|letter| said.contains(*letter));
    assert!(harm.is_none() && !said.contains("\nforged"), "{arguments:?}: {harm:?} in {said}");
    said
}

#[test]
fn no_command_lets_a_name_speak_to_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data) = (folder.path().join("cache"), folder.path().join("data"));
    let (table, run) = (evil_data(&data), folder.path().join(format!("run {EVIL}")));
    let [table, run] = [&table, &run].map(|path| path.to_str().expect("text"));
    let picture = data.join(format!("dark/{EVIL}.png"));
    let picture = picture.to_str().expect("text");
    let model = format!("{run}/model.safetensors");
    let run_it = |arguments: &[&str]| harmless(headstart(&cache), arguments);
    let shows = |arguments: &[&str]| {
        let said = run_it(arguments);
        assert!(said.contains(SHOWN), "{arguments:?}: {said}");
    };
    shows(&["inspect", table, "--no-label-check"]);
    shows(&["train", table, "--image-size", "32", "--epochs", "1", "--out", run]);
    shows(&["evaluate", &model, table]);
    shows(&["summary", &model]);
    shows(&["compare", run, run]);
    shows(&["predict", &model, picture]);
    let explained = folder.path().join("explained");
    shows(&["predict", run, picture, "--explain", explained.to_str().expect("text"), "--explain-check"]);
    let split = folder.path().join(format!("{EVIL}.csv"));
    shows(&["split", table, "--names-only", "--out", split.to_str().expect("text")]);
    // JSON has escapes of its own, and stays the same JSON.
    for arguments in [
        &["predict", &model, picture, "--format", "json"][..],
        &["compare", run, run, "--json"],
        &["inspect", table, "--no-label-check", "--json"],
    ] {
        let said = run_it(arguments);
        let json = said.find(['{', '[']).map(|start| &said[start..]);
        let first =
            serde_json::Deserializer::from_str(json.expect("JSON")).into_iter::<serde_json::Value>().next();
        let value = first.expect("a value").expect("JSON");
        assert!(names(&value, EVIL), "{arguments:?}: {said}");
    }
    run_it(&["evaluate", &model, table, "--json"]);
    // A data set of other classes is refused.
    pictures(&folder.path().join("other"), 2);
    let other = folder.path().join("other");
    let refused =
        headstart(&cache).args(["evaluate", &model, other.to_str().expect("text")]).assert().code(2);
    refused.stderr(contains("\u{1b}").or(contains("\u{9b}")).or(contains("\u{202e}")).not());
}

/// Whether a text in `value`, or the name of a field, holds `name`.
fn names(value: &serde_json::Value, name: &str) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains(name),
        serde_json::Value::Array(values) => values.iter().any(|value| names(value, name)),
        serde_json::Value::Object(fields) => {
            fields.iter().any(|(field, value)| field.contains(name) || names(value, name))
        }
        _ => false,
    }
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
