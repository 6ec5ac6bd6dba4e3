//! What a backend is asked for.

use ::burn::backend::tensor::FloatTensor;
use ::burn::backend::{Backend, backend_extension};

use super::composed;
use crate::{Activation, Adam, Convolution, Pool};

/// Operations on maps `[batch, height, width, channels]`; shapes as in the functions of
/// [`super`]. Each has a default that is composed of Burn's operations, and so has a gradient. Graphics processors run
/// the defaults, and Burn fuses what they are composed of.
#[backend_extension(Flex, Autodiff, Cube: cfg(feature = "cube"), Fusion: cfg(feature = "cube"))]
pub trait MapOps: Backend {
    /// See [`super::convolution`].
    #[fusion(default)]
    fn convolution(
        maps: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Convolution,
        activation: Activation,
    ) -> FloatTensor<Self> {
        composed::convolution::<Self>(maps, weight, bias, geometry, activation)
    }

    /// See [`super::max_pool`].
    #[fusion(default)]
    fn max_pool(maps: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self> {
        composed::max_pool::<Self>(maps, pool)
    }

    /// See [`super::global_average_pool`].
    #[fusion(default)]
    fn global_average_pool(maps: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::global_average_pool::<Self>(maps)
    }

    /// See [`super::dense`].
    #[fusion(default)]
    fn dense(
        rows: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        composed::dense::<Self>(rows, weight, bias, activation)
    }

    /// See [`super::scale_kernels`].
    #[fusion(default)]
    fn scale_kernels(weight: FloatTensor<Self>, factors: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::scale_kernels::<Self>(weight, factors)
    }

    /// See [`super::scale_channels`].
    #[fusion(default)]
    fn scale_channels(maps: FloatTensor<Self>, factors: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::scale_channels::<Self>(maps, factors)
    }

    /// See [`super::add`].
    #[fusion(default)]
    fn add(left: FloatTensor<Self>, right: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        composed::add::<Self>(left, right, activation)
    }

    /// See [`super::affine`].
    #[fusion(default)]
    fn affine(
        maps: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        composed::affine::<Self>(maps, [scale, shift], activation)
    }

    /// See [`super::sum_of_squares`].
    #[fusion(default)]
    fn sum_of_squares(values: FloatTensor<Self>) -> FloatTensor<Self> {
        composed::sum_of_squares::<Self>(values)
    }

    /// See [`super::adam`].
    #[fusion(default)]
    fn adam(
        values: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        composed::adam::<Self>(values, gradient, [first, second], step)
    }
}
