//! Layers' weights as kernels take them: batch normalisation folded, packed.

use headstart_kernels::{self as kernels, PackedConvolution};

use crate::backbone::spec::{BatchNorm, Convolution, Dense, Layer, MapShape, SqueezeExcite};
use crate::backbone::weights::Weights;

/// Channels that a convolution is computed with besides its own: they have weights of 0.
#[derive(Clone, Copy, Default)]
pub(super) struct Spare {
    pub(super) input: usize,
    pub(super) output: usize,
}

/// The shape behind one convolution.
pub(super) fn behind(layer: &Convolution, input: MapShape) -> MapShape {
    Layer::Convolution(layer.clone()).output(input)
}

/// A convolution's geometry, with `spare` channels.
pub(super) fn geometry(layer: &Convolution, input: MapShape, spare: Spare) -> kernels::Convolution {
    let geometry = layer.geometry(input);
    kernels::Convolution {
        in_channels: geometry.in_channels + spare.input,
        out_channels: geometry.out_channels + spare.output,
        groups: if layer.groups > 1 { layer.groups + spare.output } else { 1 },
        ..geometry
    }
}

/// A convolution with its normalisation and activation, and `spare` channels.
pub(super) fn convolution(
    layer: &Convolution,
    weights: &Weights,
    input: MapShape,
    spare: Spare,
) -> PackedConvolution {
    let (mut weight, mut bias) = fold(layer, weights);
    if spare.input > 0 && layer.groups == 1 {
        let zeros = vec![0.0; spare.input * layer.kernel * layer.kernel];
        weight = weight.chunks_exact(fan(layer)).flat_map(|kernel| [kernel, &zeros].concat()).collect();
    }
    weight.resize(weight.len() / layer.output * (layer.output + spare.output), 0.0);
    bias.resize(layer.output + spare.output, 0.0);
    PackedConvolution::new(geometry(layer, input, spare), &weight, &bias, layer.activation.into())
}

/// The two layers of a gate of `spare` channels more.
pub(super) fn squeeze_excite(
    gate: &SqueezeExcite,
    weights: &Weights,
    spare: usize,
) -> kernels::SqueezeExcite {
    let means = MapShape::new(1, 1, gate.reduce.input);
    let narrow = behind(&gate.reduce, means);
    let reduce = convolution(&gate.reduce, weights, means, Spare { input: spare, output: 0 });
    let expand = convolution(&gate.expand, weights, narrow, Spare { input: 0, output: spare });
    kernels::SqueezeExcite::new(reduce, expand)
}

/// A fully connected layer is a 1×1 convolution of a 1×1 map.
pub(super) fn dense(layer: &Dense, weights: &Weights) -> PackedConvolution {
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
    PackedConvolution::new(geometry, &by_output, bias, layer.activation.into())
}

/// Batch normalisation with fixed statistics is `γ/σ · x + (β − μ·γ/σ)` for each channel, so it
/// goes into the convolution's weights and bias.
pub(crate) fn fold(layer: &Convolution, weights: &Weights) -> (Vec<f32>, Vec<f32>) {
    let mut weight = weights.get(&format!("{}.weight", layer.name)).values.clone();
    let mut bias = match layer.bias {
        true => weights.get(&format!("{}.bias", layer.name)).values.clone(),
        false => vec![0.0; layer.output],
    };
    if let Some(norm) = &layer.norm {
        let part = |part: &str| &weights.get(&format!("{}.{part}", norm.name)).values;
        let (gamma, beta, mean, variance) =
            (part("weight"), part("bias"), part("running_mean"), part("running_var"));
        for (channel, kernel) in weight.chunks_exact_mut(fan(layer)).enumerate() {
            let scale = gamma[channel] / (variance[channel] + norm.epsilon).sqrt();
            kernel.iter_mut().for_each(|value| *value *= scale);
            bias[channel] = beta[channel] + (bias[channel] - mean[channel]) * scale;
        }
    }
    (weight, bias)
}

/// The scale and the shift of each channel that batch normalisation by itself comes to.
pub(crate) fn scale_and_shift(norm: &BatchNorm, weights: &Weights) -> [Vec<f32>; 2] {
    let part = |part: &str| weights.get(&format!("{}.{part}", norm.name)).values.iter();
    let scales = part("weight").zip(part("running_var"));
    let scale: Vec<f32> = scales.map(|(gamma, variance)| gamma / (variance + norm.epsilon).sqrt()).collect();
    let shifts = part("bias").zip(part("running_mean")).zip(&scale);
    let shift = shifts.map(|((beta, mean), scale)| beta - mean * scale).collect();
    [scale, shift]
}

/// Weights of one output channel.
fn fan(layer: &Convolution) -> usize {
    layer.input / layer.groups * layer.kernel * layer.kernel
}
