//! `headstart score` and `score-merge`: the same table for any number of shards, whatever happens on the way.

mod real_program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use assert_cmd::assert::Assert;
use predicates::str::contains;
use serde_json::Value;

use real_program::{headstart, pictures, spoil, unscheduled};

/// A training, once for all tests: the folder has its images in `data` and the run in `run`.
fn trained() -> &'static Path {
    static PLACE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let train = || {
        let folder = tempfile::tempdir().expect("a folder");
        pictures(&folder.path().join("data"), 20);
        let mut train = headstart(&folder.path().join("cache"));
        train.current_dir(folder.path()).args(["train", "data", "--image-size", "32", "--epochs", "1"]);
        train.args(["--out", "run"]).assert().success();
        folder
    };
    PLACE.get_or_init(train).path()
}

/// A folder with the model in `run`, pictures in `data`, and two files among them that are no pictures.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("data"), 20);
    fs::create_dir(folder.path().join("run")).expect("creates");
    fs::copy(trained().join("run/model.safetensors"), folder.path().join("run/model.safetensors"))
        .expect("copies");
    spoil(&folder.path().join("data"));
    folder
}

fn score(folder: &Path, manifest: &str, out: &str, shard: &str) -> Assert {
    unscheduled(folder).args(["score", manifest, "--model", "run", "--shard", shard, "--out", out]).assert()
}

fn merge(folder: &Path, out: &str, more: &[&str]) -> Assert {
    unscheduled(folder).args(["score-merge", out]).args(more).assert()
}

/// The bytes of the merged table of `manifest` in so many shards.
fn merged(folder: &Path, manifest: &str, out: &str, shards: u32) -> Vec<u8> {
    // Shards may come in any order.
    for index in (0..shards).rev() {
        score(folder, manifest, out, &format!("{index}/{shards}")).success();
    }
    merge(folder, out, &[]).success();
    fs::read(folder.join(out).join("merged.parquet")).expect("a table")
}

fn summary(folder: &Path, out: &str) -> Value {
    let text = fs::read_to_string(folder.join(out).join("summary.json")).expect("a summary");
    serde_json::from_str(&text).expect("JSON")
}

/// A CSV of all pictures, `times` over.
fn listed(folder: &Path, name: &str, times: usize) {
    let paths = ["bright", "dark"]
        .iter()
        .flat_map(|class| (0..20).map(move |index| format!("data/{class}/{index:03}.png\n")))
        .collect::<String>();
    fs::write(folder.join(name), format!("path\n{}", paths.repeat(times))).expect("writes");
}

#[test]
fn any_number_of_shards_gives_the_same_table_and_the_scores_of_predict() {
    let place = place();
    let folder = place.path();
    let whole = merged(folder, "data", "one", 1);
    for shards in [2, 7] {
        assert!(merged(folder, "data", &format!("in-{shards}"), shards) == whole, "{shards} shards");
    }
    let found = summary(folder, "in-7");
    assert_eq!(
        (&found["rows"], &found["shards"], &found["status"]["ok"]),
        (&41.into(), &7.into(), &39.into())
    );
    assert_eq!(found["status"]["unusable"], 2);
    assert_eq!(found["reasons"]["empty file"], 1);
    let drawn: u64 = found["classes"]["dark"]["histogram"]
        .as_array()
        .expect("bars")
        .iter()
        .filter_map(Value::as_u64)
        .sum();
    let refused = found["verdicts"]["refused"].as_u64().expect("a number");
    assert_eq!(drawn + refused, 39);
    // The same answers as one by one. A merged table is a manifest, too: it has a column of paths.
    let predicted =
        unscheduled(folder).args(["predict", "run", "data", "--format", "json"]).assert().success();
    let predicted: Value = serde_json::from_slice(&predicted.get_output().stdout).expect("JSON");
    let mean = |class: &str| {
        let answers = predicted["predictions"].as_array().expect("answers").iter();
        let kept = answers.filter(|answer| answer["verdict"] != "refused");
        let scores: Vec<f64> = kept.filter_map(|answer| answer["scores"][class].as_f64()).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    };
    let close = (mean("dark") - found["classes"]["dark"]["mean"].as_f64().expect("a mean")).abs();
    assert!(close < 1e-12, "{close}");
    fs::copy(folder.join("one/merged.parquet"), folder.join("data/again.parquet")).expect("copies");
    merged(folder, "data/again.parquet", "again", 3);
    let again = summary(folder, "again");
    assert_eq!(again["classes"], found["classes"]);
    assert_ne!(again["manifest"], found["manifest"]);

    let listing = merge(folder, "in-2", &["--listing", "--json"]).success();
    let listing: Value = serde_json::from_slice(&listing.get_output().stdout).expect("JSON");
    assert_eq!(listing["classes"], found["classes"]);
    let parts = fs::read_to_string(folder.join("in-2/parts.json")).expect("a list");
    assert!(parts.contains("part-00001-of-00002.parquet"), "{parts}");
}

#[test]
fn a_finished_part_stays_and_what_does_not_belong_together_is_refused() {
    let place = place();
    let folder = place.path();
    listed(folder, "list.csv", 1);
    score(folder, "list.csv", "out", "0/3")
        .success()
        .stdout(contains("shard 0/3: 13 images in out/part-00000"));
    let part = folder.join("out/part-00000-of-00003.parquet");
    let before = fs::metadata(&part).expect("a part").modified().expect("a time");
    score(folder, "list.csv", "out", "0/3").success().stdout(contains("was done before, 13 rows"));
    assert_eq!(fs::metadata(&part).expect("a part").modified().expect("a time"), before);
    merge(folder, "out", &[]).code(75).stderr(contains("expected the parts of 3 shards, found none of 1, 2"));
    assert!(!folder.join("out/merged.parquet").exists());

    // Another manifest, and another model.
    listed(folder, "longer.csv", 2);
    let other = score(folder, "longer.csv", "out", "0/3").code(2);
    other.stderr(contains("expected a part of the manifest with SHA-256"));
    fs::rename(folder.join("run"), folder.join("first")).expect("renames");
    let mut train = unscheduled(folder);
    train.args(["train", "data", "--image-size", "32", "--epochs", "1", "--seed", "8", "--out", "run"]);
    train.assert().success();
    let other = score(folder, "list.csv", "out", "0/3").code(2);
    other.stderr(contains("expected a part of the model with SHA-256"));
    for shard in ["1/3", "2/3"] {
        score(folder, "list.csv", "out", shard).success();
    }
    merge(folder, "out", &[]).code(2).stderr(contains("expected a part of the model with SHA-256"));

    score(folder, "list.csv", "out", "0/4").success();
    merge(folder, "out", &[]).code(2).stderr(contains("found some of 3 shards and some of 4"));
    fs::write(folder.join("out/part-00000-of-00004.parquet"), "PAR1").expect("writes");
    score(folder, "list.csv", "out", "0/4").code(2).stderr(contains("expected a Parquet file"));
}

#[test]
fn what_no_other_try_mends_ends_with_2() {
    let place = place();
    let folder = place.path();
    score(folder, "nothing.csv", "out", "0/1").code(2).stderr(contains("cannot read nothing.csv"));
    score(folder, "nothing.zip", "out", "0/1").code(2).stderr(contains("found nothing there"));
    score(folder, "data", "data/out", "0/1").code(2).stderr(contains("--out: expected a place outside"));
    score(folder, "data", "out", "1/1").code(2).stderr(contains("expected I/N with I from 0 on"));
    fs::write(folder.join("bad.csv"), "name\nx.png\n").expect("writes");
    score(folder, "bad.csv", "out", "0/1").code(2).stderr(contains("expected a column path"));
    let mut without = unscheduled(folder);
    without.args(["score", "data", "--model", "data/dark/001.png", "--out", "out"]);
    without.assert().code(2).stderr(contains("001.png: expected"));
    if cfg!(not(feature = "cloud")) {
        let no_store = score(folder, "data", "s3://bucket/out", "0/1").code(2);
        no_store.stderr(contains("this build of headstart reaches no object store"));
        merge(folder, "s3://bucket/out", &[]).code(2).stderr(contains("reaches no object store"));
    }
    merge(folder, "data", &[])
        .code(2)
        .stderr(contains("expected parts that headstart score or headstart features wrote, found none"));
    assert!(!folder.join("out").exists(), "nothing is left of what failed");
}

#[test]
fn a_task_knows_its_shard_from_the_scheduler() {
    let place = place();
    let folder = place.path();
    listed(folder, "list.csv", 1);
    let task = |variables: &[(&str, &str)]| {
        let mut command = unscheduled(folder);
        command.args(["score", "list.csv", "--model", "run", "--out", "out"]).envs(variables.iter().copied());
        command.assert()
    };
    let array =
        [("SLURM_ARRAY_TASK_COUNT", "2"), ("SLURM_ARRAY_TASK_MIN", "1"), ("SLURM_ARRAY_TASK_MAX", "2")];
    let slurm = |id| task(&[&array[..], &[("SLURM_ARRAY_TASK_ID", id)]].concat());
    slurm("1").success().stdout(contains("shard 0/2: 20 images"));
    task(&[("JOB_COMPLETION_INDEX", "1")])
        .code(2)
        .stderr(contains("set HEADSTART_SHARDS to the number of shards"));
    let indexed = task(&[("JOB_COMPLETION_INDEX", "1"), ("HEADSTART_SHARDS", "2")]).success();
    indexed.stdout(contains("shard 1/2: 19 images, 1 unusable"));
    slurm("2").success().stdout(contains("was done before"));
    merge(folder, "out", &[]).success().stdout(contains("40 in 2 parts"));
    task(&[]).success().stdout(contains("shard 0/1: 39 images"));
}

/// The widest level of this machine, or at most another.
fn score_at(level: &str, folder: &Path, out: &str, shard: &str) {
    let mut command = unscheduled(folder);
    command
        .env("HEADSTART_VECTOR", level)
        .args(["score", "data", "--model", "run", "--shard", shard, "--out", out]);
    command.assert().success();
}

#[test]
fn parts_of_different_vector_levels_are_merged_only_when_asked_for() {
    let place = place();
    let folder = place.path();
    score_at("portable", folder, "mixed", "0/2");
    score_at("avx2", folder, "mixed", "1/2");
    score_at("portable", folder, "portable", "0/1");
    score_at("portable", folder, "portable-in-2", "0/2");
    score_at("portable", folder, "portable-in-2", "1/2");
    merge(folder, "portable", &[]).success();
    merge(folder, "portable-in-2", &[]).success();
    let table = |out: &str| fs::read(folder.join(out).join("merged.parquet")).expect("a table");
    assert!(table("portable") == table("portable-in-2"), "one level, the same bits");
    assert_eq!(summary(folder, "portable")["vector_levels"], serde_json::json!(["portable"]));

    if !cfg!(target_arch = "x86_64") {
        return;
    }
    merge(folder, "mixed", &[]).code(2).stderr(contains("found vector levels avx2 and portable"));
    let allowed = merge(folder, "mixed", &["--allow-mixed"]).success();
    allowed.stderr(contains("warning: the parts were computed by vector levels avx2 and portable"));
    let found = summary(folder, "mixed");
    assert_eq!(found["vector_levels"], serde_json::json!(["avx2", "portable"]));
    assert!(found["warnings"][0].as_str().is_some_and(|line| line.contains("last digits")), "{found}");
}

/// A process that scores more images than it can be done with before it is stopped.
fn started(folder: &Path, out: &str) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
    command.current_dir(folder).env_remove("SLURM_ARRAY_TASK_ID").env_remove("JOB_COMPLETION_INDEX");
    command.args(["score", "long.csv", "--model", "run", "--shard", "1/2", "--out", out, "--threads", "1"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    // Until it writes.
    while !fs::read_dir(folder.join(out)).is_ok_and(|mut files| files.next().is_some()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn files(folder: PathBuf) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> =
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
#[cfg(unix)]
fn a_shard_that_was_stopped_or_killed_is_done_again_to_the_same_bytes() {
    let place = place();
    let folder = place.path();
    listed(folder, "long.csv", 100);
    let kill = |child: &std::process::Child, signal: &str| {
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    };
    let stopped = started(folder, "out");
    kill(&stopped, "-TERM");
    let output = stopped.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(files(folder.join("out")), Vec::<String>::new(), "it cleans up");

    let mut killed = started(folder, "out");
    kill(&killed, "-KILL");
    assert!(!killed.wait().expect("ends").success());
    let left = files(folder.join("out"));
    assert!(left.len() == 1 && left[0].starts_with(".unfinished-"), "{left:?}");
    let table = merged(folder, "long.csv", "out", 2);
    assert_eq!(files(folder.join("out")).len(), 4, "two parts, the table and the summary");
    assert!(table == merged(folder, "long.csv", "in-one", 1));
}
