//! The real program, from folders of pictures to a model that predicts.

mod real_program;

use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgba, RgbaImage};
use predicates::str::contains;

use real_program::{headstart, history, pictures, tensors};

fn train(cache: &Path, data: &Path, out: &Path, threads: &str) {
    let settings =
        ["--image-size", "32", "--epochs", "2", "--batch-size", "8", "--threads", threads, "--out"];
    headstart(cache).arg("train").arg(data).args(settings).arg(out).assert().success();
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_threads_and_the_model_predicts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data) = (folder.path().join("cache"), folder.path().join("data"));
    pictures(&data, 20);
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    train(&cache, &data, &first, "1");
    train(&folder.path().join("other cache"), &data, &second, "2");
    assert_eq!(history(&first), history(&second));
    let model = |run: &Path| fs::read(run.join("model.safetensors")).expect("the model");
    assert!(model(&first) == model(&second), "the models are different files");
    let files = ["config.toml", "metrics.json", "predictions.csv", "curves.svg", "report.html"];
    for file in files.into_iter().chain(["model_card.md", "checklist.md"]) {
        assert!(first.join(file).is_file(), "{file} is missing");
    }
    let predict = |format: &str| {
        let mut command = headstart(&cache);
        let pattern = data.join("dark/00*.png");
        command.arg("predict").arg(first.join("model.safetensors")).arg(pattern).args(["--format", format]);
        command
    };
    predict("table").assert().success().stdout(contains("not a diagnosis"));
    predict("csv").assert().success().stdout(contains("path,predicted,score_bright,score_dark"));
    headstart(&cache)
        .arg("evaluate")
        .arg(first.join("model.safetensors"))
        .arg(&data)
        .arg("--json")
        .assert()
        .success()
        .stdout(contains("\"sensitivity\""));
}

#[test]
fn bad_files_are_set_aside_and_odd_ones_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data, out) =
        (folder.path().join("cache"), folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 12);
    let dark = data.join("dark");
    fs::write(dark.join("empty.jpg"), b"").expect("writes");
    fs::write(dark.join("text.jpg"), b"no picture at all").expect("writes");
    GrayImage::from_pixel(64, 64, Luma([30])).save(dark.join("whole.jpg")).expect("saves");
    let whole = fs::read(dark.join("whole.jpg")).expect("reads");
    fs::write(dark.join("cut.jpg"), &whole[..whole.len() / 2]).expect("writes");
    DynamicImage::ImageLuma16(ImageBuffer::from_pixel(9, 9, Luma([9000])))
        .save(dark.join("deep.png"))
        .expect("saves");
    RgbaImage::from_pixel(9, 9, Rgba([9, 9, 9, 99])).save(dark.join("alpha.png")).expect("saves");
    let odd = ["cmyk.jpg", "ycck.jpg", "grey.jpg", "deep_grey.tif", "palette.bmp", "alpha.webp"];
    for name in odd.into_iter().chain(["frames.webp", "dicom/frames.dcm"]) {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../headstart/tests/fixtures").join(name);
        fs::copy(&fixture, dark.join(fixture.file_name().expect("a name"))).expect("copies");
    }
    let trained = headstart(&cache)
        .arg("train")
        .arg(&data)
        .args(["--image-size", "32", "--epochs", "1", "--out"])
        .arg(&out)
        .assert()
        .success()
        .stderr(contains("set aside: dark/empty.jpg: empty file"))
        .stderr(contains("set aside: dark/text.jpg: not an image: plain text"))
        .stderr(contains("set aside: dark/cut.jpg: truncated JPEG"));
    let report = fs::read_to_string(out.join("report.html")).expect("the report");
    for bad in ["dark/empty.jpg", "dark/text.jpg", "dark/cut.jpg"] {
        assert!(report.contains(bad), "{bad} is not in the report");
    }
    for odd in ["deep.png", "alpha.png", "cmyk.jpg", "ycck.jpg", "deep_grey.tif"] {
        let line = format!("set aside: dark/{odd}");
        assert!(!String::from_utf8_lossy(&trained.get_output().stderr).contains(&line), "{line}");
    }
    // Of several frames the first is used, and everyone says so once.
    let several = "2 files have several frames: only the first of each is used";
    let told = format!("warning: {several}\n");
    assert_eq!(String::from_utf8_lossy(&trained.get_output().stderr).matches(&told).count(), 1);
    assert!(report.contains(several));
    let model = out.join("model.safetensors");
    let on = |command: &str, files: &[&Path]| {
        headstart(&cache).arg(command).arg(&model).args(files).assert().success().stderr(contains(&told))
    };
    on("evaluate", &[&data, Path::new("--json")]).stdout(contains("\"first_frames\": 2"));
    let [webp, dicom] = ["frames.webp", "frames.dcm"].map(|name| dark.join(name));
    on("predict", &[&webp, &dicom, Path::new("--format=json")]).stdout(contains("\"frames\": 3"));
}

#[test]
fn what_cannot_work_is_an_error_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data, out) =
        (folder.path().join("cache"), folder.path().join("data"), folder.path().join("run"));
    let train = |data: &Path, more: &[&str]| {
        let mut command = headstart(&cache);
        command.arg("train").arg(data).arg("--out").arg(&out).args(more);
        command.assert().failure()
    };
    train(&folder.path().join("missing"), &[]).code(1).stderr(contains("missing"));
    fs::create_dir_all(&data).expect("creates");
    train(&data, &[]).code(1).stderr(contains("data: expected"));
    fs::create_dir_all(data.join("only")).expect("creates");
    train(&data, &[]).code(1).stderr(contains("expected"));
    fs::write(data.join("only/1.png"), b"x").expect("writes");
    train(&data, &[]).code(1).stderr(contains("at least two classes, found 1 (only)"));
    pictures(&data, 6);
    fs::remove_dir_all(data.join("only")).expect("removes");
    train(&data, &["--recipe", "nonsense"]).code(2).stderr(contains("unknown recipe"));
    train(&data, &["--unfreeze", "block99"]).code(2).stderr(contains("block99"));
    train(&data, &["--recipe", "keras-vgg16"]).code(2).stderr(contains("--weights"));
    let wrong = folder.path().join("wrong.safetensors");
    fs::write(&wrong, b"not tensors").expect("writes");
    let weights = wrong.display().to_string();
    train(&data, &["--weights", &weights]).code(1).stderr(contains("a safetensors file"));
    assert!(!out.exists(), "a failed training left a folder");
    let mut unwritable = headstart(&cache);
    unwritable.arg("train").arg(&data).arg("--out").arg(wrong.join("run"));
    unwritable.assert().code(1).stderr(contains("wrong.safetensors"));
}

#[test]
fn bench_measures_trunk_and_tail() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = ["bench", "efficientnet-lite0", "--image-size", "32", "--batch-size", "2", "--json"];
    let output = headstart(folder.path()).args(settings).assert().success().get_output().stdout.clone();
    let measured: serde_json::Value = serde_json::from_slice(&output).expect("JSON");
    for part in ["trunk_images_per_second", "tail_step_images_per_second", "threads"] {
        assert!(measured[part].as_f64().is_some_and(|number| number > 0.0), "{part}: {measured}");
    }
    let tiny = ["bench", "efficientnet-lite0", "--image-size", "8"];
    headstart(folder.path()).args(tiny).assert().code(2).stderr(contains("found 8"));
}

#[test]
fn the_depth_is_chosen_by_probes_within_the_budget() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data) = (folder.path().join("cache"), folder.path().join("data"));
    pictures(&data, 20);
    let train = |out: &str, budget: &str| {
        let mut command = headstart(&cache);
        command.arg("train").arg(&data).args(["--image-size", "32", "--epochs", "1", "--batch-size", "8"]);
        command.args(["--unfreeze", "auto", "--budget", budget, "--out"]).arg(folder.path().join(out));
        command.assert()
    };
    // These classes differ in brightness: every depth tells them apart, and the deepest is taken.
    train("deep", "1h").success().stdout(contains("unfreeze block3: the deepest that was looked at"));
    let config = fs::read_to_string(folder.path().join("deep/config.toml")).expect("the configuration");
    assert!(config.contains("unfreeze = \"block3\""), "{config}");
    train("quick", "0s").success().stdout(contains("this is the quickest"));
    train("none", "soon").code(2).stderr(contains("expected a time such as 90s, 10m or 2h"));
    headstart(&cache).args(["bench", "efficientnet-lite0", "--unfreeze", "auto"]).assert().code(2);
}

#[test]
fn a_climbing_learning_rate_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let [cache, data, out] = ["cache", "data", "rate"].map(|name| folder.path().join(name));
    pictures(&data, 20);
    let mut command = headstart(&cache);
    command.arg("learning-rate").arg(&data).args(["--image-size", "32", "--batch-size", "8", "--out"]);
    command.arg(&out).assert().success().stdout(contains("the loss falls fastest at"));
    let curve = fs::read(out.join("learning-rate.json")).expect("the numbers");
    let curve: serde_json::Value = serde_json::from_slice(&curve).expect("JSON");
    let rates = curve["rates"].as_array().expect("rates").len();
    assert!(rates > 40 && curve["losses"].as_array().map(Vec::len) == Some(rates), "{curve}");
    assert!(fs::read_to_string(out.join("learning-rate.svg")).expect("the figure").starts_with("<svg"));
    assert!(!out.join("model.safetensors").exists());
}

/// A recipe without views, but for when its blocks thaw.
fn plain_recipe(thaw: &str) -> String {
    let head = "[[head]]\nkind = \"global-average-pool\"\n\n[[head]]\nkind = \"dropout\"\nrate = 0.2\n";
    format!("{PLAIN}\n[schedule]\nkind = \"cosine\"\nwarmup = 0.1\n\n[thaw]\n{thaw}\n\n{head}")
}

const PLAIN: &str = "
backbone = 'efficientnet-lite0'
unfreeze = 'block6'
loss = 'categorical-cross-entropy'
optimizer = 'adamw'
learning_rate = 3e-4
weight_decay = 0.01
batch_size = 32
epochs = 3
patience = 3
class_weights = true
validation_fraction = 0.15
";

/// Trains on the pictures in `folder` with a cache of its own: the run, and what was said on both streams.
fn train_with(folder: &Path, recipe: &str, name: &str, settings: &[&str]) -> (PathBuf, String, String) {
    let (file, out) = (folder.join(format!("{name}.toml")), folder.join(name));
    fs::write(&file, recipe).expect("writes");
    let mut command = headstart(&folder.join(format!("{name} cache")));
    command.arg("train").arg(folder.join("data")).arg("--recipe").arg(file);
    let output =
        command.args(["--batch-size", "8"]).args(settings).arg("--out").arg(&out).output().expect("runs");
    let [said, warned] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{warned}");
    (out, said, warned)
}

#[test]
fn views_that_the_cache_cannot_hold_come_to_the_same_bits() {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("data"), 20);
    let recipe = plain_recipe("kind = \"at-once\"") + "\n[augment]\nviews = 2\nrotation = 10.0\n";
    let settings = ["--image-size", "32", "--epochs", "2"];
    let run =
        |name: &str, more: &[&str]| train_with(folder.path(), &recipe, name, &[&settings, more].concat());
    let (cached, _, silent) = run("cached", &[]);
    let (anew, _, warned) = run("anew", &["--cache-limit", "0"]);
    assert!(!silent.contains("views of each"), "{silent}");
    assert!(warned.contains("0 of 2 views of each training image fit"), "{warned}");
    assert_eq!(history(&cached), history(&anew));
    assert!(tensors(&cached) == tensors(&anew), "the model's tensors differ");
}

/// Losses and rates of each epoch.
fn numbers(run: &Path) -> Vec<f64> {
    let of = |line: &String| -> Vec<f64> {
        let record: serde_json::Value = serde_json::from_str(&format!("{line}}}")).expect("JSON");
        ["train_loss", "validation_loss", "learning_rate"]
            .map(|name| record[name].as_f64().expect(name))
            .into()
    };
    history(run).iter().flat_map(of).collect()
}

/// Images whose features at later cuts lie in a cache, of each cut and view.
fn further(cache: &Path) -> Vec<usize> {
    let files = fs::read_dir(cache).expect("the cache").map(|file| file.expect("a file").path());
    let indices = files.filter(|path| {
        let name = path.display().to_string();
        name.contains("-further-") && name.ends_with(".index")
    });
    let mut counts: Vec<usize> =
        indices.map(|path| fs::read_to_string(path).expect("lines").lines().count()).collect();
    counts.sort_unstable();
    counts
}

#[test]
fn blocks_that_wait_run_once_and_it_comes_to_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("data"), 20);
    // Of 40 images 6 are the test's and 28 train.
    let thaws = [
        ("kind = \"head-first\"\nepochs = 2\n[augment]\nviews = 1\nrotation = 10.0\n", vec![28, 34]),
        ("kind = \"gradual\"\nepochs = 1\n", vec![34, 34, 34]),
    ];
    for (number, (thaw, counts)) in thaws.iter().enumerate() {
        let recipe = plain_recipe(thaw);
        let settings =
            ["--image-size", "64", "--epochs", "4", "--unfreeze", "block6", "--learning-rate", "1e-4"];
        let run = |name: &str, more: &[&str]| {
            let name = format!("{name}{number}");
            train_with(folder.path(), &recipe, &name, &[&settings, more].concat())
        };
        let (once, said, silent) = run("once", &[]);
        let (each_step, _, warned) = run("each step", &["--cache-limit", "0"]);
        assert!(said.contains("from epoch 1: only head is trained; its features take"), "{said}");
        assert!(
            !silent.contains("--cache-limit") && warned.contains("each step runs the blocks that wait"),
            "{warned}"
        );
        if number == 0 {
            // The head alone comes down along a cosine of its own, then all begin anew.
            let rates: Vec<f64> = numbers(&once).into_iter().skip(2).step_by(3).collect();
            assert!(
                rates.len() == 2 + 4 && rates[1] < 1e-7 && rates[2] > 5e-5 && rates[5] < 1e-7,
                "{rates:?}"
            );
        }
        let cache = |name: &str| folder.path().join(format!("{name}{number} cache"));
        assert_eq!(&further(&cache("once")), counts);
        assert!(further(&cache("each step")).is_empty());
        for (index, (a, b)) in numbers(&once).iter().zip(numbers(&each_step)).enumerate() {
            // Something waits in the first two epochs. f16's rounding of it grows in steps to come.
            let bound = if index / 3 < 2 { 3e-4 } else { 1e-2 };
            assert!((a - b).abs() < bound, "epoch {}: {a} {b}", index / 3 + 1);
        }
    }
}
