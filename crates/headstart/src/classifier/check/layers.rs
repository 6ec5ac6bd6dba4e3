//! Whether a net's layers fit together, and cost no more than a machine can give.

use super::{Flaw, shown, within};
use crate::backbone::spec::{Activation, Convolution, Dense, Layer, MapShape, MaxPool, Norm, SqueezeExcite};

/// Layers, those within others included, at most.
const MOST_LAYERS: usize = 10_000;
/// Side of a window, and steps from one to the next, at most.
const MOST_WINDOW: usize = 64;
/// Channels of a map, at most.
const MOST_CHANNELS: usize = 1 << 20;
/// Values of one image's map, at most: VGG16's first is so large of an image of 2048×2048.
const MOST_VALUES: usize = 1 << 28;
/// Multiplications for one image, at most: VGG16 takes as many for an image of 2600×2600.
const MOST_OPERATIONS: u64 = 1 << 41;

/// The shape behind `layers`.
///
/// # Errors
/// The first layer that cannot read what comes before it, or is too large.
pub(super) fn walk(layers: &[&Layer], input: MapShape) -> Result<MapShape, Flaw> {
    Walk::default().through(layers.iter().copied(), input)
}

/// What the layers so far come to.
#[derive(Default)]
struct Walk {
    layers: usize,
    operations: u64,
}

impl Walk {
    fn through<'a>(
        &mut self,
        layers: impl IntoIterator<Item = &'a Layer>,
        input: MapShape,
    ) -> Result<MapShape, Flaw> {
        let mut shape = input;
        for layer in layers {
            self.layers += 1;
            within("a number of layers", self.layers, 1..=MOST_LAYERS)?;
            self.layer(layer, shape)?;
            // Within the bounds just checked nothing overflows.
            shape = layer.output(shape);
            size(shape)?;
        }
        Ok(shape)
    }

    fn layer(&mut self, layer: &Layer, input: MapShape) -> Result<(), Flaw> {
        match layer {
            Layer::Convolution(layer) => self.convolution(layer, input),
            Layer::SqueezeExcite(gate) => self.squeeze(gate, input),
            Layer::Norm(layer) => norm(layer, input),
            Layer::MaxPool(pool) => max_pool(*pool, input),
            Layer::AveragePool { window } => {
                within("a pool's window", *window, 1..=MOST_WINDOW)?;
                within("a pool's window on its map", *window, 1..=input.height.min(input.width))
            }
            Layer::Concatenate { branches } => self.concatenate(branches, input),
            Layer::Residual { body, shortcut, .. } => self.residual(body, shortcut, input),
            Layer::Dense(layer) => self.dense(layer, input),
            Layer::Dropout { rate } => within("a dropout's share", *rate, 0.0..=1.0),
            Layer::GlobalAveragePool | Layer::Flatten => Ok(()),
        }
    }

    fn convolution(&mut self, layer: &Convolution, input: MapShape) -> Result<(), Flaw> {
        let Convolution { kernel, stride, groups, output, .. } = layer;
        within("a convolution's input channels", layer.input, input.channels..=input.channels)?;
        within("a convolution's output channels", *output, 1..=MOST_CHANNELS)?;
        within("a convolution's kernel", *kernel, 1..=MOST_WINDOW)?;
        within("a convolution's stride", *stride, 1..=MOST_WINDOW)?;
        if *groups != 1 && [*groups; 2] != [layer.input, *output] {
            let expected = format!("of 1, or of all {} channels in and out", layer.input);
            return Err(("a convolution's groups", expected, format!("{groups}")));
        }
        if let Some(norm) = &layer.norm {
            within("a normalisation's epsilon", norm.epsilon, 0.0..=1.0)?;
        }
        let behind = Layer::Convolution(layer.clone()).output(input);
        let places = size(behind)? / output;
        self.work([places, *output, layer.input / groups, kernel * kernel])
    }

    fn squeeze(&mut self, gate: &SqueezeExcite, input: MapShape) -> Result<(), Flaw> {
        let means = MapShape::new(1, 1, input.channels);
        let narrow = MapShape::new(1, 1, gate.reduce.output);
        for (layer, input) in [(&gate.reduce, means), (&gate.expand, narrow)] {
            self.convolution(layer, input)?;
            within("a gate's kernel", layer.kernel, 1..=1)?;
            within("a gate's stride", layer.stride, 1..=1)?;
            within("a gate's groups", layer.groups, 1..=1)?;
        }
        within("a gate's output channels", gate.expand.output, input.channels..=input.channels)
    }

    fn residual(&mut self, body: &[Layer], shortcut: &[Layer], input: MapShape) -> Result<(), Flaw> {
        let Some(Layer::Convolution(Convolution { activation: Activation::Identity, .. })) = body.last()
        else {
            let expected = "that ends in a convolution without activation".to_string();
            return Err(("a residual body", expected, "another layer".into()));
        };
        let (sum, added) = (self.through(body, input)?, self.through(shortcut, input)?);
        match sum == added {
            true => Ok(()),
            false => Err(("a residual body", format!("of the shape {}", shown(added)), shown(sum))),
        }
    }

    fn concatenate(&mut self, branches: &[Vec<Layer>], input: MapShape) -> Result<(), Flaw> {
        let Some((first, others)) = branches.split_first() else {
            return Err(("a concatenation", "of a branch or more".into(), "none".into()));
        };
        let first = self.through(first, input)?;
        let mut channels = first.channels;
        for branch in others {
            let shape = self.through(branch, input)?;
            if (shape.height, shape.width) != (first.height, first.width) {
                return Err((
                    "a concatenation",
                    format!("of maps as large as {}", shown(first)),
                    shown(shape),
                ));
            }
            channels = channels.saturating_add(shape.channels);
            within("a concatenation's channels", channels, 1..=MOST_CHANNELS)?;
        }
        Ok(())
    }

    fn dense(&mut self, layer: &Dense, input: MapShape) -> Result<(), Flaw> {
        if input.height * input.width > 1 {
            return Err(("a dense layer", "behind a vector".into(), shown(input)));
        }
        within("a dense layer's inputs", layer.input, input.channels..=input.channels)?;
        within("a dense layer's outputs", layer.output, 1..=MOST_CHANNELS)?;
        self.work([1, layer.output, layer.input, 1])
    }

    fn work(&mut self, factors: [usize; 4]) -> Result<(), Flaw> {
        let own = factors.iter().fold(1u64, |product, factor| product.saturating_mul(*factor as u64));
        self.operations = self.operations.saturating_add(own);
        within("a number of multiplications", self.operations, 0..=MOST_OPERATIONS)
    }
}

fn norm(layer: &Norm, input: MapShape) -> Result<(), Flaw> {
    within("a normalisation's channels", layer.channels, input.channels..=input.channels)?;
    within("a normalisation's epsilon", layer.norm.epsilon, 0.0..=1.0)
}

fn max_pool(pool: MaxPool, input: MapShape) -> Result<(), Flaw> {
    within("a pool's window", pool.window, 1..=MOST_WINDOW)?;
    within("a pool's stride", pool.stride.unwrap_or(pool.window), 1..=MOST_WINDOW)?;
    within("a pool's padding", pool.padding, 0..=pool.window / 2)?;
    let least = input.height.min(input.width) + 2 * pool.padding;
    within("a pool's window on its map", pool.window, 1..=least)
}

/// Values of a map.
fn size(shape: MapShape) -> Result<usize, Flaw> {
    let sides = [shape.height, shape.width, shape.channels];
    let values = sides.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
    match values.filter(|values| (1..=MOST_VALUES).contains(values)) {
        Some(values) => Ok(values),
        None => Err(("a map", format!("of 1 to {MOST_VALUES} values"), shown(shape))),
    }
}
