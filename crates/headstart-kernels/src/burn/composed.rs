//! The same operations, composed of Burn's own: for backends without kernels, and to test
//! kernels against.

use ::burn::backend::ops::ConvOptions;
use ::burn::backend::tensor::FloatTensor;
use ::burn::backend::{Backend, TensorMetadata};

use crate::{Activation, Adam, Convolution, Padding, Pool};

/// `[B, H, W, C]` to `[B, C, H, W]`, and back.
const CHANNELS_FIRST: [usize; 4] = [0, 3, 1, 2];
const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];

pub(super) fn convolution<B: Backend>(
    maps: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    geometry: Convolution,
    activation: Activation,
) -> FloatTensor<B> {
    let Padding { top, bottom, left, right } = geometry.padding;
    let padding = [(top, bottom), (left, right)];
    let options = ConvOptions::new_with_padding(geometry.stride, padding, [1; 2], geometry.groups);
    let maps = B::conv2d(B::float_permute(maps, &CHANNELS_FIRST), weight, Some(bias), options);
    activate::<B>(B::float_permute(maps, &CHANNELS_LAST), activation)
}

pub(super) fn max_pool<B: Backend>(maps: FloatTensor<B>, pool: Pool) -> FloatTensor<B> {
    let maps = B::float_permute(maps, &CHANNELS_FIRST);
    let Pool { window, stride, padding } = pool;
    let maps = B::max_pool2d(maps, [window; 2], [stride; 2], [padding; 2], [1; 2], false);
    B::float_permute(maps, &CHANNELS_LAST)
}

pub(super) fn global_average_pool<B: Backend>(maps: FloatTensor<B>) -> FloatTensor<B> {
    B::float_mean_dim(B::float_mean_dim(maps, 2), 1)
}

pub(super) fn dense<B: Backend>(
    rows: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    activation: Activation,
) -> FloatTensor<B> {
    let outputs = bias.shape()[0];
    let bias = B::float_reshape(bias, [1, outputs].into());
    activate::<B>(B::float_add(B::float_matmul(rows, weight), bias), activation)
}

pub(super) fn scale_kernels<B: Backend>(weight: FloatTensor<B>, factors: FloatTensor<B>) -> FloatTensor<B> {
    let outputs = factors.shape()[0];
    B::float_mul(weight, B::float_reshape(factors, [outputs, 1, 1, 1].into()))
}

pub(super) fn scale_channels<B: Backend>(maps: FloatTensor<B>, factors: FloatTensor<B>) -> FloatTensor<B> {
    B::float_mul(maps, factors)
}

pub(super) fn add<B: Backend>(
    left: FloatTensor<B>,
    right: FloatTensor<B>,
    activation: Activation,
) -> FloatTensor<B> {
    activate::<B>(B::float_add(left, right), activation)
}

pub(super) fn affine<B: Backend>(
    maps: FloatTensor<B>,
    factors: [FloatTensor<B>; 2],
    activation: Activation,
) -> FloatTensor<B> {
    let [scale, shift] = factors.map(|values| {
        let channels = values.shape()[0];
        B::float_reshape(values, [1, 1, 1, channels].into())
    });
    activate::<B>(B::float_add(B::float_mul(maps, scale), shift), activation)
}

pub(super) fn sum_of_squares<B: Backend>(values: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sum(B::float_mul(values.clone(), values))
}

pub(super) fn adam<B: Backend>(
    values: FloatTensor<B>,
    gradient: FloatTensor<B>,
    [first, second]: [FloatTensor<B>; 2],
    step: Adam,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let towards = |mean: FloatTensor<B>, value: FloatTensor<B>, beta: f32| {
        let change = B::float_mul_scalar(B::float_sub(value, mean.clone()), (1.0 - beta).into());
        B::float_add(mean, change)
    };
    let square = B::float_mul(gradient.clone(), gradient.clone());
    let (first, second) = (towards(first, gradient, step.beta_1), towards(second, square, step.beta_2));
    let root = B::float_add_scalar(B::float_sqrt(second.clone()), step.epsilon.into());
    let change = B::float_div(B::float_mul_scalar(first.clone(), step.rate.into()), root);
    (B::float_sub(B::float_mul_scalar(values, step.keep.into()), change), first, second)
}

fn activate<B: Backend>(maps: FloatTensor<B>, activation: Activation) -> FloatTensor<B> {
    match activation {
        Activation::Identity => maps,
        Activation::Relu => B::relu(maps),
        Activation::Relu6 => B::float_clamp(maps, 0.0f32.into(), 6.0f32.into()),
        Activation::Silu => B::float_mul(maps.clone(), B::sigmoid(maps)),
        Activation::HardSwish => B::float_mul(maps.clone(), hard_sigmoid::<B>(maps)),
        Activation::Sigmoid => B::sigmoid(maps),
        Activation::HardSigmoid => hard_sigmoid::<B>(maps),
    }
}

fn hard_sigmoid<B: Backend>(maps: FloatTensor<B>) -> FloatTensor<B> {
    let sum = B::float_clamp(B::float_add_scalar(maps, 3.0f32.into()), 0.0f32.into(), 6.0f32.into());
    B::float_mul_scalar(sum, (1.0f32 / 6.0).into())
}
