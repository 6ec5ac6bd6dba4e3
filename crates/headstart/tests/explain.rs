//! Explanations of a trained net, and the sanity check that they depend on what it has learned.

use std::path::Path;

use headstart::classifier::{Classifier, cascade};
use headstart::explain::Method;
use headstart::image::{Limits, decode};
use headstart::phantom;
use headstart::{Recipe, Trainer};

fn trained(folder: &Path) -> std::path::PathBuf {
    phantom::write(folder.join("data"), 60, 3).expect("draws");
    let trainer = Trainer::new(folder.join("data")).with_recipe(Recipe { epochs: 3, ..Recipe::default() });
    let run = trainer.image_size(160).seed(1).cache(folder.join("cache")).train().expect("trains");
    run.save(folder.join("run")).expect("saves");
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
