//! Each kind of layer on Burn's tensors, maps as `[batch, height, width, channels]`.

use burn::tensor::{Tensor, TensorData};
use headstart_kernels::burn as operations;

use super::{Parameters, Tail};
use crate::backbone::spec::{Convolution, Dense, Layer, MapShape};
use crate::random::Random;

/// Runs one layer.
///
/// # Shapes
/// `maps`: `[batch, H, W, C]`, as is the result.
pub(super) fn forward(
    layer: &Layer,
    tail: &Tail,
    parameters: &Parameters,
    maps: Tensor<4>,
    dropout: &mut Option<&mut Random>,
) -> Tensor<4> {
    match layer {
        Layer::Convolution(layer) => convolution(layer, tail, parameters, maps),
        Layer::SqueezeExcite(gate) => {
            let means = operations::global_average_pool(maps.clone());
            let squeezed = convolution(&gate.reduce, tail, parameters, means);
            operations::scale_channels(maps, convolution(&gate.expand, tail, parameters, squeezed))
        }
        Layer::Norm(layer) => {
            let [scale, mean, beta] = tail.normalisation(&layer.norm, parameters);
            let shift = beta - mean * scale.clone();
            operations::affine(maps, scale, shift, layer.activation.into())
        }
        Layer::MaxPool(pool) => operations::max_pool(maps, (*pool).into()),
        Layer::AveragePool { window } => average_pool(maps, *window),
        Layer::Concatenate { branches } => {
            let through = |layers: &Vec<Layer>| {
                layers
                    .iter()
                    .fold(maps.clone(), |maps, layer| forward(layer, tail, parameters, maps, dropout))
            };
            Tensor::cat(branches.iter().map(through).collect(), 3)
        }
        Layer::Residual { body, shortcut, activation } => {
            let mut through = |layers: &[Layer]| {
                layers
                    .iter()
                    .fold(maps.clone(), |maps, layer| forward(layer, tail, parameters, maps, dropout))
            };
            operations::add(through(body), through(shortcut), (*activation).into())
        }
        Layer::GlobalAveragePool => operations::global_average_pool(maps),
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
    let [_, height, width, channels] = maps.dims();
    let geometry = layer.geometry(MapShape::new(height, width, channels));
    operations::convolution(maps, weight, bias, geometry, layer.activation.into())
}

fn dense(layer: &Dense, tail: &Tail, parameters: &Parameters, maps: Tensor<4>) -> Tensor<4> {
    let batch = maps.dims()[0];
    let weight = tail.tensor::<2>(parameters, &format!("{}.weight", layer.name));
    let bias = tail.tensor::<1>(parameters, &format!("{}.bias", layer.name));
    let rows = maps.reshape([batch, layer.input]);
    operations::dense(rows, weight, bias, layer.activation.into()).reshape([batch, 1, 1, layer.output])
}

/// Means of windows that lie side by side; what is left at the right and at the bottom does not count.
fn average_pool(maps: Tensor<4>, window: usize) -> Tensor<4> {
    let [batch, height, width, channels] = maps.dims();
    let (rows, columns) = (height / window, width / window);
    let inside = maps.slice([0..batch, 0..rows * window, 0..columns * window, 0..channels]);
    let windows = inside.reshape([batch, rows, window, columns, window, channels]);
    windows.mean_dim(4).mean_dim(2).reshape([batch, rows, columns, channels])
}

/// `[B, H, W, C]` to `[B, 1, 1, H·W·C]`, channels fastest.
fn flatten(maps: Tensor<4>) -> Tensor<4> {
    let [batch, height, width, channels] = maps.dims();
    maps.reshape([batch, 1, 1, height * width * channels])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::weights::Weights;
    use crate::device::Device;
    use crate::network::host;

    #[test]
    fn dropout_zeroes_its_share_while_training_and_keeps_the_sum() {
        let input = MapShape::new(1, 1, 10_000);
        let tail = Tail::new(vec![Layer::Dropout { rate: 0.25 }], input, &Weights::default(), &Device::cpu());
        let forward = |random: Option<&mut Random>| {
            let ones = Tensor::<4>::ones([1, 1, 1, input.len()], tail.device().tensors());
            host(tail.forward(&Parameters::new(), ones, random))
        };
        assert!(forward(None).iter().all(|value| *value == 1.0));
        let mut random = Random::new(1, 2);
        let (first, second) = (forward(Some(&mut random)), forward(Some(&mut random)));
        let zeros = first.iter().filter(|value| **value == 0.0).count() as f32 / 10_000.0;
        assert!((zeros - 0.25).abs() < 0.02, "{zeros}");
        assert!(first.iter().all(|value| *value == 0.0 || (*value - 4.0 / 3.0).abs() < 1e-6));
        assert_ne!(first, second);
    }
}
