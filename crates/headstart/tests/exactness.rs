//! Winograd's F(4×4) costs a digit against direct sums: a trained classifier's scores do not show it.

mod real;

use std::path::Path;

use headstart::backbone::spec::{Layer, MapShape};
use headstart::backbone::weights::Weights;
use headstart::backbone::{Backbone, vgg};
use headstart::image::{Limits, Preprocess, decode};
use headstart::trunk::{Buffers, Plan};

/// Side of the squares that are classified, and how many are cut from each of two pictures.
const SIDE: usize = 64;
const SQUARES: usize = 12;
const STEPS: usize = 300;

/// What the scores may differ by.
const TOLERANCE: f32 = 1e-3;

/// Squares of each picture, along its diagonal.
fn squares(preprocess: &Preprocess) -> Vec<Vec<f32>> {
    let picture = |index: usize| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/image_{index}.png"));
        let image = decode(&std::fs::read(path).expect("the picture"), &Limits::default()).expect("decodes");
        preprocess.apply(&image)
    };
    let square = |pixels: &[f32], place: usize| {
        let lines = pixels.chunks_exact(preprocess.size * 3).skip(place).take(SIDE);
        lines.flat_map(|line| line[place * 3..(place + SIDE) * 3].to_vec()).collect()
    };
    let places = || (0..SQUARES).map(|number| number * (preprocess.size - SIDE) / SQUARES);
    (0..2)
        .map(picture)
        .flat_map(|pixels| places().map(move |place| square(&pixels, place)).collect::<Vec<_>>())
        .collect()
}

/// The same convolutions as 5×5, zeros around each kernel: those are summed directly.
fn direct(layers: &[Layer], weights: &Weights) -> (Vec<Layer>, Weights) {
    let (mut wide, mut embedded) = (layers.to_vec(), weights.clone());
    for layer in &mut wide {
        let Layer::Convolution(convolution) = layer else { continue };
        convolution.kernel = 5;
        let name = format!("{}.weight", convolution.name);
        let mut values = vec![0.0; convolution.output * convolution.input * 25];
        for (to, from) in values.chunks_exact_mut(25).zip(weights.get(&name).values.chunks_exact(9)) {
            for (row, taps) in from.chunks_exact(3).enumerate() {
                to[5 * row + 6..][..3].copy_from_slice(taps);
            }
        }
        embedded.insert(&name, vec![convolution.output, convolution.input, 5, 5], values);
    }
    (wide, embedded)
}

/// Features of each square, of mean square 1 over all of them.
fn features(layers: &[Layer], weights: &Weights, squares: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let plan = Plan::new(layers, weights, MapShape::new(SIDE, SIDE, 3));
    let features: Vec<Vec<f32>> =
        squares.iter().map(|square| plan.forward(square, 1, &mut Buffers::default()).to_vec()).collect();
    let squares: f64 = features.iter().flatten().map(|value| f64::from(*value).powi(2)).sum();
    let scale = (squares / (features.len() * features[0].len()) as f64).sqrt() as f32;
    features.iter().map(|row| row.iter().map(|value| value / scale).collect()).collect()
}

fn logit(weights: &[f32], features: &[f32]) -> f32 {
    weights.iter().zip(features).map(|(weight, value)| weight * value).sum()
}

fn score(weights: &[f32], features: &[f32]) -> f32 {
    1.0 / (1.0 + (-logit(weights, features)).exp())
}

/// Logistic regression by gradient descent: which picture a square is of. Its logits are then scaled
/// down to a mean size of 1, where a score answers most to what changes in the features.
fn train(features: &[Vec<f32>]) -> Vec<f32> {
    let mut weights = vec![0.0; features[0].len()];
    let rate = 1.0 / weights.len() as f32;
    for _ in 0..STEPS {
        for (index, row) in features.iter().enumerate() {
            let error = score(&weights, row) - if index < SQUARES { 0.0 } else { 1.0 };
            weights.iter_mut().zip(row).for_each(|(weight, value)| *weight -= rate * error * value);
        }
    }
    let size = features.iter().map(|row| logit(&weights, row).abs()).sum::<f32>() / features.len() as f32;
    weights.iter().map(|weight| weight / size).collect()
}

fn assert_scores_agree(layers: &[Layer], weights: &Weights, preprocess: &Preprocess) {
    let squares = squares(preprocess);
    let (wide, embedded) = direct(layers, weights);
    let ours = features(layers, weights, &squares);
    let direct = features(&wide, &embedded, &squares);
    assert_ne!(ours, direct, "two ways of computing");
    let classifier = train(&ours);
    let scores =
        |features: &[Vec<f32>]| features.iter().map(|row| score(&classifier, row)).collect::<Vec<_>>();
    let (ours, direct) = (scores(&ours), scores(&direct));
    let right = ours.iter().enumerate().filter(|(index, score)| (**score > 0.5) == (*index >= SQUARES));
    assert_eq!(right.count(), 2 * SQUARES, "it learned: {ours:?}");
    let worst = ours.iter().zip(&direct).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("scores {ours:.2?} differ by at most {worst:.1e}");
    assert!(worst < TOLERANCE, "{worst}");
}

/// He's uniform draw (He et al. 2015), seeded.
fn drawn(layers: &[Layer]) -> Weights {
    let mut state = 1u64;
    let mut draw = |bound: f32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * bound
    };
    let mut weights = Weights::default();
    for (name, shape) in layers.iter().flat_map(Layer::parameters) {
        let bound = if let [_, input, ..] = shape[..] { (6.0 / (input * 9) as f32).sqrt() } else { 0.1 };
        let values = (0..shape.iter().product()).map(|_| draw(bound)).collect();
        weights.insert(&name, shape, values);
    }
    weights
}

#[test]
fn scores_on_drawn_weights_agree_with_direct_sums() {
    let layers: Vec<Layer> = vgg::vgg16().layers(0..5).cloned().collect();
    let preprocess = headstart::backbone::registry::find("vgg16").expect("known").preprocess();
    assert_scores_agree(&layers, &drawn(&layers), &preprocess);
}

#[test]
#[ignore = "needs HEADSTART_WEIGHTS"]
fn scores_on_real_weights_agree_with_direct_sums() {
    let path = real::weights("vgg16_notop_oihw_bgr.safetensors");
    let backbone = Backbone::load("vgg16", Some(&path)).expect("the weights");
    let layers: Vec<Layer> = backbone.spec.layers(0..5).cloned().collect();
    assert_scores_agree(&layers, &backbone.weights, &backbone.preprocess);
}
