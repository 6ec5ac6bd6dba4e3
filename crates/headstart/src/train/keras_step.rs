//! Five training steps of the Keras recipe's tail against Keras itself, in f64: losses, the first
//! gradients and the weights after the last step. Made by `tools/golden_keras_step.py`.

use std::path::Path;

use burn::tensor::{Tensor, TensorData};

use super::fit::Data;
use super::optimizer::Stepper;
use super::recipe::{Loss, Recipe};
use super::slices::Slices;
use super::state::Within;
use super::step::{Batch, Came, Images, Step};
use super::targets::Targets;
use super::unfreeze_schedule::{Thaw, UnfreezeSchedule};
use super::views::Views;
use crate::backbone::spec::{Activation, Convolution, Dense, Layer, MapShape, MaxPool, Padding};
use crate::backbone::weights::Weights;
use crate::device::Device;
use crate::features::Cache;
use crate::network::{Parameters, Tail, host};
use crate::random::Random;
use crate::ranks::Ranks;

const LABELS: [usize; 4] = [0, 1, 1, 0];
/// Relative, as f32 rounds some hundred terms a sum.
const OF_LOSSES: f64 = 1e-6;
/// Of a tensor's largest gradient.
const OF_GRADIENTS: f64 = 2e-6;
/// Absolute, where five steps of 1e-3 were taken.
const OF_WEIGHTS: f64 = 2e-6;

/// The seeded tensor called `name`: see `tools/seeded_tensors.py`.
fn seeded(name: &str, length: usize, bound: f32) -> Vec<f32> {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, hash);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    (0..length).map(|_| ((next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 2.0 * bound).collect()
}

fn layers() -> Vec<Layer> {
    let dense = |name: &str, input, output, activation, l2| {
        Layer::Dense(Dense { name: name.into(), input, output, activation, l2 })
    };
    vec![
        Layer::Convolution(Convolution {
            name: "conv".into(),
            input: 8,
            output: 8,
            kernel: 3,
            stride: 1,
            padding: Padding::Same,
            groups: 1,
            bias: true,
            norm: None,
            activation: Activation::Relu,
        }),
        Layer::MaxPool(MaxPool::tiling(2)),
        Layer::Flatten,
        dense("dense", 128, 16, Activation::Relu, 0.05),
        dense("output", 16, 2, Activation::Identity, 0.0),
    ]
}

fn weights(layers: &[Layer]) -> Weights {
    let mut weights = Weights::default();
    for (name, shape) in layers.iter().flat_map(Layer::parameters) {
        let bound = match shape[..] {
            [_, input, height, width] => (6.0 / (input * height * width) as f32).sqrt(),
            [input, _] => (6.0 / input as f32).sqrt(),
            _ => 0.1,
        };
        let values = seeded(&name, shape.iter().product(), bound);
        weights.insert(name, shape, values);
    }
    weights
}

fn batch(features: &Tensor<4>) -> Batch {
    let targets = Targets::one_hot(&LABELS, &[1.0; 2]);
    Batch { features: features.clone(), labels: LABELS.to_vec(), targets }
}

fn largest_difference(ours: &[f32], golden: &[f32]) -> f64 {
    assert_eq!(ours.len(), golden.len());
    ours.iter().zip(golden).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

#[test]
fn five_steps_are_kerass() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/keras_step.safetensors");
    let golden = std::fs::read(&path).expect("the golden file");
    let golden = Weights::from_safetensors(&golden, &path).expect("tensors");
    let weights = weights(&layers());
    let tail = Tail::new(layers(), MapShape::new(8, 8, 8), &weights, &Device::cpu());
    let recipe = Recipe::find("keras-vgg16").expect("known");
    let unfreeze_schedule = UnfreezeSchedule::new(&[], Thaw::AtOnce, 1.0);
    let step = Step {
        tail: &tail,
        recipe: &recipe,
        unfreeze_schedule: &unfreeze_schedule,
        epoch: 1,
        learning_rate: 1e-3,
    };
    let data = TensorData::new(seeded("input", 4 * 512, 1.0), [4, 8, 8, 8]);
    let features = Tensor::<4>::from_data(data, tail.device().tensors());
    let mut parameters = tail.parameters(&weights);
    assert_first_gradients(&step, &parameters, &features, &golden);

    let (mut stepper, mut dropout) = (Stepper::new(&recipe), Random::new(0, 0));
    for expected in &golden.get("loss.total").values {
        let (next, Came { loss, .. }) = step.take(parameters, batch(&features), &mut stepper, &mut dropout);
        let expected = f64::from(*expected);
        assert!((loss - expected).abs() < OF_LOSSES * expected, "{loss} {expected}");
        parameters = next;
    }
    for (name, tensor) in tail.weights(&parameters).iter() {
        let difference = largest_difference(&tensor.values, &golden.get(&format!("after.{name}")).values);
        assert!(difference < OF_WEIGHTS, "{name}: {difference}");
    }
}

fn assert_first_gradients(step: &Step<'_>, parameters: &Parameters, features: &Tensor<4>, golden: &Weights) {
    let mut leaves = parameters.clone();
    for leaf in leaves.values_mut() {
        leaf.values = Tensor::from_inner(leaf.values.clone()).require_grad();
    }
    let (loss, _, _) = step.loss(&leaves, batch(features), &mut Random::new(0, 0));
    let gradients = loss.backward();
    for (name, leaf) in &leaves {
        let ours = host(leaf.values.grad(&gradients).expect("a gradient for each parameter"));
        let expected = &golden.get(&format!("gradient.{name}")).values;
        let largest = expected.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        let difference = largest_difference(&ours, expected) / f64::from(largest);
        assert!(difference < OF_GRADIENTS, "{name}: {difference}");
    }
}

/// A batch in slices has the gradients that it has at once, but for the order in which their terms are rounded; dropout and
/// views, which slices draw for themselves, are left out.
#[test]
fn slices_of_a_batch_have_its_gradients() {
    let weights = weights(&layers());
    let tail = Tail::new(layers(), MapShape::new(8, 8, 8), &weights, &Device::cpu());
    let folder = tempfile::tempdir().expect("a folder");
    let contents: Vec<[u8; 32]> = (0..4).map(|number| [number; 32]).collect();
    let mut cache = Cache::open(folder.path(), "maps", 512).expect("opens");
    cache.append(&contents, &seeded("input", 4 * 512, 1.0)).expect("writes");
    let records = cache.read(&contents);
    let (train, views) = ([2, 0, 3, 1], Views::default());
    let data = Data {
        records: &records,
        views: &views,
        stressed: &views,
        labels: &LABELS,
        train: &train,
        validation: &[],
        classes: 2,
        positive: 1,
    };
    let plain = Recipe::find("keras-vgg16").expect("known");
    let unfreeze_schedule = UnfreezeSchedule::new(&[], Thaw::AtOnce, 1.0);
    for loss in [Loss::BinaryCrossEntropy, Loss::CategoricalCrossEntropy] {
        let recipe = Recipe { loss, ..plain.clone() };
        let step = Step {
            tail: &tail,
            recipe: &recipe,
            unfreeze_schedule: &unfreeze_schedule,
            epoch: 1,
            learning_rate: 1e-3,
        };
        let (parameters, mut random) = (tail.parameters(&weights), Random::new(0, 0));
        let images = Images { data: &data, places: &train, class_weights: &[0.7, 1.3], batch: train.len() };
        let batch = Batch::gather(&tail, &recipe, images, &mut random).expect("reads");
        let (whole, at_once) = step.gradients(&parameters, batch, &mut random);
        // More slices than images leave some empty.
        for count in [2, 3, 4, 7] {
            let (ranks, mut within) = (Ranks::default(), Within::start(1, 1));
            let slices = Slices::new(count, &ranks);
            let (sliced, came) = slices.gradients(&step, &parameters, images, &mut within).expect("computes");
            assert!((came.loss - at_once.loss).abs() < 1e-6 * at_once.loss, "{count}: {}", came.loss);
            assert_eq!((came.hits, came.penalty), (at_once.hits, at_once.penalty));
            assert_eq!(sliced.len(), whole.len());
            for (name, gradient) in &sliced {
                let (found, expected) = (host(gradient.clone()), host(whole[name].clone()));
                let largest = expected.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
                let difference = largest_difference(&found, &expected) / f64::from(largest);
                assert!(difference < 1e-6, "{count} slices, {name}: {difference}");
            }
        }
    }
}
