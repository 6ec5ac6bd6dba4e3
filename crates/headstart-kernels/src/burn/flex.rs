//! The kernels on Flex's tensors.

use ::burn::backend::flex::{Flex, FlexTensor};
use ::burn::backend::{TensorData, TensorMetadata};
use rayon::prelude::*;

use super::ops::MapOps;
use crate::{Activation, Adam, Convolution, PackedConvolution, Pool, Shape};

/// Values that one task bends.
const BLOCK: usize = 1 << 14;

impl MapOps for Flex {
    fn convolution(
        maps: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        geometry: Convolution,
        activation: Activation,
    ) -> FlexTensor {
        let (maps, weight, bias) = (Host::new(maps), Host::new(weight), Host::new(bias));
        let out = geometry.output_shape(maps.shape());
        let mut output = vec![0.0; out.len()];
        let (weights, maps) = ((weight.values(), bias.values()), (maps.values(), maps.shape()));
        PackedConvolution::forward_once(geometry, weights, activation, maps, &mut output);
        tensor(output, [out.batch, out.height, out.width, out.channels])
    }

    fn max_pool(maps: FlexTensor, pool: Pool) -> FlexTensor {
        let maps = Host::new(maps);
        let out = pool.output_shape(maps.shape());
        let mut output = vec![0.0; out.len()];
        crate::max_pool(maps.values(), maps.shape(), pool, &mut output);
        tensor(output, [out.batch, out.height, out.width, out.channels])
    }

    fn global_average_pool(maps: FlexTensor) -> FlexTensor {
        let maps = Host::new(maps);
        let Shape { batch, channels, .. } = maps.shape();
        let mut output = vec![0.0; batch * channels];
        crate::global_average_pool(maps.values(), maps.shape(), &mut output);
        tensor(output, [batch, 1, 1, channels])
    }

    fn dense(rows: FlexTensor, weight: FlexTensor, bias: FlexTensor, activation: Activation) -> FlexTensor {
        let (rows, weight, bias) = (Host::new(rows), Host::new(weight), Host::new(bias));
        let out = [rows.dims::<2>()[0], bias.dims::<1>()[0]];
        let mut output = vec![0.0; out.iter().product()];
        crate::dense(rows.values(), weight.values(), bias.values(), activation, &mut output);
        tensor(output, out)
    }

    fn scale_kernels(weight: FlexTensor, factors: FlexTensor) -> FlexTensor {
        let (weight, factors) = (Host::new(weight), Host::new(factors));
        let mut scaled = vec![0.0; weight.values().len()];
        crate::scale_rows(weight.values(), factors.values(), &mut scaled);
        tensor(scaled, weight.dims::<4>())
    }

    fn scale_channels(maps: FlexTensor, factors: FlexTensor) -> FlexTensor {
        let (maps, factors) = (Host::new(maps), Host::new(factors));
        let mut scaled = vec![0.0; maps.values().len()];
        crate::scale_channels(maps.values(), maps.shape(), factors.values(), &mut scaled);
        tensor(scaled, maps.dims::<4>())
    }

    fn add(left: FlexTensor, right: FlexTensor, activation: Activation) -> FlexTensor {
        let (left, right) = (Host::new(left), Host::new(right));
        let mut output = vec![0.0; left.values().len()];
        crate::add(left.values(), right.values(), activation, &mut output);
        tensor(output, left.dims::<4>())
    }

    fn affine(maps: FlexTensor, scale: FlexTensor, shift: FlexTensor, activation: Activation) -> FlexTensor {
        let (maps, scale, shift) = (Host::new(maps), Host::new(scale), Host::new(shift));
        let mut output = vec![0.0; maps.values().len()];
        let factors = [scale.values(), shift.values()];
        crate::affine(maps.values(), maps.shape(), factors, activation, &mut output);
        tensor(output, maps.dims::<4>())
    }

    fn sum_of_squares(values: FlexTensor) -> FlexTensor {
        tensor(vec![crate::sum_of_squares(Host::new(values).values())], [1])
    }

    fn adam(
        values: FlexTensor,
        gradient: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        step: Adam,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let dims = [values.shape()[0]];
        let (mut values, mut first, mut second) = (owned(values), owned(first), owned(second));
        crate::adam(step, &mut values, Host::new(gradient).values(), &mut first, &mut second);
        (tensor(values, dims), tensor(first, dims), tensor(second, dims))
    }
}

/// A tensor whose values lie in order.
#[derive(Debug, Clone)]
pub(super) struct Host(FlexTensor);

impl Host {
    pub(super) fn new(tensor: FlexTensor) -> Self {
        Self(tensor.to_contiguous())
    }

    pub(super) fn values(&self) -> &[f32] {
        self.0.as_slice().expect("the net computes in f32, and the values lie in order")
    }

    pub(super) fn dims<const D: usize>(&self) -> [usize; D] {
        self.0.shape().dims()
    }

    /// Of maps `[batch, height, width, channels]`.
    pub(super) fn shape(&self) -> Shape {
        let [batch, height, width, channels] = self.dims();
        Shape { batch, height, width, channels }
    }
}

/// A curve of `sums`.
pub(super) fn bend(sums: &FlexTensor, activation: Activation) -> FlexTensor {
    let sums = Host::new(sums.clone());
    let mut values = sums.values().to_vec();
    values.par_chunks_mut(BLOCK).for_each(|values| activation.bend(values));
    FlexTensor::from_data(TensorData::new(values, sums.0.shape()))
}

/// A tensor's values; not copied when nobody else holds them.
pub(super) fn owned(tensor: FlexTensor) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("the net computes in f32")
}

pub(super) fn tensor<const D: usize>(values: Vec<f32>, dims: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, dims))
}
