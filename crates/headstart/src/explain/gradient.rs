//! The gradient of a logit by the maps that a net's last layers read. It goes through the kernels that training uses, without
//! its tensors: one image, and no gradients of weights.

use headstart_kernels::{self as kernels, PackedConvolution, gradient};

use crate::backbone::spec::{Activation, Convolution, Dense, Layer, MapShape, Norm, SqueezeExcite};
use crate::backbone::weights::Weights;
use crate::trunk::{fold, scale_and_shift};

/// Maps of one image, and their shape.
type Maps<'a> = (&'a [f32], MapShape);

/// From the output of some layers to the gradient by it.
type Behind<'a> = &'a mut dyn FnMut(&[f32]) -> Vec<f32>;

/// The gradient by `maps` of that of which `behind` tells the gradient by the output of `layers`.
pub(super) fn through(
    layers: &[Layer],
    weights: &Weights,
    (maps, shape): Maps<'_>,
    behind: Behind<'_>,
) -> Vec<f32> {
    let Some((layer, rest)) = layers.split_first() else { return behind(maps) };
    let mut further = |output: &[f32]| through(rest, weights, (output, layer.output(shape)), behind);
    through_layer(layer, weights, (maps, shape), &mut further)
}

/// The same of one layer.
fn through_layer(layer: &Layer, weights: &Weights, (maps, shape): Maps<'_>, behind: Behind<'_>) -> Vec<f32> {
    let batch = shape.batch(1);
    match layer {
        Layer::Convolution(layer) => convolution(layer, weights, (maps, shape), behind),
        Layer::Norm(layer) => norm(layer, weights, (maps, shape), behind),
        Layer::SqueezeExcite(gate) => squeeze_excite(gate, weights, (maps, shape), behind),
        Layer::Dense(layer) => dense(layer, weights, maps, behind),
        Layer::MaxPool(pool) => {
            let output =
                new(layer.output(shape).len(), |to| kernels::max_pool(maps, batch, (*pool).into(), to));
            let gradient = behind(&output);
            new(shape.len(), |to| gradient::max_pool(maps, batch, (*pool).into(), &gradient, to))
        }
        Layer::AveragePool { window } => {
            let output = new(layer.output(shape).len(), |to| kernels::average_pool(maps, batch, *window, to));
            spread(&behind(&output), *window, shape)
        }
        Layer::GlobalAveragePool => {
            let output = new(shape.channels, |to| kernels::global_average_pool(maps, batch, to));
            let gradient = behind(&output);
            new(shape.len(), |to| gradient::global_average_pool(&gradient, batch, to))
        }
        Layer::Flatten | Layer::Dropout { .. } => behind(maps),
        Layer::Residual { body, shortcut, activation } => {
            residual([body, shortcut], *activation, weights, (maps, shape), behind)
        }
        Layer::Concatenate { branches } => concatenate(branches, weights, (maps, shape), behind),
    }
}

/// What `fill` writes.
fn new(length: usize, fill: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let mut values = vec![0.0; length];
    fill(&mut values);
    values
}

/// Runs a layer whose sums `run` computes with an activation or without, and takes the gradient through the activation.
fn activated(
    activation: Activation,
    channels: usize,
    run: impl Fn(kernels::Activation) -> Vec<f32>,
    behind: Behind<'_>,
) -> Vec<f32> {
    let output = run(activation.into());
    let mut gradient = behind(&output);
    // Of a curve that does not rise all the way, the slope is told by the sums before it.
    let kept = match activation {
        Activation::Silu | Activation::HardSwish => run(kernels::Activation::Identity),
        _ => output,
    };
    let mut of_bias = vec![0.0; channels];
    gradient::activation_and_bias(activation.into(), &kept, &mut gradient, &mut of_bias);
    gradient
}

fn convolution(
    layer: &Convolution,
    weights: &Weights,
    (maps, shape): Maps<'_>,
    behind: Behind<'_>,
) -> Vec<f32> {
    let (weight, bias) = fold(layer, weights);
    let geometry = layer.geometry(shape);
    let length = geometry.output_shape(shape.batch(1)).len();
    let run = |activation| {
        let input = (maps, shape.batch(1));
        new(length, |to| PackedConvolution::forward_once(geometry, (&weight, &bias), activation, input, to))
    };
    let gradient = activated(layer.activation, layer.output, run, behind);
    new(shape.len(), |to| gradient::convolution_input(&geometry, &weight, &gradient, shape.batch(1), to))
}

fn norm(layer: &Norm, weights: &Weights, (maps, shape): Maps<'_>, behind: Behind<'_>) -> Vec<f32> {
    let [scale, shift] = scale_and_shift(&layer.norm, weights);
    let run = |activation| {
        new(shape.len(), |to| kernels::affine(maps, shape.batch(1), [&scale, &shift], activation, to))
    };
    let gradient = activated(layer.activation, layer.channels, run, behind);
    new(shape.len(), |to| kernels::scale_channels(&gradient, shape.batch(1), &scale, to))
}

fn dense(layer: &Dense, weights: &Weights, row: &[f32], behind: Behind<'_>) -> Vec<f32> {
    let [weight, bias] =
        ["weight", "bias"].map(|part| &weights.get(&format!("{}.{part}", layer.name)).values);
    let run = |activation| new(layer.output, |to| kernels::dense(row, weight, bias, activation, to));
    let gradient = activated(layer.activation, layer.output, run, behind);
    new(row.len(), |to| gradient::dense_input(weight, &gradient, 1, to))
}

/// A map counts by itself, and through the factors that the means of its channels make.
fn squeeze_excite(
    gate: &SqueezeExcite,
    weights: &Weights,
    (maps, shape): Maps<'_>,
    behind: Behind<'_>,
) -> Vec<f32> {
    let (batch, narrow) = (shape.batch(1), MapShape::new(1, 1, shape.channels));
    let means = new(shape.channels, |to| kernels::global_average_pool(maps, batch, to));
    let layers = [&gate.reduce, &gate.expand].map(|layer| Layer::Convolution(layer.clone()));
    let mut of_maps = Vec::new();
    let of_means = through(&layers, weights, (&means, narrow), &mut |factors| {
        let gradient = behind(&new(maps.len(), |to| kernels::scale_channels(maps, batch, factors, to)));
        of_maps = new(maps.len(), |to| kernels::scale_channels(&gradient, batch, factors, to));
        new(factors.len(), |to| gradient::channel_factors(maps, batch, &gradient, to))
    });
    let through_means = new(maps.len(), |to| gradient::global_average_pool(&of_means, batch, to));
    sum(of_maps, &through_means)
}

fn residual(
    [body, shortcut]: [&[Layer]; 2],
    activation: Activation,
    weights: &Weights,
    (maps, shape): Maps<'_>,
    behind: Behind<'_>,
) -> Vec<f32> {
    let added = forward(shortcut, weights, (maps, shape));
    let mut of_sum = Vec::new();
    let through_body = through(body, weights, (maps, shape), &mut |output| {
        let run = |activation| new(output.len(), |to| kernels::add(output, &added, activation, to));
        of_sum = activated(activation, output.len(), run, behind);
        of_sum.clone()
    });
    sum(through_body, &through(shortcut, weights, (maps, shape), &mut |_| of_sum.clone()))
}

fn concatenate(
    branches: &[Vec<Layer>],
    weights: &Weights,
    (maps, shape): Maps<'_>,
    behind: Behind<'_>,
) -> Vec<f32> {
    let joined = Layer::Concatenate { branches: branches.to_vec() }.output(shape);
    let outputs: Vec<Vec<f32>> =
        branches.iter().map(|branch| forward(branch, weights, (maps, shape))).collect();
    let places = joined.height * joined.width;
    let parts: Vec<(&[f32], usize)> =
        outputs.iter().map(|output| (output.as_slice(), output.len() / places)).collect();
    let gradient = behind(&new(joined.len(), |to| kernels::concatenate(&parts, joined.batch(1), to)));
    let mut first = 0;
    let mut total = vec![0.0; maps.len()];
    for (branch, (_, channels)) in branches.iter().zip(&parts) {
        let pixels = gradient.chunks_exact(joined.channels);
        let own: Vec<f32> = pixels.flat_map(|pixel| pixel[first..][..*channels].to_vec()).collect();
        total = sum(total, &through(branch, weights, (maps, shape), &mut |_| own.clone()));
        first += channels;
    }
    total
}

/// What `layers` make of `maps`.
fn forward(layers: &[Layer], weights: &Weights, (maps, shape): Maps<'_>) -> Vec<f32> {
    let mut output = Vec::new();
    through(layers, weights, (maps, shape), &mut |values| {
        output = values.to_vec();
        vec![0.0; values.len()]
    });
    output
}

/// The gradient of means over windows: each pixel of a window has its share.
fn spread(gradient: &[f32], window: usize, shape: MapShape) -> Vec<f32> {
    let MapShape { height, width, channels } = shape;
    let (rows, columns) = (height / window, width / window);
    let mut to = vec![0.0; shape.len()];
    for (pixel, slots) in to.chunks_exact_mut(channels).enumerate() {
        let (row, column) = (pixel / width / window, pixel % width / window);
        if row < rows && column < columns {
            let from = &gradient[(row * columns + column) * channels..][..channels];
            slots.iter_mut().zip(from).for_each(|(slot, value)| *slot = value / (window * window) as f32);
        }
    }
    to
}

fn sum(mut left: Vec<f32>, right: &[f32]) -> Vec<f32> {
    left.iter_mut().zip(right).for_each(|(left, right)| *left += right);
    left
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use burn::tensor::{Tensor, TensorData};

    use super::*;
    use crate::backbone::registry::ENTRIES;
    use crate::backbone::spec::output_shape;
    use crate::network::{Tail, host};
    use crate::random::Random;

    /// By Burn, with the layers that training uses.
    fn by_burn(layers: &[Layer], weights: &Weights, (maps, shape): Maps<'_>) -> Vec<f32> {
        let MapShape { height, width, channels } = shape;
        let tail = Tail::new(layers.to_vec(), shape, weights, &crate::device::Device::cpu());
        let data = TensorData::new(maps.to_vec(), [1, height, width, channels]);
        let leaf = Tensor::<4>::from_inner(Tensor::from_data(data, tail.device().tensors())).require_grad();
        let mut parameters = tail.parameters(weights);
        parameters.values_mut().for_each(|parameter| {
            parameter.values = Tensor::from_inner(parameter.values.clone());
        });
        let gradients = tail.forward(&parameters, leaf.clone(), None).slice([0..1, 0..1]).sum().backward();
        host(leaf.grad(&gradients).expect("the logit depends on the maps"))
    }

    /// Weights that keep values of about one size, and statistics of a normalisation that has seen something.
    fn drawn(layers: &[Layer]) -> Weights {
        let mut weights = Weights::default();
        let mut random = Random::new(4, 5);
        for (name, shape) in layers.iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat())
        {
            let length = shape.iter().product();
            let values = (0..length).map(|_| match shape[..] {
                [_] => 0.5 + random.unit(),
                [inputs, _] => random.symmetric((3.0 / inputs as f32).sqrt()),
                _ => random.symmetric((3.0 * shape[0] as f32 / length as f32).sqrt()),
            });
            weights.insert(name, shape.clone(), values.collect());
        }
        weights
    }

    /// The last layers of every family, on maps that are so small that blocks of each kind have one place only.
    #[test]
    fn gradients_are_those_of_training() {
        for entry in ENTRIES.iter() {
            let spec = entry.spec();
            let layers: Vec<&Layer> = spec.all_layers().collect();
            let from = layers.len() - 2;
            let channels = output_shape(layers[..from].iter().copied(), MapShape::new(64, 64, 3)).channels;
            let pooled = output_shape(layers[from..].iter().copied(), MapShape::new(4, 4, channels)).channels;
            let logits =
                Dense { name: "d".into(), input: pooled, output: 2, activation: Activation::Silu, l2: 0.0 };
            let tail: Vec<Layer> = layers[from..]
                .iter()
                .map(|layer| (*layer).clone())
                .chain([Layer::GlobalAveragePool, Layer::Dropout { rate: 0.5 }, Layer::Dense(logits)])
                .collect();
            let weights = drawn(&tail);
            // A pool halves VGG's maps once more.
            let least = if matches!(layers.last(), Some(Layer::MaxPool(_))) { 2 } else { 1 };
            for side in [least, 4] {
                let shape = MapShape::new(side, side, channels);
                let mut random = Random::new(1, 2);
                let maps: Vec<f32> = (0..shape.len()).map(|_| random.unit() - 0.3).collect();
                let own = through(&tail, &weights, (&maps, shape), &mut |logits| {
                    (0..logits.len()).map(|class| if class == 0 { 1.0 } else { 0.0 }).collect()
                });
                let burn = by_burn(&tail, &weights, (&maps, shape));
                // Not value by value: a sum that is 0 but for rounding may lie on either side of a ReLU. On the larger
                // maps one such value moves ResNet's gradient by some tenths of a per cent.
                let most = if side == least { 1e-3 } else { 1e-2 };
                let off: f32 = own.iter().zip(&burn).map(|(own, burn)| (own - burn).powi(2)).sum();
                let all: f32 = burn.iter().map(|burn| burn.powi(2)).sum();
                assert_eq!(own.len(), burn.len());
                assert!(
                    all > 0.0 && off.sqrt() <= most * all.sqrt(),
                    "{} of {side}: {off} of {all}",
                    entry.name
                );
            }
        }
    }
}
