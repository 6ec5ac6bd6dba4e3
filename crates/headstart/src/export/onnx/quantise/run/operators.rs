//! What each operator of an exported net computes.

use std::collections::HashMap;

use headstart_kernels::{
    Activation, Convolution, PackedConvolution, Padding, Pool, Shape, average_pool, concatenate, dense,
    global_average_pool, max_pool, scale_channels,
};

use super::{Constant, Maps};
use crate::export::onnx::proto::Node;

type Values = HashMap<String, Maps>;
type Constants = HashMap<String, Constant>;

/// The value that `node` makes.
pub(super) fn apply(
    node: &Node,
    values: &Values,
    constants: &Constants,
    convolutions: &HashMap<String, PackedConvolution>,
) -> Maps {
    let read = |place: usize| &values[&node.input[place]];
    let same = || read(0).clone();
    match node.op_type.as_str() {
        "Conv" => convolution(&convolutions[&node.name], read(0)),
        "Gemm" => gemm(read(0), &constants[&node.input[1]], &constants[&node.input[2]]),
        "Relu" => same().each(|value| value.max(0.0)),
        // ReLU6 is the only one.
        "Clip" => same().each(|value| value.clamp(0.0, 6.0)),
        "Sigmoid" => same().each(sigmoid),
        "HardSwish" => same().each(|value| value * hard_sigmoid(value)),
        "HardSigmoid" => same().each(hard_sigmoid),
        "Add" | "Mul" => pairwise(node, values, constants),
        "Mean" => mean(node.input.iter().map(|name| &values[name]).collect()),
        "GlobalAveragePool" => pooled(read(0)),
        "AveragePool" => averages(read(0), node.whole("kernel_shape")[0]),
        "MaxPool" => largest(node, read(0)),
        "Concat" => joined(&node.input.iter().map(|name| &values[name]).collect::<Vec<_>>()),
        // Maps lie with their channels last already.
        "Transpose" | "Unsqueeze" | "Identity" => same(),
        "Flatten" => flat(same()),
        "QuantizeLinear" => rounded(same(), levels(node, constants)),
        "DequantizeLinear" => {
            let (scale, zero) = levels(node, constants);
            same().each(|byte| (byte - zero) * scale)
        }
        other => unreachable!("the exporter writes no {other} into a net"),
    }
}

/// Scale and zero of a value's bytes.
fn levels(node: &Node, constants: &Constants) -> (f32, f32) {
    let part = |place: usize| constants[&node.input[place]].values[0];
    (part(1), part(2))
}

fn rounded(maps: Maps, (scale, zero): (f32, f32)) -> Maps {
    maps.each(|value| ((value / scale).round_ties_even() + zero).clamp(0.0, 255.0))
}

/// What a node makes of integers that are constant.
pub(super) fn numbers(node: &Node, constants: &Constants) -> Constant {
    let (whole, scales) = (&constants[&node.input[0]], &constants[&node.input[1]].values);
    let axis = node.attribute.iter().find(|attribute| attribute.name == "axis").and_then(|axis| axis.i);
    let inner: usize = whole.dims[axis.unwrap_or(0) as usize + 1..].iter().product();
    let scaled = whole.values.iter().enumerate().map(|(at, value)| value * scales[at / inner % scales.len()]);
    Constant { dims: whole.dims.clone(), values: scaled.collect() }
}

/// A convolution's weights, packed.
pub(super) fn packed(node: &Node, constants: &Constants) -> PackedConvolution {
    let (weight, bias) = (&constants[&node.input[1]], &constants[&node.input[2]]);
    let group = node.attribute.iter().find(|attribute| attribute.name == "group").and_then(|group| group.i);
    let (groups, sides, strides, pads) =
        (group.unwrap_or(1) as usize, node.whole("kernel_shape"), node.whole("strides"), node.whole("pads"));
    let geometry = Convolution {
        in_channels: weight.dims[1] * groups,
        out_channels: weight.dims[0],
        kernel: [sides[0], sides[1]],
        stride: [strides[0], strides[1]],
        padding: Padding { top: pads[0], left: pads[1], bottom: pads[2], right: pads[3] },
        groups,
    };
    PackedConvolution::new(geometry, &weight.values, &bias.values, Activation::Identity)
}

impl Node {
    fn whole(&self, name: &str) -> Vec<usize> {
        let found = self.attribute.iter().find(|attribute| attribute.name == name);
        found.map_or(vec![], |found| found.ints.iter().map(|value| *value as usize).collect())
    }
}

fn made(shape: Shape, write: impl FnOnce(&mut [f32])) -> Maps {
    let mut values = vec![0.0; shape.len()];
    write(&mut values);
    Maps { shape, values }
}

fn convolution(convolution: &PackedConvolution, maps: &Maps) -> Maps {
    made(convolution.output_shape(maps.shape), |output| {
        convolution.forward(&maps.values, maps.shape, None, output);
    })
}

fn gemm(rows: &Maps, weight: &Constant, bias: &Constant) -> Maps {
    let shape = Shape { height: 1, width: 1, channels: weight.dims[1], ..rows.shape };
    made(shape, |output| dense(&rows.values, &weight.values, &bias.values, Activation::Identity, output))
}

/// With another value, or with a number for each channel: of a constant, or of each image.
fn pairwise(node: &Node, values: &Values, constants: &Constants) -> Maps {
    let is_product = node.op_type == "Mul";
    let of = |left: f32, right: f32| if is_product { left * right } else { left + right };
    let left = &values[&node.input[0]];
    let channels = left.shape.channels;
    if let Some(constant) = constants.get(&node.input[1]) {
        let mut maps = left.clone();
        for pixel in maps.values.chunks_exact_mut(channels) {
            pixel.iter_mut().zip(&constant.values).for_each(|(value, right)| *value = of(*value, *right));
        }
        return maps;
    }
    let right = &values[&node.input[1]];
    match left.shape == right.shape {
        true => {
            let pairs = left.values.iter().zip(&right.values);
            Maps { shape: left.shape, values: pairs.map(|(left, right)| of(*left, *right)).collect() }
        }
        false => made(left.shape, |output| scale_channels(&left.values, left.shape, &right.values, output)),
    }
}

fn mean(all: Vec<&Maps>) -> Maps {
    let mut sum = all[0].clone();
    for other in &all[1..] {
        sum.values.iter_mut().zip(&other.values).for_each(|(sum, value)| *sum += value);
    }
    sum.each(|value| value / all.len() as f32)
}

fn pooled(maps: &Maps) -> Maps {
    let shape = Shape { height: 1, width: 1, ..maps.shape };
    made(shape, |output| global_average_pool(&maps.values, maps.shape, output))
}

fn averages(maps: &Maps, window: usize) -> Maps {
    let shape = Shape { height: maps.shape.height / window, width: maps.shape.width / window, ..maps.shape };
    made(shape, |output| average_pool(&maps.values, maps.shape, window, output))
}

fn largest(node: &Node, maps: &Maps) -> Maps {
    let [window, stride, padding] = ["kernel_shape", "strides", "pads"].map(|name| node.whole(name)[0]);
    let pool = Pool { window, stride, padding };
    made(pool.output_shape(maps.shape), |output| max_pool(&maps.values, maps.shape, pool, output))
}

fn joined(all: &[&Maps]) -> Maps {
    let channels = all.iter().map(|maps| maps.shape.channels).sum();
    let parts: Vec<(&[f32], usize)> =
        all.iter().map(|maps| (maps.values.as_slice(), maps.shape.channels)).collect();
    let shape = Shape { channels, ..all[0].shape };
    made(shape, |output| concatenate(&parts, shape, output))
}

fn flat(maps: Maps) -> Maps {
    let Shape { batch, height, width, channels } = maps.shape;
    let shape = Shape { batch, height: 1, width: 1, channels: height * width * channels };
    Maps { shape, ..maps }
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

fn hard_sigmoid(value: f32) -> f32 {
    ((value + 3.0) / 6.0).clamp(0.0, 1.0)
}
