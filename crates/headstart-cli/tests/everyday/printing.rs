//! What is printed: it fits 80 columns, and a reader that goes away ends nothing.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::real_program::{headstart, pictures};

fn program(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
    command.env("HEADSTART_CACHE", cache).stdin(Stdio::null());
    command
}

#[test]
#[cfg(unix)]
fn a_pipe_that_closes_ends_no_training_and_is_no_problem() {
    let folder = tempfile::tempdir().expect("a folder");
    let [cache, data, run] = ["cache", "data", "run"].map(|name| folder.path().join(name));
    pictures(&data, 12);
    // Both streams go into one pipe, of which the reader takes a line: `headstart train … 2>&1 | head -1`.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = program(&cache);
    command.arg("train").arg(&data).args(["--image-size", "32", "--epochs", "1", "--out"]).arg(&run);
    command.stderr(writer.try_clone().expect("another end")).stdout(writer);
    let mut child = command.spawn().expect("starts");
    drop(command);
    let mut first = String::new();
    BufReader::with_capacity(1, reader).read_line(&mut first).expect("a line");
    assert!(child.wait().expect("ends").success(), "{first}");
    assert!(run.join("report.html").is_file() && run.join("model.safetensors").is_file());

    let mut command = program(&cache);
    command.arg("predict").arg(run.join("model.safetensors")).arg(&data).args(["--format", "csv"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert!(child.wait().expect("ends").success() && said.is_empty(), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = program(Path::new("cache")).args(["backbones", "list"]).stdout(full).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("error: cannot write to standard output: No space left"), "{said}");
}

/// Lines of more than 80 columns.
fn wide(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.chars().count() > 80).collect()
}

#[test]
fn backbones_are_listed_in_families_within_80_columns() {
    let output = program(Path::new("cache")).args(["backbones", "list"]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(wide(&said), Vec::<&str>::new(), "{said}");
    for expected in [
        "\nEfficientNet-Lite, weights under Apache-2.0\n  efficientnet-lite0  3,371,008   0.38    224   75.1       in this program\n",
        "\n  resnet18           11,176,512   1.81    224   69.8   45  to pull\n",
        "\n    blocks: stem, layer1, layer2, layer3, layer4\n",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn help_and_a_training_fit_80_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in
        ["train", "predict", "evaluate", "serve", "split", "inspect", "features", "demo", "compare"]
    {
        let mut help = headstart(folder.path());
        let output = help.env("COLUMNS", "80").args([command, "--help"]).output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(text.contains("--help") && wide(&text).is_empty(), "{command}: {:?}", wide(&text));
    }
    let data = folder.path().join("data");
    pictures(&data, 12);
    let mut train = headstart(&folder.path().join("cache"));
    train.current_dir(folder.path()).args(["train", "data", "--out", "run", "--recipe", "recipe.toml"]);
    // A head with a penalty has the widest table.
    let recipe = include_str!("../../../../recipes/default.toml");
    let head = "[[head]]\nkind = \"dense\"\nunits = 8\nl2 = 0.05\n";
    std::fs::write(
        folder.path().join("recipe.toml"),
        format!("{}\n{head}", recipe.replace("probe = true\n", "")),
    )
    .expect("writes");
    let output = train.args(["--image-size", "32", "--epochs", "2"]).output().expect("runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // On a terminal sentences are folded, but tables cannot be.
    let is_sentence = |line: &str| line.starts_with("warning: ") || line.contains("; the features of");
    let tables: Vec<&str> = said.lines().filter(|line| !is_sentence(line)).collect();
    let tables = tables.join("\n");
    assert!(wide(&tables).is_empty(), "{:?}", wide(&tables));
    assert!(!said.contains('│'), "the layers are shown by `summary`: {said}");
    assert!(said.contains("plain") && said.contains("from epoch 21 on "), "{said}");

    let history = std::fs::read_to_string(folder.path().join("run/history.jsonl")).expect("the history");
    let epochs: Vec<serde_json::Value> =
        history.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    for epoch in &epochs {
        let number = |name: &str| epoch[name].as_f64().expect(name);
        assert!(number("train_plain_loss") < number("train_loss"), "{epoch}");
        assert!(number("validation_loss") < number("validation_penalised_loss"), "{epoch}");
    }
    let thawed = epochs.iter().filter(|epoch| epoch["thawed"].is_array());
    assert_eq!(thawed.map(|epoch| epoch["epoch"].as_u64()).collect::<Vec<_>>(), [Some(21)]);
}

/// The processors that each thread of a process may use.
#[cfg(target_os = "linux")]
fn allowed(process: u32) -> Vec<String> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let status = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
    let of = |text: String| {
        text.lines().find_map(|line| Some(line.strip_prefix("Cpus_allowed_list:")?.trim().to_string()))
    };
    status.filter_map(of).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn fewer_threads_than_processors_are_left_to_the_scheduler() {
    let mine = allowed(std::process::id()).remove(0);
    if std::thread::available_parallelism().is_ok_and(|count| count.get() < 2) {
        println!("skipped: there is one processor");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = program(folder.path());
    child.args(["bench", "efficientnet-lite0", "--threads", "1"]).stdout(Stdio::null());
    let mut child = child.spawn().expect("starts");
    let mut seen = Vec::new();
    while child.try_wait().expect("a child").is_none() {
        seen.extend(allowed(child.id()));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(!seen.is_empty() && seen.iter().all(|list| *list == mine), "{mine}: {seen:?}");
}
