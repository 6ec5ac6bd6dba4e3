//! From layers and weights to a plan's steps.

use super::Step;
use super::mobile::Mobile;
use super::pack::{Spare, convolution, dense, scale_and_shift, squeeze_excite};
use crate::backbone::spec::{Activation, Layer, MapShape, MaxPool, output_shape};
use crate::backbone::weights::Weights;

/// Steps for `layers`, and the shape behind each.
pub(super) fn steps<'a>(
    layers: impl IntoIterator<Item = &'a Layer>,
    weights: &Weights,
    input: MapShape,
) -> (Vec<Step>, Vec<MapShape>) {
    let layers: Vec<&Layer> = layers.into_iter().collect();
    let (mut steps, mut shapes, mut shape, mut rest) = (Vec::new(), Vec::new(), input, layers.as_slice());
    while !rest.is_empty() {
        let (step, count) = first_step(rest, weights, shape);
        steps.extend(step);
        shape = rest[..count].iter().fold(shape, |shape, layer| layer.output(shape));
        shapes.push(shape);
        rest = &rest[count..];
    }
    (steps, shapes)
}

/// The step for the first of `layers`, and how many of them it computes.
fn first_step(layers: &[&Layer], weights: &Weights, shape: MapShape) -> (Option<Step>, usize) {
    if let Some(block) = Mobile::first(layers, shape) {
        return (Some(Step::Separable(Box::new(block.compile(weights, shape)), shape)), block.len());
    }
    let convolution = |layer| Box::new(convolution(layer, weights, shape, Spare::default()));
    match layers {
        // The map that a 2×2 pool reads is never written.
        [Layer::Convolution(layer), Layer::MaxPool(pool), ..] if *pool == MaxPool::tiling(2) => {
            (Some(Step::PooledConvolution(convolution(layer), shape)), 2)
        }
        [Layer::Convolution(layer), ..] => (Some(Step::Convolution(convolution(layer), shape)), 1),
        [Layer::SqueezeExcite(gate), ..] => {
            (Some(Step::SqueezeExcite(Box::new(squeeze_excite(gate, weights, 0)), shape)), 1)
        }
        [Layer::Dense(layer), ..] => {
            let vector = MapShape::new(1, 1, layer.input);
            (Some(Step::Convolution(Box::new(dense(layer, weights)), vector)), 1)
        }
        [Layer::Norm(layer), ..] => {
            let (factors, activation) = (scale_and_shift(&layer.norm, weights), layer.activation.into());
            (Some(Step::Affine { factors, activation, input: shape }), 1)
        }
        [Layer::AveragePool { window }, ..] => (Some(Step::AveragePool(*window, shape)), 1),
        [whole @ Layer::Concatenate { branches }, ..] => {
            let branch =
                |layers: &Vec<Layer>| (steps(layers, weights, shape).0, output_shape(layers, shape).channels);
            let branches = branches.iter().map(branch).collect();
            (Some(Step::Concatenate { branches, output: whole.output(shape) }), 1)
        }
        [Layer::MaxPool(pool), ..] => (Some(Step::MaxPool((*pool).into(), shape)), 1),
        [Layer::GlobalAveragePool, ..] => (Some(Step::GlobalAveragePool(shape)), 1),
        [Layer::Residual { body, shortcut, activation }, ..] => {
            (Some(residual(body, shortcut, *activation, weights, shape)), 1)
        }
        // The maps lie as [H, W, C] already, and nothing is dropped outside training.
        [Layer::Flatten | Layer::Dropout { .. }, ..] => (None, 1),
        [] => (None, 0),
    }
}

/// The last convolution of the body adds what comes through the shortcut, and activates the sum.
fn residual(
    body: &[Layer],
    shortcut: &[Layer],
    activation: Activation,
    weights: &Weights,
    input: MapShape,
) -> Step {
    let mut body = body.to_vec();
    if let Some(Layer::Convolution(last)) = body.last_mut() {
        last.activation = activation;
    }
    let steps = |layers: &[Layer]| steps(layers, weights, input).0;
    Step::Residual { body: steps(&body), shortcut: steps(shortcut) }
}
