//! What a graphics processor computes, held to what the CPU does: maps, gradients, features, trainings and scores.
//!
//! These tests run where HEADSTART_DEVICE names a device (`vulkan`, `cuda` or `metal`) that the build supports, and say
//! that they were skipped elsewhere. `tools/check_gpu.sh` runs them on Mesa's software driver.

mod nets;

use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use headstart::backbone::spec::{Layer, MapShape, Spec};
use headstart::backbone::weights::Weights;
use headstart::backbone::{Backbone, densenet, efficientnet, mobilenet, mobilenet_v2, resnet, vgg};
use headstart::device::Device;
use headstart::features::Extractor;
use headstart::image::{Image, Limits, decode};
use headstart::network::{Tail, host};
use headstart::{Classifier, Recipe, Silent, Trainer, phantom};
use nets::{curved, joined, small, values, weights};

/// What features may differ by, as a part of the greatest of them, and scores as they are.
const TOLERANCE: f32 = 1e-3;
/// What gradients may differ by, as a part of the greatest of a parameter's: they add up thousands of products.
const GRADIENT_TOLERANCE: f32 = 2e-3;

/// The device that the environment names.
fn device() -> Option<Device> {
    let Ok(name) = std::env::var("HEADSTART_DEVICE") else {
        println!("skipped: HEADSTART_DEVICE names no device");
        return None;
    };
    let device = Device::open(name.parse().expect("a device")).expect("can be used");
    println!("on {}", device.name());
    Some(device)
}

#[track_caller]
fn assert_close(ours: &[f32], cpus: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), cpus.len(), "{what}");
    let largest = cpus.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    let off = ours.iter().zip(cpus).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()));
    assert!(ours.iter().all(|value| value.is_finite()), "{what}: not all are numbers");
    println!("{what}: off by {:.1e} of the greatest", off / largest);
    assert!(off <= tolerance * largest, "{what}: {off} of {largest}");
}

/// What a net makes of some maps, and the gradients of all its parameters.
struct Outcome {
    logits: Vec<f32>,
    gradients: Vec<(String, Vec<f32>)>,
}

impl Outcome {
    fn of(layers: &[Layer], input: MapShape, weights: &Weights, device: &Device) -> Self {
        let batch = 3;
        let net = Tail::new(layers.to_vec(), input, weights, device);
        let maps: Vec<f32> = values(batch * input.len(), 1.0, 7).iter().map(|value| value.abs()).collect();
        let data = TensorData::new(maps, [batch, input.height, input.width, input.channels]);
        let maps = Tensor::<4>::from_data(data, device.tensors());
        let mut leaves = net.parameters(weights);
        for leaf in leaves.values_mut() {
            leaf.values = Tensor::from_inner(leaf.values.clone()).require_grad();
        }
        let logits = net.forward(&leaves, Tensor::from_inner(maps), None);
        let dims = logits.dims();
        let factors = TensorData::new(values(dims.iter().product(), 1.0, 4), dims);
        let factors = Tensor::<2>::from_data(factors, device.tensors());
        let found = (logits.clone() * Tensor::from_inner(factors)).sum().backward();
        let gradients = leaves.iter().map(|(name, leaf)| {
            (name.clone(), host(leaf.values.grad(&found).expect("a gradient for each parameter")))
        });
        Self { gradients: gradients.collect(), logits: host(logits.inner()) }
    }
}

fn assert_same(layers: &[Layer], input: MapShape, device: &Device, name: &str) {
    let weights = weights(layers);
    let (ours, cpus) =
        (Outcome::of(layers, input, &weights, device), Outcome::of(layers, input, &weights, &Device::cpu()));
    assert_close(&ours.logits, &cpus.logits, TOLERANCE, name);
    for ((parameter, ours), (_, cpus)) in ours.gradients.iter().zip(&cpus.gradients) {
        assert_close(ours, cpus, GRADIENT_TOLERANCE, &format!("{name}, gradient of {parameter}"));
    }
}

#[test]
fn every_kind_of_layer_gives_the_same_maps_and_gradients() {
    let Some(device) = device() else { return };
    for (name, layers) in [("small", small()), ("curved", curved()), ("joined", joined())] {
        assert_same(&layers, MapShape::new(9, 11, 5), &device, name);
    }
}

/// A backbone whose weights are drawn, for pictures of `side` pixels.
fn drawn(spec: Spec, side: usize) -> Backbone {
    let mut backbone = Backbone::load_at("efficientnet-lite0", None, Some(side)).expect("embedded");
    let layers: Vec<Layer> = spec.all_layers().cloned().collect();
    backbone.weights = weights(&layers);
    backbone.spec = spec;
    backbone
}

fn pictures() -> Vec<Image> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let picture = |index| {
        let bytes = std::fs::read(golden.join(format!("image_{index}.png"))).expect("the picture");
        decode(&bytes, &Limits::default()).expect("decodes")
    };
    (0..2).map(picture).collect()
}

fn assert_same_features(backbone: &Backbone, cut: usize, images: &[Image], device: &Device) {
    let extractor = || Extractor::new(backbone, cut, &backbone.preprocess);
    let what = format!("features of {} after {cut} blocks", backbone.spec.name);
    assert_close(&extractor().on(device).features(images), &extractor().features(images), TOLERANCE, &what);
}

#[test]
fn a_net_of_each_family_gives_the_same_features() {
    let Some(device) = device() else { return };
    for spec in [
        resnet::RESNET18.spec(),
        densenet::DENSENET121.spec(),
        vgg::VGG11_BN.spec(),
        mobilenet_v2::mobilenet_v2(),
        mobilenet::SMALL.spec(),
        efficientnet::efficientnet_b0(),
    ] {
        let blocks = spec.blocks.len();
        assert_same_features(&drawn(spec, 45), blocks, &pictures(), &device);
    }
}

#[test]
fn efficientnet_lite0_gives_the_same_features_of_the_golden_pictures() {
    let Some(device) = device() else { return };
    let backbone = Backbone::load("efficientnet-lite0", None).expect("embedded");
    // Three are padded to four, and each has the features that it has alone.
    let images: Vec<Image> = pictures().into_iter().chain(pictures().into_iter().take(1)).collect();
    for cut in [6, 9] {
        assert_same_features(&backbone, cut, &images, &device);
    }
}

/// Phantoms, a recipe that trains in a moment, and a folder for the cache.
fn train(folder: &Path, recipe: &Recipe, device: &Device) -> (PathBuf, Vec<f64>) {
    let name = device.class().name();
    let run = Trainer::new(folder.join("data"))
        .with_recipe(recipe.clone())
        .seed(3)
        .image_size(32)
        .device(device.class())
        .cache(folder.join("cache"))
        .train()
        .expect("trains");
    let losses = run.classifier.description().history.epochs.iter().map(|epoch| epoch.train_loss).collect();
    run.save(folder.join(name)).expect("writes");
    (folder.join(name).join("model.safetensors"), losses)
}

#[test]
fn a_training_comes_to_the_same_and_its_model_decides_the_same_on_both() {
    let Some(device) = device() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    phantom::write(folder.path().join("data"), 12, 7).expect("draws");
    let recipe = Recipe { epochs: 2, batch_size: 8, ..Recipe::find("default").expect("known") };
    let (_, cpus) = train(folder.path(), &recipe, &Device::cpu());
    let (model, ours) = train(folder.path(), &recipe, &device);
    for (ours, cpus) in ours.iter().zip(&cpus) {
        assert!((ours - cpus).abs() < 1e-2 * cpus.abs().max(1.0), "losses {ours} and {cpus}");
    }

    let here = Classifier::load_on(&model, &device).expect("golden scores hold on the device");
    let there = Classifier::load(&model).expect("and on the CPU");
    assert_eq!(there.description().device, device.class());
    let images: Vec<Image> = pictures();
    for (ours, cpus) in here.classify_all(&images).iter().zip(there.classify_all(&images)) {
        assert_eq!((ours.label, ours.verdict), (cpus.label, cpus.verdict));
        let off = ours.scores.iter().zip(&cpus.scores).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < TOLERANCE, "scores off by {off}");
    }
}

#[test]
fn features_of_a_device_have_a_place_of_their_own_in_the_cache() {
    let Some(device) = device() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    phantom::write(folder.path().join("data"), 3, 7).expect("draws");
    let dataset = headstart::dataset::Dataset::open(&folder.path().join("data")).expect("images");
    let backbone = Backbone::load_at("efficientnet-lite0", None, Some(32)).expect("embedded");
    let extractor = || Extractor::new(&backbone, 2, &backbone.preprocess);
    let cache = folder.path().join("cache");
    let extract = |extractor: Extractor| {
        extractor.extract(&dataset.samples, &cache, &mut Silent).expect("computes");
        let files = std::fs::read_dir(&cache).expect("a folder");
        let mut names: Vec<String> = files
            .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".features"))
            .collect();
        names.sort();
        names
    };
    let key = extractor().key().to_string();
    assert_eq!(extract(extractor()), [format!("{key}.1.features")]);
    let both = [format!("{key}.1.features"), format!("{key}@{}.1.features", device.class())];
    assert_eq!(extract(extractor().on(&device)), both);
    assert_eq!(extractor().on(&device).on(&Device::cpu()).key(), key);
}
