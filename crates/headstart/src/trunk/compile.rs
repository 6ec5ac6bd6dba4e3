//! From layers and weights to a plan's steps.

use headstart_kernels as kernels;
use headstart_kernels::{PackedConvolution, Separable};

use super::Step;
use crate::backbone::spec::{Activation, Convolution, Dense, Layer, MapShape, MaxPool};
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
    match layers {
        // The wide maps inside of a mobile block are never written whole.
        [Layer::Convolution(a), Layer::Convolution(b), Layer::Convolution(c), ..]
            if is_separable(Some(a), b, c, shape) =>
        {
            (Some(separable(Some(a), b, c, weights, shape)), 3)
        }
        [Layer::Convolution(a), Layer::Convolution(b), ..] if is_separable(None, a, b, shape) => {
            (Some(separable(None, a, b, weights, shape)), 2)
        }
        // Nor is the map that a 2×2 pool reads.
        [Layer::Convolution(layer), Layer::MaxPool(pool), ..] if *pool == MaxPool::tiling(2) => {
            (Some(Step::PooledConvolution(Box::new(convolution(layer, weights, shape)), shape)), 2)
        }
        [Layer::Convolution(layer), ..] => {
            (Some(Step::Convolution(Box::new(convolution(layer, weights, shape)), shape)), 1)
        }
        [Layer::Dense(layer), ..] => (Some(dense(layer, weights)), 1),
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

/// The shape behind one convolution.
fn behind(layer: &Convolution, input: MapShape) -> MapShape {
    Layer::Convolution(layer.clone()).output(input)
}

fn is_separable(
    expand: Option<&Convolution>,
    depthwise: &Convolution,
    project: &Convolution,
    input: MapShape,
) -> bool {
    let wide = expand.map_or(input, |expand| behind(expand, input));
    let expand = expand.map(|expand| expand.geometry(input));
    let project = project.geometry(behind(depthwise, wide));
    Separable::fits(expand.as_ref(), &depthwise.geometry(wide), &project)
}

fn separable(
    expand: Option<&Convolution>,
    depthwise: &Convolution,
    project: &Convolution,
    weights: &Weights,
    input: MapShape,
) -> Step {
    let wide = expand.map_or(input, |expand| behind(expand, input));
    let expand = expand.map(|expand| convolution(expand, weights, input));
    let project = convolution(project, weights, behind(depthwise, wide));
    let block = Separable::new(expand, convolution(depthwise, weights, wide), project);
    Step::Separable(Box::new(block), input)
}

fn convolution(layer: &Convolution, weights: &Weights, input: MapShape) -> PackedConvolution {
    let (weight, bias) = fold(layer, weights);
    PackedConvolution::new(layer.geometry(input), &weight, &bias, layer.activation.into())
}

/// Batch normalisation with fixed statistics is `γ/σ · x + (β − μ·γ/σ)` for each channel, so it
/// goes into the convolution's weights and bias.
fn fold(layer: &Convolution, weights: &Weights) -> (Vec<f32>, Vec<f32>) {
    let mut weight = weights.get(&format!("{}.weight", layer.name)).values.clone();
    let mut bias = match layer.bias {
        true => weights.get(&format!("{}.bias", layer.name)).values.clone(),
        false => vec![0.0; layer.output],
    };
    if let Some(norm) = &layer.norm {
        let part = |part: &str| &weights.get(&format!("{}.{part}", norm.name)).values;
        let (gamma, beta, mean, variance) =
            (part("weight"), part("bias"), part("running_mean"), part("running_var"));
        for (channel, kernel) in weight.chunks_exact_mut(layer_fan(layer)).enumerate() {
            let scale = gamma[channel] / (variance[channel] + norm.epsilon).sqrt();
            kernel.iter_mut().for_each(|value| *value *= scale);
            bias[channel] = beta[channel] + (bias[channel] - mean[channel]) * scale;
        }
    }
    (weight, bias)
}

/// Weights of one output channel.
fn layer_fan(layer: &Convolution) -> usize {
    layer.input / layer.groups * layer.kernel * layer.kernel
}

/// A fully connected layer is a 1×1 convolution of a 1×1 map.
fn dense(layer: &Dense, weights: &Weights) -> Step {
    let by_input = &weights.get(&format!("{}.weight", layer.name)).values;
    let bias = &weights.get(&format!("{}.bias", layer.name)).values;
    let mut by_output = vec![0.0; by_input.len()];
    for (input, row) in by_input.chunks_exact(layer.output).enumerate() {
        for (output, value) in row.iter().enumerate() {
            by_output[output * layer.input + input] = *value;
        }
    }
    let geometry = kernels::Convolution {
        in_channels: layer.input,
        out_channels: layer.output,
        kernel: [1; 2],
        stride: [1; 2],
        padding: kernels::Padding::default(),
        groups: 1,
    };
    let packed = PackedConvolution::new(geometry, &by_output, bias, layer.activation.into());
    Step::Convolution(Box::new(packed), MapShape::new(1, 1, layer.input))
}
