//! Features, logits and training steps against independent implementations: PyTorch for
//! EfficientNet-Lite0 and Lite2, torchvision for its nets, Keras for VGG16 and for the tail. Made by `tools/golden_*.py`.

mod real;

use std::path::{Path, PathBuf};

use headstart::backbone::spec::{Dense, Layer, MapShape};
use headstart::backbone::weights::Weights;
use headstart::backbone::{Backbone, vgg};
use headstart::image::preprocess::Resize;
use headstart::image::{Limits, Preprocess, decode};
use headstart::trunk::{Buffers, Plan};

/// Relative error that is put up with.
const TOLERANCE: f64 = 1e-4;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn golden(name: &str) -> Weights {
    let path = folder().join(name);
    Weights::from_safetensors(&std::fs::read(&path).expect("the golden file"), &path).expect("tensors")
}

/// The preprocessed picture, its top-left `side` pixels.
fn picture(index: usize, preprocess: &Preprocess, side: usize) -> Vec<f32> {
    let bytes = std::fs::read(folder().join(format!("image_{index}.png"))).expect("the picture");
    let image = decode(&bytes, &Limits::default()).expect("decodes");
    let mut pixels = vec![0.0; preprocess.len()];
    preprocess.apply_into(&image, &mut pixels);
    pixels.chunks_exact(preprocess.size * 3).take(side).flat_map(|row| row[..side * 3].to_vec()).collect()
}

/// `[H, W, C]` to `[C, H, W]`, every `step`th value.
fn subset(map: &[f32], shape: MapShape, step: usize) -> Vec<f32> {
    let planes = (0..shape.channels).flat_map(|c| map.iter().skip(c).step_by(shape.channels));
    planes.step_by(step).copied().collect()
}

/// `|a - b| / |b|` in the 2-norm.
fn relative_error(ours: &[f32], golden: &[f32]) -> f64 {
    assert_eq!(ours.len(), golden.len());
    let square = |difference: f64| difference * difference;
    let error: f64 = ours.iter().zip(golden).map(|(a, b)| square(f64::from(a - b))).sum();
    (error / golden.iter().map(|b| square(f64::from(*b))).sum::<f64>()).sqrt()
}

fn run(layers: &[Layer], weights: &Weights, pixels: &[f32], side: usize) -> (Vec<f32>, MapShape) {
    let plan = Plan::new(layers, weights, MapShape::new(side, side, 3));
    (plan.forward(pixels, 1, &mut Buffers::default()).to_vec(), plan.output())
}

#[test]
fn efficientnet_lite0_agrees_with_pytorch() {
    let golden = golden("efficientnet_lite0.safetensors");
    let backbone = Backbone::load("efficientnet-lite0", None).expect("embedded");
    for index in 0..2 {
        let pixels = picture(index, &backbone.preprocess, 224);
        // Stem and five stages; all nine blocks.
        for (blocks, name, step) in [(6, "stage5", 1), (9, "head", 5)] {
            let layers: Vec<Layer> = backbone.spec.layers(0..blocks).cloned().collect();
            let (map, shape) = run(&layers, &backbone.weights, &pixels, 224);
            let expected = &golden.get(&format!("image_{index}.{name}")).values;
            let error = relative_error(&subset(&map, shape, step), expected);
            assert!(error < TOLERANCE, "image {index}, {name}: {error}");
        }
    }
}

#[test]
fn efficientnet_lite0_gives_pytorchs_imagenet_logits() {
    let golden = golden("efficientnet_lite0.safetensors");
    let backbone = Backbone::load("efficientnet-lite0", None).expect("embedded");
    let (layers, weights) = imagenet();
    for index in 0..2 {
        let (logits, _) = run(&layers, &weights, &picture(index, &backbone.preprocess, 224), 224);
        let error = relative_error(&logits, &golden.get(&format!("image_{index}.logits")).values);
        assert!(error < TOLERANCE, "image {index}: {error}");
        let best = (0..1000).max_by(|a, b| logits[*a].total_cmp(&logits[*b]));
        assert_eq!(best, Some([107, 723][index]));
    }
}

/// The seeded tensor called `name`: see `tools/seeded_tensors.py`.
fn seeded(name: &str, length: usize, bound: f32) -> Vec<f32> {
    let mut state = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (0..length)
        .map(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            ((z >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 2.0 * bound
        })
        .collect()
}

fn seeded_weights(layers: &[Layer]) -> Weights {
    let mut weights = Weights::default();
    for (name, shape) in layers.iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat()) {
        let bound = match shape[..] {
            [_, input, ..] if shape.len() == 4 => (6.0 / (input * shape[2] * shape[3]) as f32).sqrt(),
            [input, _] => (6.0 / input as f32).sqrt(),
            _ => 0.1,
        };
        let mut values = seeded(&name, shape.iter().product(), bound);
        if shape.len() == 1 && (name.ends_with(".weight") || name.ends_with(".running_var")) {
            // Scales and variances of batch normalisation.
            values.iter_mut().for_each(|value| *value += 1.0);
        }
        weights.insert(&name, shape, values);
    }
    weights
}

#[test]
fn vgg16_with_seeded_weights_agrees_with_keras() {
    let golden = golden("vgg16.safetensors");
    let spec = vgg::vgg16();
    let preprocess = headstart::backbone::registry::find("vgg16").expect("known").preprocess();
    let all: Vec<Layer> = spec.layers(0..5).cloned().collect();
    let weights = seeded_weights(&all);
    for index in 0..2 {
        let pixels = picture(index, &preprocess, 64);
        for blocks in [4, 5] {
            let layers: Vec<Layer> = spec.layers(0..blocks).cloned().collect();
            let (map, shape) = run(&layers, &weights, &pixels, 64);
            let expected = &golden.get(&format!("seeded.image_{index}.block{blocks}_pool")).values;
            let error = relative_error(&subset(&map, shape, 1), expected);
            assert!(error < TOLERANCE, "image {index}, block {blocks}: {error}");
        }
    }
}

#[test]
fn nets_with_seeded_weights_agree_with_their_originals() {
    // Blocks up to a cut, the golden file's name of it, and how many of the values there are kept.
    for (net, cuts) in [
        ("resnet50", [(3, "layer2", 9), (5, "layer4", 3)]),
        ("efficientnet-b0", [(5, "features.4", 1), (9, "features.8", 3)]),
        ("mobilenet-v3-large", [(5, "features.10", 1), (8, "features.16", 3)]),
        ("mobilenet-v3-small", [(4, "features.6", 1), (7, "features.12", 3)]),
        ("resnet18", [(3, "layer2", 9), (5, "layer4", 1)]),
        ("vgg11-bn", [(3, "features.14", 15), (5, "features.28", 1)]),
        ("mobilenet-v2", [(5, "features.10", 1), (9, "features.18", 3)]),
        ("efficientnet-b2", [(5, "features.4", 1), (9, "features.8", 3)]),
        ("densenet121", [(3, "features.transition2", 5), (5, "relu", 1)]),
        ("efficientnet-lite2", [(5, "block4", 1), (9, "top", 3)]),
        ("vgg19-keras", [(4, "block4_pool", 9), (5, "block5_pool", 1)]),
        ("resnet50-keras", [(3, "conv3_block4_out", 9), (5, "conv5_block3_out", 5)]),
        ("densenet121-keras", [(3, "pool3_pool", 5), (5, "relu", 1)]),
        ("mobilenet-v2-keras", [(5, "block_9_add", 1), (9, "out_relu", 3)]),
        ("efficientnet-b0-keras", [(5, "block4c_add", 1), (9, "top_activation", 3)]),
    ] {
        let golden = golden(&format!("{net}.safetensors"));
        let entry = headstart::backbone::registry::find(net).expect("known");
        let spec = entry.spec();
        let weights = seeded_weights(&spec.layers(0..spec.blocks.len()).cloned().collect::<Vec<Layer>>());
        for index in 0..2 {
            // The pictures' own size, so that they are only normalised.
            let pixels = picture(index, &Preprocess { size: 224, ..entry.preprocess() }, 64);
            for (blocks, name, step) in cuts {
                let layers: Vec<Layer> = spec.layers(0..blocks).cloned().collect();
                let (map, shape) = run(&layers, &weights, &pixels, 64);
                let expected = &golden.get(&format!("image_{index}.{name}")).values;
                let error = relative_error(&subset(&map, shape, step), expected);
                assert!(error < TOLERANCE, "{net}, image {index}, {name}: {error}");
            }
        }
    }
}

#[test]
#[ignore = "needs HEADSTART_WEIGHTS"]
fn vgg16_with_its_real_weights_agrees_with_keras() {
    let golden = golden("vgg16.safetensors");
    let path = real::weights("vgg16_notop_oihw_bgr.safetensors");
    let backbone = Backbone::load("vgg16", Some(&path)).expect("the weights");
    for index in 0..2 {
        let pixels = picture(index, &backbone.preprocess, 224);
        for (blocks, step) in [(4, 9), (5, 3)] {
            let layers: Vec<Layer> = backbone.spec.layers(0..blocks).cloned().collect();
            let (map, shape) = run(&layers, &backbone.weights, &pixels, 224);
            let expected = &golden.get(&format!("image_{index}.block{blocks}_pool")).values;
            let error = relative_error(&subset(&map, shape, step), expected);
            assert!(error < TOLERANCE, "image {index}, block {blocks}: {error}");
        }
    }
}

#[test]
fn the_seeded_tensors_are_pythons() {
    let values = seeded("input", 4, 1.0);
    assert_eq!(values, [-0.804_363_37, 0.304_720_76, -0.592_751_5, -0.451_110_72]);
}

/// Logits of ImageNet's 1000 classes, with the classifier that the asset still holds.
fn imagenet() -> (Vec<Layer>, Weights) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/efficientnet_lite0.f16.safetensors");
    let asset = Weights::from_safetensors(&std::fs::read(&path).expect("the asset"), &path).expect("tensors");
    let backbone = Backbone::load("efficientnet-lite0", None).expect("embedded");
    let mut weights = backbone.weights.clone();
    let by_output = asset.get("_fc.weight");
    let by_input = (0..1280).flat_map(|i| (0..1000).map(move |o| by_output.values[o * 1280 + i])).collect();
    weights.insert("_fc.weight", vec![1280, 1000], by_input);
    weights.insert("_fc.bias", vec![1000], asset.get("_fc.bias").values.clone());
    let activation = Default::default();
    let classifier = Dense { name: "_fc".into(), input: 1280, output: 1000, activation, l2: 0.0 };
    let end = [Layer::GlobalAveragePool, Layer::Dense(classifier)];
    (backbone.spec.layers(0..9).cloned().chain(end).collect(), weights)
}

/// ImageNet's classes, and how many of the first 25 validation images of each are found (see the
/// docstring of `tools/golden_efficientnet_lite0.py`: shorter side 256, middle 224 × 224).
#[test]
#[ignore = "needs HEADSTART_DATA"]
fn bees_and_ants_are_found_as_often_as_by_pytorch() {
    let (layers, weights) = imagenet();
    let plan = Plan::new(&layers, &weights, MapShape::new(224, 224, 3));
    let embedded = Backbone::load("efficientnet-lite0", None).expect("embedded").preprocess;
    let preprocess = Preprocess { size: 256, resize: Resize::Crop, ..embedded };
    for (name, class, expected) in [("bees", 309, 21), ("ants", 310, 20)] {
        let folder = real::data("hymenoptera/val").join(name);
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder).expect("images").map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        let found = files.iter().take(25).filter(|file| {
            let bytes = std::fs::read(file).expect("an image");
            let square = preprocess.apply(&decode(&bytes, &Limits::default()).expect("decodes"));
            let middle: Vec<f32> = square
                .chunks_exact(256 * 3)
                .skip(16)
                .take(224)
                .flat_map(|row| row[16 * 3..240 * 3].to_vec())
                .collect();
            let logits = plan.forward(&middle, 1, &mut Buffers::default());
            (0..1000).max_by(|a, b| logits[*a].total_cmp(&logits[*b])) == Some(class)
        });
        assert_eq!(found.count(), expected, "{name}");
    }
}
