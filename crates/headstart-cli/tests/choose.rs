//! Choosing a net by synthetic images, with the real program.

mod real_program;

use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

use real_program::headstart;

fn choose(folder: &Path, words: &[&str]) -> Command {
    let mut command = headstart(&folder.join("cache"));
    command.arg("choose").arg(folder.join("data")).args(["--image-size", "64"]).args(words);
    command
}

fn phantoms(folder: &Path, count: usize) {
    headstart::phantom::write(folder.join("data"), count, 3).expect("draws");
}

/// The numbers of a choice, without those of a clock.
fn numbers(command: &mut Command) -> serde_json::Value {
    let output = command.arg("--json").output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut choice: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    choice["seconds"].take();
    for net in choice["tried"].as_array_mut().expect("nets") {
        net["images_per_second"].take();
    }
    choice
}

#[test]
fn nets_are_measured_on_training_images_alone_and_the_same_images_give_the_same_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    phantoms(folder.path(), 40);
    let words = ["--train-images", "40"];
    let first = numbers(&mut choose(folder.path(), &words));
    // 80 in all, of which validation and test take some 15 % each.
    assert_eq!(first["images"].as_u64(), Some(40), "{first}");
    assert!((50..64).contains(&first["all_images"].as_u64().expect("a number")), "{first}");
    assert_eq!(first["recommended"], "efficientnet-lite0");
    let net = &first["tried"][0];
    let auc = |part: &str| net[part]["auc"]["value"].as_f64().expect("a number");
    assert!(auc("plain") > 0.8 && auc("stressed") < auc("plain"), "{net}");
    std::fs::remove_dir_all(folder.path().join("cache")).expect("removes");
    assert_eq!(numbers(choose(folder.path(), &words).args(["--threads", "1"])), first);
}

#[test]
fn a_table_a_recommendation_and_a_figure_come_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    phantoms(folder.path(), 40);
    let figure = folder.path().join("choice.svg");
    choose(folder.path(), &["--budget", "1s", "--out"]).arg(&figure).assert().success().stdout(
        contains("* efficientnet-lite0")
            .and(contains("of all 58 training images"))
            .and(contains("Recommended: efficientnet-lite0 is the only net that was tried."))
            .and(contains("--backbone efficientnet-lite0\n")),
    );
    let svg = std::fs::read_to_string(figure).expect("the figure");
    assert!(svg.contains("Recommended: efficientnet-lite0"), "{svg}");
}

#[test]
fn what_is_not_at_hand_or_no_net_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    phantoms(folder.path(), 6);
    choose(folder.path(), &["--backbone", "resnet50"])
        .assert()
        .code(1)
        .stderr(contains("the weights of resnet50 are not at hand"));
    let file = folder.path().join("x.pth");
    std::fs::write(&file, "no weights").expect("writes");
    choose(folder.path(), &["--weights"])
        .arg(&file)
        .assert()
        .code(1)
        .stderr(contains("x.pth: expected a PyTorch"));
    choose(folder.path(), &["--budget", "soon"]).assert().code(2).stderr(contains("such as 90s, 10m or 2h"));
}
