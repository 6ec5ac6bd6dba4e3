//! What the program says about trust: calibration, refusal, explanations, comparison, recomputation.

mod scattered;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use image::{GrayImage, Luma, Rgb, RgbImage};
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use scattered::scattered;

fn headstart(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
    command.env("HEADSTART_CACHE", cache);
    command
}

/// Two classes of noisy grey pictures that overlap a little, and what a CSV says of them.
fn pictures(folder: &Path, count: u32) -> PathBuf {
    drawn(folder, 0..count)
}

/// The pictures of these numbers.
fn drawn(folder: &Path, numbers: std::ops::Range<u32>) -> PathBuf {
    let mut table = String::from("path,label,sex\n");
    for (class, base) in [("bright", 120u8), ("dark", 90)] {
        fs::create_dir_all(folder.join(class)).expect("creates");
        for index in numbers.clone() {
            let picture = GrayImage::from_fn(40, 40, |x, y| {
                let noise = scattered(&[x, y, index, base.into()]) % 60 + index * 7 % 40;
                Luma([base + noise as u8])
            });
            let name = format!("{class}/{index:03}.png");
            picture.save(folder.join(&name)).expect("saves");
            table += &format!("{name},{class},{}\n", if index % 3 == 0 { "f" } else { "m" });
        }
    }
    let file = folder.join("images.csv");
    fs::write(&file, table).expect("writes");
    file
}

fn train(cache: &Path, data: &Path, out: &Path, more: &[&str]) {
    let settings = ["--image-size", "32", "--epochs", "3", "--batch-size", "8", "--out"];
    headstart(cache).arg("train").arg(data).args(settings).arg(out).args(more).assert().success();
}

fn json(text: &[u8]) -> serde_json::Value {
    serde_json::from_slice(text).expect("JSON")
}

#[test]
fn a_run_knows_how_far_to_trust_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data) = (folder.path().join("cache"), folder.path().join("data"));
    let table = pictures(&data, 150);
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    train(&cache, &table, &first, &[]);
    train(&cache, &table, &second, &["--threshold", "sensitivity=1", "--calibration", "none"]);
    let metrics = json(&fs::read(first.join("metrics.json")).expect("metrics"));
    for measure in ["accuracy", "auc", "sensitivity", "specificity", "ppv", "npv", "mcc", "average_precision"]
    {
        let estimate = &metrics["test"][measure];
        assert!(estimate["low"].as_f64() <= estimate["high"].as_f64(), "{measure}: {estimate}");
    }
    assert!(metrics["subgroups"].as_array().is_some_and(|groups| groups.len() == 2), "{metrics}");
    assert_eq!(
        json(&fs::read(second.join("metrics.json")).expect("metrics"))["validation"]["sensitivity"]["value"],
        1.0
    );
    let config = fs::read_to_string(second.join("config.toml")).expect("the configuration");
    assert!(config.contains("threshold = \"sensitivity=1\"") && config.contains("calibration = \"none\""));
    let card = fs::read_to_string(first.join("model_card.md")).expect("the card");
    assert!(card.contains("sex: f") && card.contains("[blank"), "{card}");

    // An image of another kind is refused; the contract's columns come first.
    let odd = folder.path().join("odd.png");
    RgbImage::from_fn(40, 40, |x, y| Rgb([(x * 6) as u8, 255 - (y * 6) as u8, ((x ^ y) * 8) as u8]))
        .save(&odd)
        .expect("saves");
    let model = first.join("model.safetensors");
    let maps = folder.path().join("maps");
    let mut predict = headstart(&cache);
    predict.arg("predict").arg(&model).arg(&odd).arg(data.join("dark/001.png"));
    let output = predict.args(["--format", "csv", "--explain"]).arg(&maps).assert().success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "path,predicted,score_bright,score_dark,distance,refused,plausible,unusual,verdict,threshold"
    );
    // No class stands where the model gives no answer.
    assert!(
        lines[1].contains("odd.png,,") && lines[1].contains(",true,") && lines[1].contains(",refused,0."),
        "{text}"
    );
    assert!(lines[2].contains(",false,") && lines[2].contains("decided,0."), "{text}");
    let head = fs::read_to_string(first.join("predictions.csv")).expect("predictions");
    assert!(
        head.lines()
            .next()
            .expect("a head")
            .ends_with(",group,distance,refused,plausible,unusual,verdict,threshold")
    );
    for name in ["odd.png", "001.png"] {
        let picture = image::open(maps.join(name)).expect("a PNG");
        assert_eq!((picture.width(), picture.height()), (88, 40), "the image beside its map");
    }
    headstart(&cache)
        .arg("predict")
        .arg(&model)
        .arg(&odd)
        .assert()
        .success()
        .stdout(contains("does not look like"));

    // Twenty of another kind are a set that has drifted; nineteen are too few to say so.
    let drifted = contains("these 20 images as a whole lie farther from the training images");
    for (count, expected) in [(20, drifted.count(1)), (19, contains("as a whole").count(0))] {
        let mut predict = headstart(&cache);
        predict
            .arg("predict")
            .arg(&model)
            .args(std::iter::repeat_n(&odd, count))
            .assert()
            .success()
            .stderr(expected);
    }

    let compared = headstart(&cache).arg("compare").args([&first, &first]).assert().success();
    compared.stdout(contains(": noise").count(2));
    headstart(&cache).arg("compare").arg(&first).arg(&odd).assert().code(1).stderr(contains("odd.png"));
    recompute(&first);
    recompute(&second);
}

/// scikit-learn on predictions.csv, where there is one.
fn recompute(run: &Path) {
    let Some(python) = std::env::var_os("HEADSTART_PYTHON") else {
        println!("skipped: HEADSTART_PYTHON is not set");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/recompute_metrics.py");
    Command::new(python).arg(script).arg(run).assert().success();
}

#[test]
fn seeds_become_one_model_that_is_their_mean() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data) = (folder.path().join("cache"), folder.path().join("data"));
    let table = pictures(&data, 40);
    let runs = ["both", "first", "second"].map(|name| folder.path().join(name));
    // Without a probe, which each training takes or leaves, the model's logits are the members' mean. Without calibration a score
    // is the softmax of logits.
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/default.toml");
    let recipe = fs::read_to_string(usual).expect("the recipe").replace("probe = true", "probe = false");
    let file = folder.path().join("without-probe.toml");
    fs::write(&file, recipe).expect("writes");
    let file = file.display().to_string();
    let more = ["--recipe", &file, "--calibration", "none", "--seed"];
    train(&cache, &table, &runs[0], &[&more[..], &["4", "--seeds", "2"]].concat());
    // The split belongs to the first seed, so the second trains alone on the split that the first wrote.
    let split = data.join("split.csv");
    fs::copy(runs[0].join("split.csv"), &split).expect("copies");
    train(&cache, &split, &runs[1], &[&more[..], &["4"]].concat());
    train(&cache, &split, &runs[2], &[&more[..], &["5"]].concat());
    let logits = |run: &Path| -> Vec<f64> {
        let pictures = ["bright/003.png", "dark/011.png"].map(|name| data.join(name));
        let mut predict = headstart(&cache);
        predict.arg("predict").arg(run.join("model.safetensors")).args(pictures).args(["--format", "csv"]);
        let output = predict.assert().success().get_output().stdout.clone();
        let text = String::from_utf8(output).expect("text");
        let scores = text.lines().skip(1).filter_map(|line| line.split(',').nth(2)?.parse().ok());
        scores.map(|score: f64| (score / (1.0 - score)).ln()).collect()
    };
    let [both, first, second] = runs.each_ref().map(|run| logits(run));
    assert_eq!(both.len(), 2);
    for ((both, first), second) in both.iter().zip(&first).zip(&second) {
        assert!((both - (first + second) / 2.0).abs() < 0.01, "{both}: {first}, {second}");
    }
    assert_ne!(first, second);

    let metrics = |run: &Path| json(&fs::read(run.join("metrics.json")).expect("metrics"));
    let auc = |run: &Path| metrics(run)["test"]["auc"]["value"].as_f64().expect("a number");
    let spread = metrics(&runs[0])["spread"]["test"]["auc"]["mean"].as_f64().expect("a number");
    assert!((spread - (auc(&runs[1]) + auc(&runs[2])) / 2.0).abs() < 1e-9, "{spread}");
}

#[test]
fn data_from_elsewhere_is_measured_and_recalibrated_only_when_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data, run) =
        (folder.path().join("cache"), folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 100);
    fs::remove_file(data.join("images.csv")).expect("removes");
    train(&cache, &data, &run, &[]);
    let elsewhere = folder.path().join("elsewhere");
    fs::remove_file(drawn(&elsewhere, 100..120)).expect("removes");
    for (ours, theirs) in [("bright", "BRIGHT"), ("dark", "gloomy")] {
        fs::rename(elsewhere.join(ours), elsewhere.join(theirs)).expect("renames");
    }
    let model = run.join("model.safetensors");
    let evaluate = |more: &[&str]| {
        let mut command = headstart(&cache);
        command.arg("evaluate").arg(&model).arg(&elsewhere).args(more).assert()
    };
    evaluate(&[]).code(2).stderr(contains("the class gloomy").and(contains("--classes")));
    let pairs = ["--classes", "gloomy=dark", "--prevalence", "0.02"];
    evaluate(&pairs)
        .success()
        .stdout(contains("against the model's own test images").and(contains("2.0 % are")));
    let sealed = fs::read(&model).expect("the model");
    let anew = folder.path().join("anew.safetensors");
    let anew_name = anew.display().to_string();
    let all = [pairs.as_slice(), &["--json", "--recalibrate", &anew_name]].concat();
    let output = json(&evaluate(&all).success().get_output().stdout);
    assert!(output["recalibrated"]["auc"]["value"].as_f64() > Some(0.5), "{output}");
    assert!(output["all"]["shift"]["changed"].is_array(), "{output}");
    assert_eq!(output["all"]["seen"], serde_json::json!({"training": 0, "validation": 0}));
    assert_eq!(sealed, fs::read(&model).expect("the model"), "the model itself must stay");
    headstart(&cache).arg("predict").arg(&anew).arg(data.join("dark/001.png")).assert().success();
    evaluate(&["--classes", "gloomy=dark", "--prevalence", "2"]).code(2).stderr(contains("--prevalence"));
}

#[test]
fn images_that_the_model_has_seen_are_counted_and_not_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data, run) =
        (folder.path().join("cache"), folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 40);
    fs::remove_file(data.join("images.csv")).expect("removes");
    train(&cache, &data, &run, &[]);
    let model = run.join("model.safetensors");
    let evaluate = |data: &Path, more: &[&str]| {
        headstart(&cache).arg("evaluate").arg(&model).arg(data).args(more).assert()
    };
    // 80 images: 12 are the test, 12 of the 68 others validate.
    let output = json(&evaluate(&data, &["--json"]).success().get_output().stdout);
    let seen = &output["all"]["seen"];
    let [training, validation] = ["training", "validation"].map(|part| seen[part].as_u64().expect("a count"));
    assert!(training > 3 * validation && validation > 5 && training + validation == 68, "{output}");
    assert!(output["all"]["shift"].is_null(), "{output}");
    evaluate(&data, &[]).success().stdout(contains(format!(
        "warning: The model was trained on {training} and validated on {validation} of"
    )));
    let anew = folder.path().join("anew.safetensors").display().to_string();
    evaluate(&data, &["--recalibrate", &anew]).code(2).stderr(contains("not trained on"));

    // A folder that is a split by its name, of one class alone.
    let validation = folder.path().join("val");
    drawn(&validation, 200..220);
    fs::remove_dir_all(validation.join("bright")).expect("removes");
    fs::remove_file(validation.join("images.csv")).expect("removes");
    let output = json(&evaluate(&validation, &["--json"]).success().get_output().stdout);
    let measured = &output["validation"];
    assert_eq!(
        (measured["images"].as_u64(), &measured["auc"]["value"]),
        (Some(20), &serde_json::Value::Null)
    );
    let shown = evaluate(&validation, &[]).success();
    shown.stdout(contains("unknown").and(contains("NaN").not()));
    let all = folder.path().join("split");
    fs::create_dir_all(&all).expect("creates");
    fs::rename(&validation, all.join("val")).expect("renames");
    assert!(json(&evaluate(&all, &["--json"]).success().get_output().stdout)["validation"].is_object());
}

#[test]
fn a_model_that_ranks_by_chance_is_not_recalibrated() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data, run) =
        (folder.path().join("cache"), folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 40);
    train(&cache, &data.join("images.csv"), &run, &[]);
    // The same kind of picture under both names.
    let elsewhere = folder.path().join("elsewhere");
    fs::remove_file(drawn(&elsewhere, 300..360)).expect("removes");
    for index in (300..360).step_by(2) {
        let [bright, dark, held] =
            ["bright", "dark", "held"].map(|class| elsewhere.join(class).join(format!("{index:03}.png")));
        fs::create_dir_all(held.parent().expect("a folder")).expect("creates");
        fs::rename(&bright, &held).and_then(|()| fs::rename(&dark, &bright)).expect("renames");
        fs::rename(&held, &dark).expect("renames");
    }
    fs::remove_dir(elsewhere.join("held")).expect("removes");
    let anew = folder.path().join("anew.safetensors");
    let mut command = headstart(&cache);
    command
        .arg("evaluate")
        .arg(run.join("model.safetensors"))
        .arg(&elsewhere)
        .arg("--recalibrate")
        .arg(&anew);
    command.assert().code(2).stderr(contains("better than chance").and(contains("above 0.5")));
    assert!(!anew.exists());
}

#[test]
fn given_splits_that_leak_are_told_wherever_the_numbers_stand() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data, run) =
        (folder.path().join("cache"), folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 60);
    let mut table = String::from("path,label,group,split\n");
    for class in ["bright", "dark"] {
        for index in 0..60 {
            let split = ["train", "train", "validation", "test"][index % 4];
            // Each patient has an image in every split.
            table += &format!("{class}/{index:03}.png,{class},{class}{},{split}\n", index / 4);
        }
    }
    let file = data.join("leaking.csv");
    fs::write(&file, table).expect("writes");
    let settings = ["--image-size", "32", "--epochs", "1", "--batch-size", "8", "--out"];
    let trained = headstart(&cache).arg("train").arg(&file).args(settings).arg(&run).assert().success();
    let leak = "share 30 groups of images";
    trained.stdout(contains(format!("warning: The splits that the data came with {leak}")));
    for file in ["model_card.md", "report.html", "checklist.md"] {
        let text = fs::read_to_string(run.join(file)).expect(file);
        assert!(text.contains(leak), "{file}");
    }
}

#[test]
fn of_four_classes_no_threshold_is_spoken_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data) = (folder.path().join("cache"), folder.path().join("data"));
    pictures(&data, 24);
    fs::remove_file(data.join("images.csv")).expect("removes");
    // Two classes become four: halves of each.
    for class in ["bright", "dark"] {
        let half = data.join(format!("{class} too"));
        fs::create_dir_all(&half).expect("creates");
        for index in 0..12 {
            let name = format!("{index:03}.png");
            fs::rename(data.join(class).join(&name), half.join(&name)).expect("renames");
        }
    }
    let run = folder.path().join("run");
    let settings = ["--image-size", "32", "--epochs", "1", "--batch-size", "8", "--out"];
    let train = |more: &[&str]| {
        headstart(&cache).arg("train").arg(&data).args(settings).arg(&run).args(more).assert()
    };
    train(&["--positive", "dark"]).code(2).stderr(contains("expected data of two classes, found 4"));
    let shown = train(&[]).success();
    let shown = String::from_utf8_lossy(&shown.get_output().stdout).into_owned();
    assert!(!shown.contains("threshold") && shown.contains("mean sensitivity"), "{shown}");
    assert!(shown.contains("each class against the rest") && shown.contains("\ndark too"), "{shown}");
    for file in ["model_card.md", "checklist.md", "report.html"] {
        let text = fs::read_to_string(run.join(file)).expect(file);
        assert!(text.contains("over the 4 classes"), "{file}");
        assert!(!text.contains("ositive class") && !text.contains("hreshold chosen"), "{file}: {text}");
    }
}

#[test]
fn a_learning_curve_is_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data, out) =
        (folder.path().join("cache"), folder.path().join("data"), folder.path().join("curve"));
    pictures(&data, 40);
    fs::remove_file(data.join("images.csv")).expect("removes");
    let settings = ["--images", "6,12", "--seeds", "1", "--minutes", "0.01", "--image-size", "32", "--out"];
    headstart(&cache).arg("learning-curve").arg(&data).args(settings).arg(&out).assert().success();
    let curve = json(&fs::read(out.join("learning-curve.json")).expect("numbers"));
    assert_eq!(curve["points"].as_array().map(Vec::len), Some(4), "{curve}");
    assert!(fs::read_to_string(out.join("learning-curve.svg")).expect("a figure").contains("random weights"));
    let mut command = headstart(&cache);
    command.arg("learning-curve").arg(&data).args(["--images", "9999", "--out"]).arg(&out);
    command.assert().code(2).stderr(contains("--images"));
}
