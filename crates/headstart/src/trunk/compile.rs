//! From layers and weights to a plan's steps.

use headstart_kernels as kernels;
use headstart_kernels::PackedConvolution;

use super::Step;
use crate::backbone::spec::{Convolution, Dense, Layer, MapShape};
use crate::backbone::weights::Weights;

/// Steps for `layers`, and the shape behind them.
pub(super) fn steps<'a>(
    layers: impl IntoIterator<Item = &'a Layer>,
    weights: &Weights,
    input: MapShape,
) -> (Vec<Step>, MapShape) {
    let (mut steps, mut shape) = (Vec::new(), input);
    for layer in layers {
        match layer {
            Layer::Convolution(layer) => steps.push(convolution(layer, weights, shape)),
            Layer::Dense(layer) => steps.push(dense(layer, weights)),
            Layer::MaxPool { window } => steps.push(Step::MaxPool(*window, shape)),
            Layer::GlobalAveragePool => steps.push(Step::GlobalAveragePool(shape)),
            Layer::Residual { body } => steps.push(Step::Residual(self::steps(body, weights, shape).0)),
            // The maps lie as [H, W, C] already, and nothing is dropped outside training.
            Layer::Flatten | Layer::Dropout { .. } => {}
        }
        shape = layer.output(shape);
    }
    (steps, shape)
}

fn convolution(layer: &Convolution, weights: &Weights, input: MapShape) -> Step {
    let (weight, bias) = fold(layer, weights);
    let geometry = layer.geometry(input);
    let packed = PackedConvolution::new(geometry, &weight, &bias, layer.activation.into());
    Step::Convolution(Box::new(packed), input)
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
