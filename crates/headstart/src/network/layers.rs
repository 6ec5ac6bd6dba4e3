//! Each kind of layer on Burn's tensors.

use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions, PadMode};
use burn::tensor::{Tensor, TensorData};

use super::{Parameters, Tail};
use crate::backbone::spec::{Activation, Convolution, Dense, Layer, Padding};
use crate::random::Random;

/// Runs one layer.
///
/// # Shapes
/// `maps`: `[batch, C, H, W]`, as is the result.
pub(super) fn forward(
    layer: &Layer,
    tail: &Tail,
    parameters: &Parameters,
    maps: Tensor<4>,
    dropout: &mut Option<&mut Random>,
) -> Tensor<4> {
    match layer {
        Layer::Convolution(layer) => convolution(layer, tail, parameters, maps),
        Layer::MaxPool { window } => max_pool2d(maps, MaxPoolOptions::new([*window; 2])),
        Layer::Residual { body } => body
            .iter()
            .fold(maps.clone(), |inner, layer| forward(layer, tail, parameters, inner, dropout))
            .add(maps),
        Layer::GlobalAveragePool => maps.mean_dim(3).mean_dim(2),
        Layer::Flatten => flatten(maps),
        Layer::Dropout { rate } => match dropout {
            Some(random) => drop(maps, *rate, random),
            None => maps,
        },
        Layer::Dense(layer) => dense(layer, tail, parameters, maps),
    }
}

fn convolution(layer: &Convolution, tail: &Tail, parameters: &Parameters, maps: Tensor<4>) -> Tensor<4> {
    let (weight, bias) = tail.folded(layer, parameters);
    let [_, _, height, width] = maps.dims();
    let (top, bottom) = Padding::Same.amounts(height, layer.kernel, layer.stride);
    let (left, right) = Padding::Same.amounts(width, layer.kernel, layer.stride);
    let symmetric = top == bottom && left == right;
    let (maps, padding) = match symmetric {
        true => (maps, [top, left]),
        false => (maps.pad([(top, bottom), (left, right)], PadMode::Constant(0.0)), [0, 0]),
    };
    let options = ConvOptions::new([layer.stride; 2], padding, [1; 2], layer.groups);
    activate(conv2d(maps, weight, bias, options), layer.activation)
}

fn dense(layer: &Dense, tail: &Tail, parameters: &Parameters, maps: Tensor<4>) -> Tensor<4> {
    let batch = maps.dims()[0];
    let weight = tail.tensor::<2>(parameters, &format!("{}.weight", layer.name));
    let bias = tail.tensor::<1>(parameters, &format!("{}.bias", layer.name));
    let rows = maps.reshape([batch, layer.input]).matmul(weight) + bias.reshape([1, layer.output]);
    activate(rows.reshape([batch, layer.output, 1, 1]), layer.activation)
}

/// `[B, C, H, W]` to `[B, H·W·C, 1, 1]`, channels fastest.
fn flatten(maps: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = maps.dims();
    maps.permute([0, 2, 3, 1]).reshape([batch, channels * height * width, 1, 1])
}

/// Zeroes a share of the values and scales up the rest (Srivastava 2014, as Keras inverts it).
fn drop(maps: Tensor<4>, rate: f32, random: &mut Random) -> Tensor<4> {
    let dims = maps.dims();
    let keep = 1.0 / (1.0 - rate);
    let mask: Vec<f32> =
        (0..dims.iter().product::<usize>()).map(|_| if random.unit() < rate { 0.0 } else { keep }).collect();
    let mask = Tensor::<4>::from_data(TensorData::new(mask, dims), &maps.device());
    maps * mask
}

fn activate(maps: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::Identity => maps,
        Activation::Relu => relu(maps),
        Activation::Relu6 => maps.clamp(0.0, 6.0),
    }
}
