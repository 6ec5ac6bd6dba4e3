//! The page that needs no server: written whole or not at all, and answering in a real browser as the program does.
//!
//! `web_page/page.cjs` drives Chromium with playwright-core; without them that part is skipped, as in headstart-web's
//! `browser.rs`.

mod real_program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use assert_cmd::Command;
use predicates::str::contains;

use real_program::{headstart, pictures};

/// A run on small pictures.
fn trained(folder: &Path) -> PathBuf {
    let (data, run) = (folder.join("data"), folder.join("run"));
    // So many that there are a gate and prediction sets.
    pictures(&data, 160);
    let mut train = headstart(&folder.join("cache"));
    train.arg("train").arg(&data).args(["--image-size", "32", "--epochs", "1", "--seeds", "2", "--out"]);
    train.arg(&run).assert().success();
    run
}

fn export(model: &Path, out: &Path) -> Command {
    let mut export = headstart(&out.with_extension("cache"));
    export.arg("export").arg(model).arg("--web").arg(out);
    export
}

#[test]
fn a_page_answers_in_a_browser_as_the_program_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = trained(folder.path());
    let (site, single) = (folder.path().join("site"), folder.path().join("page.html"));
    export(&run, &site).assert().success().stdout(contains("weights in 16 bits"));
    export(&run, &single).assert().success();
    // Another export takes its place.
    export(&run, &site).assert().success();
    let Some(chromium) = chromium() else { return println!("skipped: no Chromium") };
    if !succeeds("node", &["-e", "require.resolve('playwright-core')"]) {
        return println!("skipped: node with playwright-core is missing");
    }
    let images: Vec<PathBuf> = (0..50)
        .map(|number| {
            let class = if number % 2 == 0 { "bright" } else { "dark" };
            folder.path().join("data").join(class).join(format!("{number:03}.png"))
        })
        .collect();
    // The page's own model file, so that what is compared is the computing and not the rounding of weights.
    let mut predict = headstart(&folder.path().join("cache"));
    predict.env("HEADSTART_VECTOR", "portable").arg("predict").arg(site.join("model.safetensors"));
    let predicted = predict.args(&images).args(["--format", "csv"]).output().expect("runs");
    assert!(predicted.status.success(), "{}", String::from_utf8_lossy(&predicted.stderr));
    let expected = folder.path().join("expected.csv");
    fs::write(&expected, predicted.stdout).expect("writes");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web_page/page.cjs");
    let seen = Program::new("node").arg(script).arg(chromium).args([&site, &single, &expected]).output();
    let seen = seen.expect("node runs");
    println!("{}", String::from_utf8_lossy(&seen.stdout));
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stderr));
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 1);
    let picture = data.join("dark/000.png");
    let site = folder.path().join("site");
    export(&picture, &site).assert().code(1).stderr(contains("000.png: expected a safetensors file"));
    assert!(!site.exists());
    export(&picture, &data).assert().code(1).stderr(contains("found a folder with other files"));
    export(&picture, &picture.join("site")).assert().code(1);
    export(&picture, &site)
        .args(["--language", "xx"])
        .assert()
        .code(2)
        .stderr(contains("language: expected de or en, found xx"));
    export(&picture, &site).args(["--format", "onnx"]).assert().code(2);
    let mut neither = headstart(folder.path());
    neither.arg("export").arg(&picture).assert().code(2).stderr(contains("--format"));
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path()).collect();
    assert_eq!(left, [data]);
}

fn chromium() -> Option<String> {
    let named = std::env::var("CHROMIUM").into_iter();
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    named.chain(usual).find_map(|name| {
        let found = Program::new("sh").args(["-c", "command -v \"$0\"", &name]).output().ok()?;
        found.status.success().then(|| String::from_utf8_lossy(&found.stdout).trim().to_owned())
    })
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Program::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
