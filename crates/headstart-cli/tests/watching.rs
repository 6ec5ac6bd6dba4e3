//! What a training shows: to people, to programs, to TensorBoard.

mod real_program;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

use real_program::{headstart, history, pictures, tensors};

/// Trains on small pictures in `folder`: the run, and what came on standard output.
fn train(folder: &Path, name: &str, more: &[&str]) -> (PathBuf, String) {
    let out = folder.join(name);
    let mut command = headstart(&folder.join("cache"));
    command.arg("train").arg(folder.join("data")).args(["--image-size", "32", "--epochs", "2", "--out"]);
    let output = command.arg(&out).args(more).assert().success().get_output().stdout.clone();
    (out, String::from_utf8(output).expect("text"))
}

#[test]
fn people_read_lines_programs_read_json_and_quiet_is_the_result_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("data"), 20);
    let (plain, lines) = train(folder.path(), "plain", &[]);
    let (quiet, result) = train(folder.path(), "quiet", &["--quiet"]);
    let (json, events) = train(folder.path(), "json", &["--json"]);
    for run in [&quiet, &json] {
        assert!(history(&plain) == history(run) && tensors(&plain) == tensors(run));
    }
    assert!(lines.contains("\nepoch     loss  accuracy") && lines.contains("\n    2   "), "{lines}");
    assert!(
        lines.lines().count() > result.lines().count() && lines.contains(" images, 0 of them from the cache")
    );
    assert!(!result.contains("epoch") && !result.contains("features") && result.contains("AUC"), "{result}");

    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    for (event, line) in of("epoch").iter().zip(history(&json)) {
        let record: Value = serde_json::from_str(&format!("{line}}}")).expect("a record");
        let fields = record.as_object().expect("an object");
        assert!(fields.iter().all(|(name, value)| event[name] == *value), "{event} {line}");
    }
    // Twenty of the head alone come first.
    assert_eq!(of("epoch").len(), 22);
    for kind in ["looking", "features", "step"] {
        let last = of(kind).pop().unwrap_or_else(|| panic!("no {kind}"));
        assert!(last["done"] == last["total"] && last["memory_bytes"].as_u64() > Some(1 << 20), "{last}");
    }
    let done = events.last().expect("an event");
    assert!(done["event"] == "done" && done["metrics"]["test"]["auc"]["value"].is_number(), "{done}");
}

/// TensorBoard's own reader, where there is one.
#[test]
fn tensorboard_reads_what_the_history_says() {
    let Some(python) = std::env::var_os("HEADSTART_PYTHON") else {
        println!("skipped: HEADSTART_PYTHON is not set");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("data"), 20);
    let (run, _) = train(folder.path(), "run", &[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/tensorboard_scalars.py");
    let output = Command::new(python).arg(script).arg(&run).assert().success().get_output().stdout.clone();
    let scalars: Value = serde_json::from_slice(&output).expect("JSON");
    let names = [
        ("loss/training", "train_loss"),
        ("loss/validation", "validation_loss"),
        ("accuracy/training", "train_accuracy"),
        ("accuracy/validation", "validation_accuracy"),
        ("auc/validation", "validation_auc"),
        ("learning_rate", "learning_rate"),
    ];
    for (tag, name) in names {
        let read: Vec<(u64, f64)> = serde_json::from_value(scalars[tag].clone()).expect(tag);
        assert_eq!(read.len(), 22, "{tag}");
        for ((step, value), line) in read.into_iter().zip(history(&run)) {
            let record: Value = serde_json::from_str(&format!("{line}}}")).expect("a record");
            assert_eq!(record["epoch"], step);
            let written = record[name].as_f64().expect(name);
            assert!((value - written).abs() <= 1e-6 * written.abs(), "{tag}: {value} {written}");
        }
    }
}
