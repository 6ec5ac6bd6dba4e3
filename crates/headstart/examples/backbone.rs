//! Trains on a backbone of one's own: its layers as a table, its weights, and the preprocessing that they expect.
//!
//! `cargo run --release -p headstart --example backbone`. The weights here are random; yours come from a file.

use headstart::backbone::registry::Provenance;
use headstart::backbone::spec::{Activation, Block, Convolution, Layer, MaxPool, Padding, Spec};
use headstart::backbone::weights::Weights;
use headstart::backbone::{Backbone, Unfreeze};
use headstart::image::{ChannelOrder, Filter, Preprocess, Resize};
use headstart::{Recipe, Result, Trainer, phantom};

/// A convolution with ReLU and a pool, twice.
const CHANNELS: [usize; 3] = [3, 8, 16];

fn block(number: usize) -> Block {
    let [input, output] = [CHANNELS[number], CHANNELS[number + 1]];
    let convolution = Convolution {
        name: format!("conv{number}"),
        input,
        output,
        kernel: 3,
        stride: 1,
        padding: Padding::Same,
        groups: 1,
        bias: true,
        norm: None,
        activation: Activation::Relu,
    };
    let layers = vec![Layer::Convolution(convolution), Layer::MaxPool(MaxPool::tiling(4))];
    Block { name: format!("block{number}"), layers }
}

/// Runs the example.
pub fn main() -> Result<()> {
    let spec = Spec { name: "mine".into(), blocks: vec![block(0), block(1)], last_block: "block1".into() };
    let mut weights = Weights::default();
    for (name, shape) in spec.layers(0..2).flat_map(Layer::parameters) {
        let values = (0..shape.iter().product()).map(|index: usize| (index as f32 * 0.7).sin() * 0.3);
        weights.insert(name, shape, values.collect());
    }
    let preprocess = Preprocess {
        size: 64,
        resize: Resize::Squash,
        filter: Filter::Bilinear,
        channel_order: ChannelOrder::Rgb,
        mean: [127.5; 3],
        deviation: [127.5; 3],
    };
    let provenance = Provenance { source: "drawn here".into(), licence: "MIT".into(), sha256: String::new() };
    let backbone = Backbone { spec, weights, preprocess, provenance };

    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let data = folder.path().join("phantoms");
    phantom::write(&data, 12, 7)?;
    let recipe =
        Recipe { unfreeze: Unfreeze::LastBlock, epochs: 2, probe: false, augment: None, ..Recipe::default() };
    let trainer = Trainer::new(&data).with_recipe(recipe).with_backbone(backbone);
    let run = trainer.cache(folder.path().join("cache")).train()?;
    for layer in run.classifier.layer_rows() {
        println!("{}{}: {}", if layer.trainable { "trained  " } else { "frozen   " }, layer.name, layer.kind);
    }
    Ok(())
}
