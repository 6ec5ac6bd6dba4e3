//! The kernels as operations on Burn's tensors, with gradients.
//!
//! On Flex, Burn's CPU backend, they are this crate's; a backend that is added to [`MapOps`]
//! without kernels of its own, as Cube is with the feature `cube`, runs Burn's operations. Maps are
//! `[batch, height, width, channels]`.

mod autodiff;
mod composed;
#[cfg(feature = "cube")]
mod cube;
mod flex;
mod ops;
#[cfg(test)]
mod tests;

use ::burn::backend::Dispatch;
use ::burn::tensor::Tensor;

use crate::{Activation, Adam, Convolution, Pool};

pub use ops::MapOps;

/// `activation(convolution(maps) + bias)`.
///
/// # Shapes
/// - `maps`: `[batch, height, width, in_channels]`
/// - `weight`: `[out_channels, in_channels / groups, kernel, kernel]`
/// - `bias`: `[out_channels]`
/// - result: [`Convolution::output_shape`]
pub fn convolution(
    maps: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    geometry: Convolution,
    activation: Activation,
) -> Tensor<4> {
    let (maps, weight, bias) = (maps.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::convolution(maps, weight, bias, geometry, activation))
}

/// The largest value of each window.
///
/// # Shapes
/// - `maps`: `[batch, height, width, channels]`
/// - result: [`Pool::output_shape`]
pub fn max_pool(maps: Tensor<4>, pool: Pool) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::max_pool(maps.into_dispatch(), pool))
}

/// The mean over height and width.
///
/// # Shapes
/// - `maps`: `[batch, height, width, channels]`
/// - result: `[batch, 1, 1, channels]`
pub fn global_average_pool(maps: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::global_average_pool(maps.into_dispatch()))
}

/// `activation(rows · weight + bias)`.
///
/// # Shapes
/// - `rows`: `[batch, inputs]`
/// - `weight`: `[inputs, outputs]`
/// - `bias`: `[outputs]`
/// - result: `[batch, outputs]`
pub fn dense(rows: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>, activation: Activation) -> Tensor<2> {
    let (rows, weight, bias) = (rows.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(Dispatch::dense(rows, weight, bias, activation))
}

/// The kernels of each output channel times that channel's factor.
///
/// # Shapes
/// - `weight`, result: `[out_channels, in_channels / groups, kernel, kernel]`
/// - `factors`: `[out_channels]`
pub fn scale_kernels(weight: Tensor<4>, factors: Tensor<1>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::scale_kernels(weight.into_dispatch(), factors.into_dispatch()))
}

/// Each channel of each image times its factor.
///
/// # Shapes
/// - `maps`, result: `[batch, height, width, channels]`
/// - `factors`: `[batch, 1, 1, channels]`
pub fn scale_channels(maps: Tensor<4>, factors: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::scale_channels(maps.into_dispatch(), factors.into_dispatch()))
}

/// `activation(left + right)`.
///
/// # Shapes
/// - `left`, `right`, result: `[batch, height, width, channels]`
pub fn add(left: Tensor<4>, right: Tensor<4>, activation: Activation) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::add(left.into_dispatch(), right.into_dispatch(), activation))
}

/// `activation(scale · maps + shift)`.
///
/// # Shapes
/// - `maps`, result: `[batch, height, width, channels]`
/// - `scale`, `shift`: `[channels]`
pub fn affine(maps: Tensor<4>, scale: Tensor<1>, shift: Tensor<1>, activation: Activation) -> Tensor<4> {
    let (maps, scale, shift) = (maps.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
    Tensor::from_dispatch(Dispatch::affine(maps, scale, shift, activation))
}

/// `Σ values²`.
///
/// # Shapes
/// - `values`: any
/// - result: `[1]`
pub fn sum_of_squares(values: Tensor<1>) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::sum_of_squares(values.into_dispatch()))
}

/// Values and both moments after one step; where nobody else holds them, in their own memory.
pub fn adam(
    step: Adam,
    values: Tensor<1>,
    gradient: Tensor<1>,
    moments: [Tensor<1>; 2],
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let [first, second] = moments.map(Tensor::into_dispatch);
    let (values, first, second) =
        Dispatch::adam(values.into_dispatch(), gradient.into_dispatch(), first, second, step);
    (Tensor::from_dispatch(values), [first, second].map(Tensor::from_dispatch))
}
