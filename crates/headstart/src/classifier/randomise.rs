//! The sanity check of Adebayo 2018: an explanation must change when what it explains is destroyed.

use super::Sealed;
use crate::backbone::spec::{Layer, MapShape};
use crate::backbone::weights::Weights;
use crate::compiled::Stages;
use crate::device::Device;
use crate::error::Result;
use crate::explain::{GradCam, Heatmap, Method, place};
use crate::features::input;
use crate::image::Image;
use crate::random::Random;
use crate::trunk::Buffers;

/// Stream of random numbers.
const STREAM: u64 = 0xadeb;

/// A map after part of the net was destroyed.
#[derive(Debug, Clone)]
pub struct Randomised {
    /// The block that was destroyed last; all behind it are too. `None`: nothing yet.
    pub block: Option<String>,
    /// What the explanation has become.
    pub map: Heatmap,
    /// Its rank correlation with the whole net's.
    pub correlation: f64,
}

/// Maps for `class` while the blocks of every member are destroyed one after the other, the head first: the
/// values of each weight tensor are shuffled, which keeps how large they are and nothing of what they know.
///
/// # Errors
/// A file that is no sealed model.
pub fn cascade(
    model: &std::path::Path,
    image: &Image,
    class: usize,
    method: Method,
    seed: u64,
) -> Result<Vec<Randomised>> {
    let sealed = Sealed::read(model)?;
    let mut members = sealed.members();
    let description = sealed.description;
    let input = input(&description.preprocess);
    let pixels = description.preprocess.apply(image);
    let layers: Vec<&Layer> = description.blocks.iter().flat_map(|block| &block.layers).collect();
    let look = |members: &[Weights]| {
        let seen: Vec<Heatmap> =
            members.iter().map(|weights| explain(&layers, weights, input, &pixels, class, method)).collect();
        Heatmap::mean(&seen).expect("a model has a member")
    };
    let whole = look(&members);
    let mut steps = vec![Randomised { block: None, correlation: whole.rank_correlation(&whole), map: whole }];
    for (number, block) in description.blocks.iter().enumerate().rev() {
        for weights in &mut members {
            shuffle(weights, &block.layers, seed, number);
        }
        let map = look(&members);
        let correlation = map.rank_correlation(&steps[0].map);
        steps.push(Randomised { block: Some(block.name.clone()), map, correlation });
    }
    Ok(steps)
}

fn explain(
    layers: &[&Layer],
    weights: &Weights,
    input: MapShape,
    pixels: &[f32],
    class: usize,
    method: Method,
) -> Heatmap {
    let Some(at) = place(layers, input) else { return Heatmap { width: 1, height: 1, values: vec![0.0] } };
    let stages = Stages::new(layers, 0..at, weights, input, &[], &Device::cpu());
    let shape = stages.shape_after(at).expect("the last stage ends there");
    let maps = stages.forward(pixels, 1, &mut Buffers::default(), |_, _, _| {});
    GradCam::new(&layers[at..], weights, shape).look(&maps, class, method)
}

/// Shuffles the weights of convolutions and dense layers; biases and normalisation have one axis and stay.
fn shuffle(weights: &mut Weights, layers: &[Layer], seed: u64, block: usize) {
    let mut random = Random::new(seed, STREAM + block as u64);
    for (name, shape) in layers.iter().flat_map(Layer::parameters) {
        if shape.len() > 1 {
            let mut values = weights.get(&name).values.clone();
            random.shuffle(&mut values);
            weights.insert(name, shape, values);
        }
    }
}
