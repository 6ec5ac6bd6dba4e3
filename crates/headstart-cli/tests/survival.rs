//! Trainings that are killed anywhere, and go on to the same bits.
#![cfg(unix)]

mod real_program;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use predicates::str::contains;

use real_program::{headstart, history, pictures};

/// Small, but with everything that a step depends on: views, mixing, dropout, a mean of the weights.
const RECIPE: &str = "
backbone = 'efficientnet-lite0'
unfreeze = 'last-block'
loss = 'categorical-cross-entropy'
optimizer = 'adamw'
learning_rate = 1e-3
weight_decay = 0.01
batch_size = 8
epochs = 12
patience = 12
average = 0.9
label_smoothing = 0.1
class_weights = true
validation_fraction = 0.15
schedule = { kind = 'one-cycle' }
augment = { views = 1, rotation = 10.0, contrast = 0.2, area = [0.6, 1.0], jpeg = [30.0, 90.0] }
mix = { kind = 'mixup', alpha = 0.2 }
head = [{ kind = 'global-average-pool' }, { kind = 'dropout', rate = 0.2 }]
";
const MIX: &str = "mix = { kind = 'mixup', alpha = 0.2 }";

/// Where a test trains.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self::with(RECIPE)
    }

    fn with(recipe: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a folder") };
        pictures(&place.path("data"), 30);
        std::fs::write(place.path("recipe.toml"), recipe).expect("writes");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self, out: &Path) -> Vec<PathBuf> {
        let mut settings: Vec<PathBuf> = vec!["train".into(), self.path("data"), "--recipe".into()];
        settings.push(self.path("recipe.toml"));
        settings.extend(["--image-size", "32", "--checkpoint-every", "0.02", "--out"].map(PathBuf::from));
        settings.push(out.into());
        settings
    }

    fn train(&self, cache: &Path, out: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
        headstart(cache).args(self.settings(out)).args(more).assert()
    }

    fn start(&self, cache: &Path, out: &Path, more: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
        command.env("HEADSTART_CACHE", cache).args(self.settings(out)).args(more).arg("--resume");
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts")
    }
}

fn kill(mut child: Child) {
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().expect("ends");
}

fn assert_same(a: &Path, b: &Path) {
    assert_eq!(history(a), history(b));
    let model = |run: &Path| std::fs::read(run.join("model.safetensors")).expect("the model");
    assert!(model(a) == model(b), "the models are different files");
    // Nothing is left of checkpoints, whole or torn.
    assert_eq!(names(a), names(b));
    assert!(!b.join("checkpoint.safetensors").exists());
}

fn names(folder: &Path) -> BTreeSet<OsString> {
    let entries = std::fs::read_dir(folder).expect("a run folder").flatten();
    entries.map(|entry| entry.file_name()).collect()
}

#[test]
fn killed_at_twenty_points_it_comes_to_the_same_bits() {
    let place = Place::new();
    let whole = place.path("whole");
    let start = Instant::now();
    place.train(&place.path("cache"), &whole, &[]).success();
    let time = start.elapsed();
    for point in 0..20u32 {
        // Extraction, too, starts from nothing each time; every training is killed at two places.
        let (cache, out) = (place.path(&format!("cache{point}")), place.path(&format!("run{point}")));
        for part in [point, (point * 7 + 3) % 20] {
            let child = place.start(&cache, &out, &[]);
            std::thread::sleep(time * part / 20);
            kill(child);
        }
        if !out.join("model.safetensors").exists() || out.join("checkpoint.safetensors").exists() {
            place.train(&cache, &out, &["--resume"]).success();
        }
        assert_same(&whole, &out);
    }
}

/// Bytes in the index of features at later cuts.
fn written(cache: &Path) -> u64 {
    let files = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let names = |name: &str| name.contains("-further-") && name.ends_with(".index");
    let indices = files.filter(|file| names(&file.file_name().to_string_lossy()));
    indices.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

#[test]
fn killed_while_features_at_a_later_cut_are_written_it_comes_to_the_same_bits() {
    let head_first = RECIPE.replace(
        MIX,
        "thaw = { kind = 'head-first', epochs = 6 }\nvalidate_on = 'both'\nprobe = true\nstress_images = 4",
    );
    let place = Place::with(&head_first);
    let (cache, whole) = (place.path("cache"), place.path("whole"));
    let more = ["--epochs", "3"];
    place.train(&cache, &whole, &more).success().stdout(contains("epoch 1: only head is trained"));
    let (all, mut torn) = (written(&cache), 0);
    for point in 0..10 {
        let (cache, out) = (place.path(&format!("cache{point}")), place.path(&format!("run{point}")));
        let mut child = place.start(&cache, &out, &more);
        while written(&cache) == 0 {
            assert!(child.try_wait().expect("a child").is_none(), "it ended before it could be killed");
        }
        // The last points lie in the epochs of the head alone, and behind them.
        std::thread::sleep(Duration::from_micros(500 * point * point));
        kill(child);
        torn += usize::from(written(&cache) < all);
        place.train(&cache, &out, &[&more[..], &["--resume"]].concat()).success();
        assert_same(&whole, &out);
        assert_eq!(written(&cache), all);
    }
    assert!(torn > 0, "no kill came while features were written");
}

#[test]
fn a_killed_training_must_be_asked_to_go_on_and_is_not_mistaken_for_another() {
    let place = Place::new();
    let (cache, whole, killed) = (place.path("cache"), place.path("whole"), place.path("killed"));
    place.train(&cache, &whole, &[]).success();
    let mut child = place.start(&cache, &killed, &[]);
    while !killed.join("checkpoint.safetensors").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(child);
    place.train(&cache, &killed, &[]).code(2).stderr(contains("--resume: expected true, because"));
    // A difference is named before any image is looked at.
    let other = place.train(&cache, &killed, &["--resume", "--seed", "8"]).code(1);
    other.stderr(contains("seed 8 instead of 7")).stdout("");
    // The same name, another picture.
    let (picture, other) = (place.path("data/dark/000.png"), place.path("data/dark/001.png"));
    let before = std::fs::read(&picture).expect("a picture");
    std::fs::copy(other, &picture).expect("copies");
    place.train(&cache, &killed, &["--resume"]).code(1).stderr(contains("one of other images"));
    std::fs::write(&picture, before).expect("writes");
    // Views that the cache has no room for are rounded as it rounds.
    let going_on = place.train(&cache, &killed, &["--resume", "--cache-limit", "0"]).success();
    going_on.stdout(contains("going on after epoch")).stderr(contains("0 of 1 views"));
    assert_same(&whole, &killed);
    place.train(&cache, &killed, &["--resume"]).code(1).stderr(contains("found a training that is over"));
}

/// What waits to thaw is read from the cache, rounded, or computed, not rounded: the limit decides which.
#[test]
fn a_training_that_thaws_does_not_go_on_with_another_limit_of_the_cache() {
    let place = Place::with(&RECIPE.replace(MIX, "thaw = { kind = 'head-first', epochs = 6 }"));
    let (cache, whole, killed) = (place.path("cache"), place.path("whole"), place.path("killed"));
    place.train(&cache, &whole, &[]).success();
    let mut child = place.start(&cache, &killed, &[]);
    while !killed.join("checkpoint.safetensors").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(child);
    let less = place.train(&cache, &killed, &["--resume", "--cache-limit", "0"]).code(1);
    less.stderr(contains("give the same cache limit as before"));
    place.train(&cache, &killed, &["--resume"]).success();
    assert_same(&whole, &killed);
}

#[test]
fn a_run_knows_its_settings_from_the_first_second_on() {
    let place = Place::new();
    let (cache, whole, killed) = (place.path("cache"), place.path("whole"), place.path("killed"));
    let more = ["--batch-size", "6", "--positive", "bright"];
    place.train(&cache, &whole, &more).success();
    // Before there is a checkpoint, and behind one.
    for file in ["settings.toml", "checkpoint.safetensors"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
        command.env("HEADSTART_CACHE", place.path("other cache")).current_dir(place.folder.path());
        command.args(["train", "data", "--recipe", "recipe.toml", "--image-size", "32"]).args(more);
        command.args(["--checkpoint-every", "0.02", "--out", "killed"]);
        if killed.exists() {
            command.args(["--resume"]);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        while !killed.join(file).exists() {
            assert!(child.try_wait().expect("a child").is_none(), "it ended before it could be killed");
            std::thread::sleep(Duration::from_millis(1));
        }
        kill(child);
    }
    let resume =
        |more: &[&str]| headstart(&cache).args(["train", "--resume"]).arg(&killed).args(more).assert();
    let other = resume(&["--learning-rate", "0.5", "--image-size", "64"]).code(1).stdout("");
    other.stderr(contains("image_size 64 instead of 32, the recipe's learning_rate 0.5 instead of 0.001"));
    resume(&[]).success();
    assert_same(&whole, &killed);
    headstart(&cache)
        .args(["train", "--resume"])
        .assert()
        .code(2)
        .stderr(contains("the run folder behind it"));
}

#[test]
fn an_interrupted_training_ends_in_good_order_and_goes_on() {
    let place = Place::new();
    let (cache, whole, out) = (place.path("cache"), place.path("whole"), place.path("stopped"));
    place.train(&cache, &whole, &[]).success();
    let mut child = place.start(&cache, &out, &[]);
    while !out.join("checkpoint.safetensors").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(interrupt.success());
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("ends").code(), Some(130));
    assert!(said.ends_with(&format!("headstart train --resume {}\n", out.display())), "{said}");
    place.train(&cache, &out, &["--resume"]).success();
    assert_same(&whole, &out);
}

#[test]
fn an_ensemble_goes_on_with_the_member_that_was_killed() {
    let place = Place::with(&format!("{RECIPE}[[test_views]]\nrotation = 30.0\n"));
    let (cache, whole, out) = (place.path("cache"), place.path("whole"), place.path("killed"));
    let more = ["--folds", "3", "--epochs", "3"];
    place
        .train(&cache, &whole, &more)
        .success()
        .stdout(contains("training 3 of 3: seed 7, validated on fold 3"));
    let mut child = place.start(&cache, &out, &more);
    while !out.join("checkpoint-2.safetensors").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(child);
    let resumed = [&more[..], &["--resume"]].concat();
    place.train(&cache, &out, &resumed).success();
    assert_same(&whole, &out);
    assert!(!out.join("checkpoint-2.safetensors").exists() && out.join("history-3.jsonl").exists());

    let metrics = std::fs::read(out.join("metrics.json")).expect("metrics");
    let metrics: serde_json::Value = serde_json::from_slice(&metrics).expect("JSON");
    let images = |split: &str| metrics[split]["images"].as_u64().expect("a number");
    // Each image but the test's is validated by the training that did not see it.
    assert_eq!(images("validation") + images("test"), 60);
    assert_eq!(metrics["members"].as_array().map(Vec::len), Some(3));
    let spread = &metrics["spread"]["test"]["auc"];
    assert!(spread["low"].as_f64() <= spread["mean"].as_f64(), "{spread}");

    // The sealed model is what was measured.
    let test = std::fs::read_to_string(out.join("predictions.csv")).expect("predictions");
    let line = test.lines().find(|line| line.contains(",test,")).expect("a test image");
    let fields: Vec<&str> = line.split(',').collect();
    let mut predict = headstart(&cache);
    predict.arg("predict").arg(out.join("model.safetensors")).arg(place.path("data").join(fields[0]));
    let output = predict.args(["--format", "csv"]).assert().success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    let score = |text: &str| text.parse::<f64>().expect("a score");
    let now = text.lines().nth(1).and_then(|line| line.split(',').nth(2)).map(score);
    assert!((now.expect("a score") - score(fields[4])).abs() < 1e-3, "{line} against {text}");
}

#[test]
fn flipped_bits_in_the_cache_never_become_features() {
    let place = Place::with(&RECIPE.replace(MIX, "thaw = { kind = 'head-first', epochs = 6 }"));
    let cache = place.path("cache");
    let [whole, again] = ["whole", "again"].map(|name| place.path(name));
    place.train(&cache, &whole, &[]).success();
    let mut damaged = 0;
    for file in std::fs::read_dir(&cache).expect("the cache") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "features") {
            let mut bytes = std::fs::read(&path).expect("reads");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x40;
            std::fs::write(&path, bytes).expect("writes");
            damaged += 1;
        }
    }
    // The images and their view at both cuts, and the restyled validation images at the first.
    assert_eq!(damaged, 5);
    let said = place.train(&cache, &again, &[]).success();
    let said = String::from_utf8_lossy(&said.get_output().stdout).into_owned();
    let line = said.lines().find(|line| line.contains("from the cache")).expect("what was extracted");
    let numbers: Vec<usize> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [all, cached, ..] = numbers[..] else { panic!("{line}") };
    assert_eq!(all - cached, 3, "{line}");
    assert_same(&whole, &again);
}

/// A limit on the size of a file stands for a disk that is full: a write comes back with an error.
#[test]
fn a_full_disk_is_an_error_that_names_the_file_and_the_training_goes_on_later() {
    let place = Place::new();
    let whole = place.path("whole");
    place.train(&place.path("cache"), &whole, &[]).success();
    // In blocks of 512 bytes: too few for what the cache keeps of the pictures, then for a checkpoint.
    for (blocks, file) in [(8, "cache8/looks"), (2_000, "run2000/checkpoint")] {
        let (cache, out) = (place.path(&format!("cache{blocks}")), place.path(&format!("run{blocks}")));
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = assert_cmd::Command::new("sh");
        command.env("HEADSTART_CACHE", &cache).args(["-c", &limited]).arg(env!("CARGO_BIN_EXE_headstart"));
        command.args(place.settings(&out)).assert().code(1).stderr(contains(file));
        assert!(!out.join("model.safetensors").exists() && !out.join("checkpoint.tmp").exists());
        let more: &[&str] = if out.join("checkpoint.safetensors").exists() { &["--resume"] } else { &[] };
        place.train(&cache, &out, more).success();
        assert_same(&whole, &out);
    }
}

/// The depth was chosen within an hour; within no time at all another would be.
#[test]
fn a_chosen_depth_stays_when_a_training_goes_on() {
    let place = Place::new();
    let (cache, out) = (place.path("cache"), place.path("chosen"));
    let mut child = place.start(&cache, &out, &["--unfreeze", "auto", "--budget", "1h"]);
    while !out.join("checkpoint.safetensors").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(child);
    let more = ["--unfreeze", "auto", "--budget", "0s", "--resume"];
    place.train(&cache, &out, &more).success().stdout(contains("as it was chosen before the stop"));
    let config = std::fs::read_to_string(out.join("config.toml")).expect("the configuration");
    assert!(config.contains("unfreeze = \"block3\""), "{config}");
}
