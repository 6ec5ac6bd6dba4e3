//! What one does every day: the tutorial's own commands, a second demo, a cache that cannot be written.

mod backbones;
mod predicting;
mod printing;
#[path = "../real_program/mod.rs"]
mod real_program;

use std::fs;
use std::path::Path;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

use real_program::{headstart, history, pictures, tensors};

/// The commands in the blocks for a shell of a section of the tutorial.
fn tutorial(section: &str) -> Vec<Vec<String>> {
    let text = include_str!("../../../../docs/tutorial.md");
    let (_, after) = text.split_once(&format!("## {section}\n")).expect("a section");
    let section = after.split("\n## ").next().unwrap_or(after);
    let blocks = section.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    let lines = blocks.flat_map(str::lines);
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn the_tutorial_s_steps_work_as_they_stand() {
    let folder = tempfile::tempdir().expect("a folder");
    for data in ["chest-xray", "other-hospital", "scans"] {
        pictures(&folder.path().join(data), 20);
    }
    let steps = ["2. Look before you train", "3. Train", "5. Ask it about other images"];
    let commands: Vec<_> = steps.into_iter().flat_map(tutorial).collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    for command in commands {
        let mut program = headstart(&folder.path().join("cache"));
        program.current_dir(folder.path()).args(&command[1..]);
        if command[1] == "train" {
            // Small, to be done soon.
            program.args(["--image-size", "32", "--epochs", "1"]);
        }
        program.assert().success();
    }
}

#[test]
fn a_table_of_splits_is_trained_with_from_anywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data) = (folder.path().join("cache"), folder.path().join("deep/data"));
    pictures(&data, 12);
    let split = |data: &Path, out: &Path, more: &[&str]| {
        headstart(&cache).arg("split").arg(data).args(more).arg("--out").arg(out).assert().success();
    };
    let train = |table: &Path, out: &str| {
        let mut command = headstart(&cache);
        command.arg("train").arg(table).args(["--image-size", "32", "--epochs", "1", "--out"]);
        command.arg(folder.path().join(out)).assert().success();
        let run = folder.path().join(out);
        (history(&run), tensors(&run))
    };
    let [beside, above, again, run] =
        ["deep/data/split.csv", "split.csv", "elsewhere/again.csv", "above/split.csv"]
            .map(|name| folder.path().join(name));
    split(&data, &beside, &[]);
    split(&data, &above, &["--folds", "3"]);
    assert!(!fs::read_to_string(&beside).expect("a table").contains("root"));
    assert!(fs::read_to_string(&above).expect("a table").contains(",deep/data\n"));
    // A table of a table, of which the rows stay on disk.
    fs::create_dir(folder.path().join("elsewhere")).expect("creates");
    split(&above, &again, &["--names-only"]);
    let whole = train(&beside, "beside");
    for (table, out) in [(&above, "above"), (&again, "again"), (&run, "once more")] {
        assert!(whole == train(table, out), "{}", table.display());
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, run, file] = ["data", "run", "file"].map(|name| folder.path().join(name));
    pictures(&data, 12);
    fs::write(&file, b"no folder").expect("writes");
    let mut command = headstart(&file.join("cache"));
    command.arg("train").arg(&data).args(["--image-size", "32", "--epochs", "1", "--out"]).arg(&run);
    command.assert().success().stderr(contains("warning: the cache").and(contains("file/cache")));
    assert!(run.join("model.safetensors").is_file());
}

#[test]
fn a_second_demo_has_a_folder_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("a cache");
    fs::create_dir_all(folder.path().join("runs/demo")).expect("a first demo's folder");
    headstart(&cache).current_dir(folder.path()).arg("demo").assert().success();
    assert!(folder.path().join("runs/demo-2/run/model.safetensors").is_file());
    assert_eq!(fs::read_dir(folder.path().join("runs/demo")).expect("stays").count(), 0);
    assert!(fs::read_dir(&cache).expect("HEADSTART_CACHE is used").count() > 0);
}

#[test]
fn a_run_without_a_name_has_its_date() {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("data"), 12);
    let mut command = headstart(&folder.path().join("cache"));
    command.current_dir(folder.path()).args(["train", "data", "--image-size", "32", "--epochs", "1"]);
    command.assert().success();
    let runs: Vec<_> = fs::read_dir(folder.path().join("runs")).expect("runs").flatten().collect();
    let name = runs[0].file_name().into_string().expect("text");
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = name.split('-').collect();
    assert!(parts[0] == "data" && parts.len() == 5 && parts[1..].iter().all(|part| digits(part)), "{name}");
    assert!(parts[1].len() == 4 && parts[1] >= "2024", "{name}");
}

#[test]
fn features_name_their_rows_in_the_order_of_the_paths() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for split in ["train", "test"] {
        pictures(&data.join(split), 3);
    }
    fs::write(data.join("test/dark/001.png"), b"no picture").expect("writes");
    let features = |out: &str, more: &[&str]| {
        let mut command = headstart(&folder.path().join("cache"));
        command.current_dir(folder.path()).args(["features", "data", "--image-size", "32", "--out", out]);
        command.args(more).assert().success();
        fs::read(folder.path().join(out)).expect("an array")
    };
    let maps = features("maps.npy", &[]);
    let header = |bytes: &[u8]| String::from_utf8_lossy(&bytes[10..128]).into_owned();
    assert!(header(&maps).contains("'shape': (11, 1280, 1, 1)"), "{}", header(&maps));
    let rows = fs::read_to_string(folder.path().join("maps.rows.csv")).expect("a table");
    let paths: Vec<&str> = rows.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    assert!(paths.is_sorted() && paths.len() == 11 && paths[0] == "test/bright/000.png", "{rows}");
    assert!(rows.contains("\ntrain/dark/002.png,dark,train\n"), "{rows}");

    let pooled = features("pooled.npy", &["--pool"]);
    assert!(header(&pooled).contains("'shape': (11, 1280)"), "{}", header(&pooled));
    // The maps of this cut are one pixel large.
    assert_eq!(pooled[pooled.len() - 4 * 1280..], maps[maps.len() - 4 * 1280..]);
    let archive = features("all.npz", &["--pool"]);
    for name in ["features.npy", "paths.npy", "labels.npy", "classes.npy", "splits.npy"] {
        assert!(archive.windows(name.len()).any(|part| part == name.as_bytes()), "{name}");
    }
    assert!(!folder.path().join("all.rows.csv").exists());
}

#[test]
fn messages_say_exactly_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    pictures(&data, 12);
    fs::write(data.join("dark/012.png"), b"no picture").expect("writes");
    let train = |data: &str, more: &[&str]| {
        let mut command = headstart(&folder.path().join("cache"));
        command.current_dir(folder.path()).args(["train", data, "--image-size", "32", "--epochs", "1"]);
        command.args(more).assert()
    };
    let weights =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/efficientnet_lite0.f16.safetensors");
    let weights = weights.display().to_string();
    train("data", &["--backbone", "resnet50", "--weights", &weights])
        .code(1)
        .stderr(contains("expected the weights of resnet50, found those of efficientnet-lite0"));
    let beyond = train("data", &["--train-images", "99", "--out", "beyond"]).success();
    let beyond = beyond.stderr(contains("train_images 99: there are 25 images to train with"));
    // 25 files, one of which cannot be used, in two classes.
    let said = String::from_utf8_lossy(&beyond.get_output().stdout).into_owned();
    let counts =
        |line: &str| line.split([' ', ',']).filter_map(|word| word.parse::<usize>().ok()).sum::<usize>();
    let images: usize = said.lines().take(3).map(counts).sum();
    assert!(images == 24 && said.contains("besides     1 file that cannot be used"), "{said}");
    fs::create_dir_all(folder.path().join("few/sick")).expect("creates");
    fs::create_dir_all(folder.path().join("few/well")).expect("creates");
    fs::copy(data.join("dark/001.png"), folder.path().join("few/sick/1.png")).expect("copies");
    for number in 0..9 {
        let name = format!("{number:03}.png");
        fs::copy(data.join("bright").join(&name), folder.path().join("few/well").join(name)).expect("copies");
    }
    train("few", &[]).code(1).stderr(contains("found too few of sick to cut a"));
}
