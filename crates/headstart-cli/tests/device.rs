//! `--device`: what the program says where there is none, and its commands on one where HEADSTART_DEVICE names it
//! (see `tools/check_gpu.sh`).

mod real_program;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::assert::Assert;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::Value;

use real_program::{headstart, pictures};

/// A sentence on one line, and nothing else.
fn assert_one_line(asked: &Assert, line: &str) {
    let found = String::from_utf8_lossy(&asked.get_output().stderr).into_owned();
    assert_eq!(found.trim_end(), line);
}

#[test]
fn an_unknown_device_is_bad_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    let asked = headstart(folder.path()).args(["bench", "efficientnet-lite0", "--device", "gpu"]).assert();
    asked.code(2).stderr(contains("expected cpu, cuda, vulkan or metal, found gpu"));
}

#[test]
#[cfg(not(feature = "vulkan-wgsl"))]
fn a_build_without_support_says_how_to_get_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 4);
    let line = "error: device vulkan: this build has no Vulkan support: build with --features vulkan";
    let on_vulkan = |words: &[&str]| {
        let mut command = headstart(&folder.path().join("cache"));
        command.current_dir(folder.path()).args(words).args(["--device", "vulkan"]);
        command.assert().code(2)
    };
    assert_one_line(&on_vulkan(&["bench", "efficientnet-lite0"]), line);
    assert_one_line(&on_vulkan(&["features", "data", "--out", "features.npy"]), line);
    assert_one_line(&on_vulkan(&["train", "data", "--out", "run"]), line);
    assert!(!folder.path().join("features.npy").exists());
}

#[test]
#[cfg(feature = "vulkan-wgsl")]
fn a_machine_without_a_driver_gets_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let asked = headstart(folder.path())
        .args(["bench", "efficientnet-lite0", "--device", "vulkan"])
        .env("VK_ICD_FILENAMES", "/nowhere.json")
        .env("VK_DRIVER_FILES", "/nowhere.json")
        .assert()
        .code(1);
    let line = "error: device vulkan: this machine has no Vulkan device: it needs a graphics processor and its Vulkan \
        driver, which `vulkaninfo --summary` lists";
    assert_one_line(&asked, line);
}

/// The scores of the first class that `predict` prints for the pictures.
fn scores(folder: &Path, device: &str) -> (Vec<f64>, Vec<String>) {
    let asked = headstart(&folder.join("cache"))
        .arg("predict")
        .arg(folder.join("run"))
        .arg(folder.join("data/dark"))
        .arg(folder.join("data/bright"))
        .args(["--format", "csv", "--device", device])
        .assert()
        .success();
    let table = String::from_utf8_lossy(&asked.get_output().stdout).into_owned();
    let rows = table.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let cells = rows.map(|cells| (cells[2].parse::<f64>().expect("a score"), cells[1].to_string()));
    cells.unzip()
}

/// What a server on the device answers to an image.
fn served(run: &Path, image: &Path, device: &str) -> String {
    let mut server = Command::new(env!("CARGO_BIN_EXE_headstart"))
        .arg("serve")
        .arg(run)
        .args(["--address", "127.0.0.1:0", "--device", device])
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("piped")).read_line(&mut line).expect("says where");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
    let image = fs::read(image).expect("an image");
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(
        stream,
        "POST /api/predict HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: image/png\r\n\
         content-length: {}\r\n\r\n",
        image.len()
    )
    .expect("sends");
    stream.write_all(&image).expect("sends");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answers");
    server.kill().expect("ends");
    server.wait().expect("ends");
    reply
}

#[test]
fn the_commands_run_on_a_device() {
    let Ok(device) = std::env::var("HEADSTART_DEVICE") else {
        return println!("skipped: HEADSTART_DEVICE names no device");
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data, run) =
        (folder.path().join("cache"), folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 12);
    let on_device = |command: &str| {
        let mut started = headstart(&cache);
        started.arg(command).args(["--device", &device]);
        started
    };
    let said = "computing on ";
    let settings = ["--image-size", "32", "--epochs", "2", "--batch-size", "8", "--out"];
    on_device("train").arg(&data).args(settings).arg(&run).assert().success().stdout(contains(said));
    let stored = fs::read_to_string(run.join("settings.toml")).expect("the settings");
    assert!(stored.contains(&format!("device = \"{device}\"")), "{stored}");

    let evaluated = on_device("evaluate").arg(&run).arg(&data).arg("--json").assert().success();
    let metrics: Value = serde_json::from_slice(&evaluated.get_output().stdout).expect("JSON");
    assert!(metrics.to_string().contains("\"accuracy\""));

    let ((ours, ours_called), (cpus, cpus_called)) =
        (scores(folder.path(), &device), scores(folder.path(), "cpu"));
    assert_eq!((ours.len(), ours_called), (24, cpus_called));
    assert!(ours.iter().zip(&cpus).all(|(a, b)| (a - b).abs() < 1e-3), "{ours:?} {cpus:?}");

    let reply = served(&run, &data.join("dark/001.png"), &device);
    assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("\"class\":"), "{reply}");

    let array = folder.path().join("features.npy");
    let features = ["--image-size", "32", "--pool", "--out"];
    on_device("features").arg(&data).args(features).arg(&array).assert().success().stderr(contains(said));

    let bench = ["efficientnet-lite0", "--image-size", "32", "--batch-size", "2"];
    on_device("bench")
        .args(bench)
        .assert()
        .success()
        .stdout(contains("computed on").and(contains("first run")));
}
