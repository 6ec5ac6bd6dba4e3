//! Explanations of a trained net, and the sanity check that they depend on what it has learned.

use std::path::Path;
use std::time::Duration;

use headstart::classifier::Classifier;
use headstart::dataset::Grouping;
use headstart::explain::{Method, cascade};
use headstart::features::Progress;
use headstart::history::EpochRecord;
use headstart::image::{Limits, decode};
use headstart::phantom;
use headstart::train::{Job, Observer, Recipe, train};

struct Silent;

impl Progress for Silent {
    fn estimated(&mut self, _: usize, _: Duration) {}
    fn extracted(&mut self, _: usize, _: usize, _: usize) {}
    fn set_aside(&mut self, path: &str, why: &str) {
        panic!("{path}: {why}");
    }
}

impl headstart::audit::Observer for Silent {
    fn surveyed(&mut self, _: usize, _: usize) {}
}

impl Observer for Silent {
    fn say(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
    fn step(&mut self, _: usize, _: usize, _: usize) {}
    fn epoch(&mut self, _: &EpochRecord) {}
}

fn trained(folder: &Path) -> std::path::PathBuf {
    phantom::write(&folder.join("data"), 60, 3).expect("draws");
    let job = Job {
        data: folder.join("data"),
        recipe: Recipe { epochs: 3, ..Recipe::find("default").expect("known") },
        weights: None,
        image_size: Some(160),
        seed: 1,
        train_images: None,
        exclude: None,
        groups: Grouping::Automatic,
        resplit: false,
        positive: None,
        cache: folder.join("cache"),
        out: folder.join("run"),
        resume: false,
        checkpoint_every: Duration::from_secs(60),
        cache_limit: None,
        budget: Duration::from_secs(600),
        command: "test".into(),
    };
    train(&job, &mut Silent).expect("trains");
    folder.join("run/model.safetensors")
}

/// Adebayo 2018: a map that stays when the net is destroyed shows the image, not the net.
#[test]
fn explanations_change_when_the_net_is_destroyed() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = trained(folder.path());
    let classifier = Classifier::load(&model).expect("loads");
    let class = classifier.positive();
    let file = folder.path().join("data").join(&classifier.classes()[class]).join("phantom0001.png");
    let image = decode(&std::fs::read(file).expect("reads"), &Limits::default()).expect("decodes");
    for method in [Method::GradCam, Method::LayerCam] {
        let whole = classifier.explain(&image, class, method).expect("a map");
        assert_eq!((whole.width, whole.height), (5, 5));
        assert!(whole.values.iter().all(|value| (0.0..=1.0).contains(value)));
        assert_eq!(whole, classifier.explain(&image, class, method).expect("a map"), "the same twice");
        let (mut sum, mut count) = (0.0, 0.0);
        for seed in 0..3 {
            let steps = cascade(&model, &image, class, method, seed).expect("reads");
            assert!(steps[0].block.is_none() && steps[0].correlation > 0.999);
            assert!(steps[0].map.rank_correlation(&whole) > 0.999, "both ways to the map agree");
            assert!(steps[1..].iter().all(|step| step.map != whole), "a destroyed net has the same map");
            sum += steps[1..].iter().map(|step| step.correlation.abs()).sum::<f64>();
            count += (steps.len() - 1) as f64;
        }
        // Layer-CAM leaves out what speaks against a class, and with it much of what is learned.
        let most = if method == Method::GradCam { 0.5 } else { 0.8 };
        assert!(sum / count < most, "{method:?}: mean rank correlation {}", sum / count);
    }
}
