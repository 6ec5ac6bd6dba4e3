//! `headstart features --shard` and `score-merge` of its parts: what `score` does with a model's answers, of features.

mod real_program;

use std::fs;
use std::path::Path;

use assert_cmd::assert::Assert;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use serde_json::Value;

use real_program::{pictures, spoil, unscheduled};

/// A folder with pictures in `data`, and two files among them that are no pictures.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("data"), 10);
    spoil(&folder.path().join("data"));
    folder
}

fn program(folder: &Path, size: &str) -> assert_cmd::Command {
    let mut command = unscheduled(folder);
    command.args(["features", "data", "--pool", "--image-size", size]);
    command
}

fn shard(folder: &Path, out: &str, shard: &str, more: &[&str]) -> Assert {
    program(folder, "32").args(["--shard", shard, "--out", out]).args(more).assert()
}

fn merge(folder: &Path, out: &str, more: &[&str]) -> Assert {
    unscheduled(folder).args(["score-merge", out]).args(more).assert()
}

fn table(folder: &Path, out: &str) -> Vec<u8> {
    fs::read(folder.join(out).join("merged.parquet")).expect("a table")
}

#[test]
fn any_number_of_shards_gives_the_same_table() {
    let place = place();
    let folder = place.path();
    for shards in [1, 2, 7] {
        for index in (0..shards).rev() {
            shard(folder, &format!("in-{shards}"), &format!("{index}/{shards}"), &[]).success();
        }
        let told = merge(folder, &format!("in-{shards}"), &[]).success();
        told.stdout(
            contains(format!("21 in {shards} parts")).and(contains("f32 [1280] of efficientnet-lite0")),
        );
        assert!(table(folder, &format!("in-{shards}")) == table(folder, "in-1"), "{shards} shards");
    }
    let text = fs::read_to_string(folder.join("in-7/summary.json")).expect("a summary");
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&found["rows"], &found["status"]["ok"], &found["cut"]),
        (&21.into(), &19.into(), &"none".into())
    );
    assert_eq!((&found["shape"][0], &found["reasons"]["empty file"]), (&1280.into(), &1.into()));
    merge(folder, "in-2", &["--listing"]).success();
    let parts = fs::read_to_string(folder.join("in-2/parts.json")).expect("a list");
    assert!(parts.contains("part-00001-of-00002.parquet"), "{parts}");
}

#[test]
fn a_finished_part_stays_and_what_does_not_belong_together_is_refused() {
    let place = place();
    let folder = place.path();
    shard(folder, "out", "0/3", &[]).success().stdout(contains("shard 0/3: 7 images in out/part-00000"));
    shard(folder, "out", "0/3", &[]).success().stdout(contains("was done before, 7 rows"));
    merge(folder, "out", &[]).code(75).stderr(contains("expected the parts of 3 shards, found none of 1, 2"));
    let cut = shard(folder, "out", "0/3", &["--unfreeze", "last-block"]).code(2);
    cut.stderr(contains("expected a part of the cut block7, found one of none"));
    let size = program(folder, "64").args(["--shard", "0/3", "--out", "out"]).assert().code(2);
    size.stderr(contains("expected a part of the image size 64, found one of 32"));
    let net = shard(folder, "out", "1/3", &["--backbone", "no-such-net"]).code(2);
    net.stderr(contains("unknown backbone"));
    shard(folder, "data/out", "0/1", &[]).code(2).stderr(contains("--out: expected a place outside"));
    shard(folder, "x.npy", "0/1", &[]).code(2).stderr(contains("--out: expected a folder for the parts"));
    shard(folder, "out", "3/3", &[]).code(2).stderr(contains("expected I/N with I from 0 on"));
    // Scores and features of one list.
    let mut train = unscheduled(folder);
    train.args(["train", "data", "--image-size", "32", "--epochs", "1", "--out", "run"]);
    train.assert().success();
    let mut score = unscheduled(folder);
    score.args(["score", "data", "--model", "run", "--shard", "0/3", "--out", "out"]);
    score.assert().code(2).stderr(contains("found one that headstart features wrote"));
}

#[test]
fn a_task_knows_its_shard_from_the_scheduler_unless_an_array_is_asked_for() {
    let place = place();
    let folder = place.path();
    let task = |out: &str| {
        let mut command = program(folder, "32");
        command.envs([("JOB_COMPLETION_INDEX", "1"), ("HEADSTART_SHARDS", "2")]).args(["--out", out]);
        command.assert()
    };
    task("out").success().stdout(contains("shard 1/2: 9 images, 2 unusable"));
    task("array.npy").success().stdout(contains("f32 [19, 1280]"));
    let mut lost = program(folder, "32");
    lost.env("JOB_COMPLETION_INDEX", "1").args(["--out", "out"]);
    lost.assert().code(2).stderr(contains("set HEADSTART_SHARDS to the number of shards"));
}

#[test]
fn parts_of_different_vector_levels_are_merged_only_when_asked_for() {
    let place = place();
    let folder = place.path();
    for (level, index) in [("portable", "0/2"), ("avx2", "1/2")] {
        let mut command = program(folder, "32");
        command.env("HEADSTART_VECTOR", level).args(["--shard", index, "--out", "mixed"]);
        command.assert().success();
    }
    if cfg!(target_arch = "x86_64") {
        merge(folder, "mixed", &[]).code(2).stderr(contains("found vector levels avx2 and portable"));
        let allowed = merge(folder, "mixed", &["--allow-mixed"]).success();
        allowed.stderr(contains("warning: the parts were computed by vector levels avx2 and portable"));
    }
}
