//! Models in the formats of other programs.

mod real_program;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

use real_program::{headstart, pictures};

/// A run on small pictures, and those.
fn trained(folder: &Path) -> (PathBuf, PathBuf) {
    let (data, run) = (folder.join("data"), folder.join("run"));
    // So many that there are a gate and prediction sets.
    pictures(&data, 160);
    let mut train = headstart(&folder.join("cache"));
    train.arg("train").arg(&data).args(["--image-size", "32", "--epochs", "1", "--seeds", "2", "--out"]);
    train.arg(&run).assert().success();
    (run, data)
}

fn export(folder: &Path, model: &Path, more: &[&str]) -> Command {
    let mut export = headstart(&folder.join("cache"));
    export.arg("export").arg(model).args(["--format", "onnx"]).args(more);
    export
}

#[test]
fn an_exported_model_answers_as_predict_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let (run, data) = trained(folder.path());
    export(folder.path(), &run, &[]).assert().success().stdout(
        contains("model.onnx: ").and(contains("pixels uint8 [batch, 32, 32, 3]")).and(contains(
            "logits, scores, predicted, decided, plausible, distance, refused, oddness, unusual",
        )),
    );
    let any = folder.path().join("any.onnx");
    let any_name = any.display().to_string();
    export(folder.path(), &run, &["--input", "any-size", "--out", &any_name])
        .assert()
        .success()
        .stdout(contains("pixels uint8 [batch, height, width, 3]"));
    let (eight, scores) = (folder.path().join("eight.onnx"), folder.path().join("scores.csv"));
    let (eight_name, scores_name) = (eight.display().to_string(), scores.display().to_string());
    // The run's settings say where its data lie.
    export(folder.path(), &run, &["--quantize", "int8", "--out", &eight_name, "--scores", &scores_name])
        .assert()
        .success()
        .stdout(contains("validation images of").and(contains("AUC")).and(contains("answered")));
    let ratio = fs::metadata(&eight).expect("written").len() as f64
        / fs::metadata(run.join("model.onnx")).expect("written").len() as f64;
    assert!(ratio < 0.6, "{ratio}");
    let Some(python) = std::env::var_os("HEADSTART_PYTHON") else {
        println!("ONNX Runtime was skipped: HEADSTART_PYTHON is not set");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/check_onnx.py");
    let images =
        ["bright/001.png", "bright/130.png", "dark/002.png", "dark/131.png"].map(|name| data.join(name));
    // The graph's resize may round a grey level otherwise.
    for (file, tolerance) in [(run.join("model.onnx"), "1e-4"), (any, "5e-3")] {
        let mut check = Command::new(&python);
        check.arg(&script).arg(run.join("model.safetensors")).arg(file).args(&images);
        check.args(["--tolerance", tolerance, "--headstart", env!("CARGO_BIN_EXE_headstart")]);
        check.assert().success().stdout(contains("4 images"));
    }
    let mut check = Command::new(&python);
    check.arg(&script).arg(run.join("model.safetensors")).arg(eight).arg("--scores").arg(scores);
    check.arg("--data").arg(&data).args(["--tolerance", "2e-2"]);
    check.assert().success().stdout(contains("validation images, scores differ by"));
}

#[test]
fn a_pretrained_net_is_exported_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("net.onnx");
    let name = out.display().to_string();
    let net = Path::new("efficientnet-lite0");
    export(folder.path(), net, &["--input", "tensor", "--image-size", "64", "--out", &name])
        .assert()
        .success()
        .stdout(contains("tensor float32 [batch, 3, 64, 64]").and(contains("features, pooled")));
    fs::remove_file(&out).expect("written");
    export(folder.path(), net, &["--quantize", "int8", "--out", &name])
        .assert()
        .code(2)
        .stderr(contains("--quantize: expected a sealed model with validation images"));
    export(folder.path(), net, &["--unfreeze", "all", "--out", &name])
        .assert()
        .code(2)
        .stderr(contains("no layer is left"));
    export(folder.path(), Path::new("resnet999"), &["--out", &name])
        .assert()
        .code(1)
        .stderr(contains("resnet999: expected a sealed model, the folder of a run, or a backbone's name"));
    export(folder.path(), Path::new("resnet999"), &["--image-size", "64", "--out", &name])
        .assert()
        .code(2)
        .stderr(contains("--weights, --unfreeze and --image-size are for a backbone"));
    assert!(!out.exists());
}

#[test]
fn what_is_no_model_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 1);
    let (picture, out) = (data.join("dark/000.png"), folder.path().join("x.onnx"));
    let name = out.display().to_string();
    export(folder.path(), &picture, &["--out", &name])
        .assert()
        .code(1)
        .stderr(contains("000.png: expected a safetensors file, found something else"));
    export(folder.path(), &data, &["--out", &name])
        .assert()
        .code(1)
        .stderr(contains("without model.safetensors"));
    let same = picture.display().to_string();
    export(folder.path(), &picture, &["--out", &same])
        .assert()
        .code(2)
        .stderr(contains("--out: expected another file than the model's"));
    let mut unknown = headstart(&folder.path().join("cache"));
    unknown
        .arg("export")
        .arg(&picture)
        .args(["--format", "tflite"])
        .assert()
        .code(2)
        .stderr(contains("onnx"));
    assert!(!out.exists() && fs::read_dir(folder.path()).expect("a folder").count() <= 2);
}
