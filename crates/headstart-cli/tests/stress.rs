//! Views, restyled validation and the stress test, from the command line to the report.

mod real_program;

use std::fs;
use std::path::Path;

use serde_json::Value;

use real_program::{headstart, history, pictures, tensors};

/// Every kind of view, a probe, and validation on both kinds of images.
const RECIPE: &str = "
backbone = 'efficientnet-lite0'
unfreeze = 'last-block'
loss = 'categorical-cross-entropy'
optimizer = 'adamw'
learning_rate = 1e-3
weight_decay = 0.01
batch_size = 8
epochs = 2
patience = 2
probe = true
class_weights = true
validation_fraction = 0.15
validate_on = 'both'
stress_images = 6
threshold = 'youden-smooth'

[thaw]
kind = 'head-first'
epochs = 3

[augment]
views = 2
replace = true
area = [0.6, 1.0]
aspect = [0.67, 1.5]
rotation = 8.0
shift = 0.05
scale = 0.1
gamma = [0.67, 1.5]
contrast = 0.3
brightness = 0.1
histogram = { range = [0.5, 1.0], probability = 0.5 }
resolution = { range = [0.3, 0.9], probability = 0.5 }
blur = { range = [0.3, 2.0], probability = 0.3 }
sharpen = { range = [0.5, 2.0], probability = 0.3 }
noise = { range = [1.0, 6.0], probability = 0.3 }
jpeg = [40.0, 95.0]

[[head]]
kind = 'global-average-pool'

[[head]]
kind = 'dropout'
rate = 0.2
";

#[test]
fn a_model_is_validated_and_tested_under_stress() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, out) = (folder.path().join("data"), folder.path().join("run"));
    pictures(&data, 40);
    let recipe = folder.path().join("recipe.toml");
    fs::write(&recipe, RECIPE).expect("writes");
    let cache = folder.path().join("cache");
    let train = |threads: &str, cache: &Path, out: &Path| {
        let mut train = headstart(cache);
        train.arg("train").arg(&data).arg("--recipe").arg(&recipe).args([
            "--image-size",
            "32",
            "--threads",
            threads,
        ]);
        let output = train.arg("--out").arg(out).assert().success().get_output().stdout.clone();
        String::from_utf8(output).expect("text")
    };
    let said = train("2", &cache, &out);
    assert!(said.contains("a linear probe of") && said.contains("under stress"), "{said}");

    let metrics: Value =
        serde_json::from_slice(&fs::read(out.join("metrics.json")).expect("metrics")).expect("JSON");
    assert_eq!(metrics["stressed"]["images"], metrics["validation"]["images"]);
    let changes = metrics["stress"].as_array().expect("a list");
    assert_eq!(
        (changes.len(), &changes[0]["change"], &changes[0]["images"]),
        (18, &"as they are".into(), &6.into())
    );
    assert!(changes.iter().all(|row| row["auc"]["value"].is_number() && row["log_loss"].is_number()));
    let members = metrics["members"].as_array().cloned().unwrap_or_default();
    // The tail and its probe, if that paid.
    assert_eq!(members.len(), if said.contains("the probe is kept") { 2 } else { 0 }, "{said}");
    let first: Value = serde_json::from_str(&format!("{}}}", history(&out)[0])).expect("JSON");
    let [plain, stressed, deciding] =
        ["validation_loss", "stressed_loss", "selection_loss"].map(|name| first[name].as_f64().expect(name));
    assert!((deciding - (plain + stressed) / 2.0).abs() < 1e-9);
    let again = folder.path().join("again");
    train("1", &folder.path().join("other cache"), &again);
    assert_eq!(history(&out), history(&again));
    assert!(tensors(&out) == tensors(&again), "other threads, other bits");
    let predictions = fs::read_to_string(out.join("predictions.csv")).expect("rows");
    assert!(predictions.lines().any(|line| line.contains(",stressed,")), "{predictions}");
    let page = fs::read_to_string(out.join("report.html")).expect("the report");
    assert!(page.contains("Under stress") && page.contains("a quarter of the resolution"));
    let card = fs::read_to_string(out.join("model_card.md")).expect("the card");
    assert!(card.contains("## Under stress") && card.contains("JPEG quality 30"));

    let mut evaluate = headstart(&cache);
    evaluate.arg("evaluate").arg(out.join("model.safetensors")).arg(&data).args(["--stress", "--json"]);
    let output = evaluate.assert().success().get_output().stdout.clone();
    let measured: Value = serde_json::from_slice(&output).expect("JSON");
    let measured = measured.as_object().and_then(|splits| splits.values().next()).expect("a split");
    assert_eq!(measured["stress"].as_array().map(Vec::len), Some(18));
    assert_eq!(measured["stress"][0]["auc"], measured["auc"]);
}

#[test]
fn settings_that_cannot_be_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    pictures(&folder.path().join("data"), 20);
    let refuse = |from: &str, to: &str| {
        let recipe = folder.path().join("recipe.toml");
        fs::write(&recipe, RECIPE.replace(from, to)).expect("writes");
        let mut train = headstart(&folder.path().join("cache"));
        train.arg("train").arg(folder.path().join("data")).arg("--recipe").arg(&recipe);
        let output = train.arg("--out").arg(folder.path().join("run")).output().expect("runs");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let error = refuse("gamma = [0.67, 1.5]", "gamma = [1.5, 0.67]");
    assert!(error.contains("augment.gamma: expected a range within 0.1 to 10"), "{error}");
    let error = refuse("probability = 0.5 }\nblur", "probability = 1.5 }\nblur");
    assert!(error.contains("augment.resolution.probability: expected 0 to 1, found 1.5"), "{error}");
    let error = refuse("views = 2", "views = 0");
    assert!(error.contains("augment.views: expected 1 or more"), "{error}");
    let error = refuse("kind = 'dropout'\nrate = 0.2", "kind = 'dense'\nunits = 4");
    assert!(error.contains("probe: expected false, or a head of"), "{error}");
}
