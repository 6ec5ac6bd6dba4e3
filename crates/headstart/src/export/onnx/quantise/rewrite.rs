//! Writes the chosen layers of a graph in 8 bits: a node that rounds a value to bytes and one that makes numbers of them again
//! stand behind each chosen value, and one that makes numbers of bytes behind each weight. Runtimes know this form (QDQ) and
//! compute what stands between in integers.

use std::collections::HashMap;

use super::points::{Levels, Points};
use crate::export::onnx::Inner;
use crate::export::onnx::proto::{Attribute, Element, Graph, Node, Tensor};

/// The largest weight. Processors without instructions of their own for it add two products of bytes in 16 bits: two of
/// 255 · 64 fit, two of 255 · 127 do not.
const LARGEST: f32 = 64.0;
/// The same of a depthwise convolution, whose products are not added in pairs.
const LARGEST_DEPTHWISE: f32 = 127.0;
/// The largest bias, in the unit of its layer's sums.
const LARGEST_BIAS: f32 = (1u32 << 30) as f32;

pub(super) fn rewrite(graph: &mut Graph, inner: &Inner, points: &Points) {
    let nodes = std::mem::take(&mut graph.node);
    let mut rounded: HashMap<String, String> = HashMap::new();
    if let Some(levels) = points.values.get(&inner.input) {
        // What the graph itself reads is made by no node.
        if !nodes.iter().any(|node| node.output.contains(&inner.input)) {
            round(graph, &inner.input, *levels, &mut rounded);
        }
    }
    for mut node in nodes {
        if let Some(scale) = points.layers.get(&node.name) {
            let of_outputs = if node.op_type == "Conv" { 0 } else { 1 };
            weights(graph, &node, of_outputs, *scale);
        }
        for input in &mut node.input {
            if let Some(name) = rounded.get(input) {
                input.clone_from(name);
            }
        }
        let made = node.output[0].clone();
        graph.node.push(node);
        if let Some(levels) = points.values.get(&made) {
            round(graph, &made, *levels, &mut rounded);
        }
    }
}

/// To bytes and back.
fn round(graph: &mut Graph, value: &str, levels: Levels, rounded: &mut HashMap<String, String>) {
    let [scale, zero, bytes, numbers] =
        ["scale", "zero", "bytes", "rounded"].map(|part| format!("{value}/{part}"));
    constant(graph, &scale, &[], Element::Float32, levels.scale.to_le_bytes().to_vec());
    constant(graph, &zero, &[], Element::Uint8, vec![levels.zero]);
    graph.node.push(node("QuantizeLinear", &[value, &scale, &zero], &bytes, vec![]));
    graph.node.push(node("DequantizeLinear", &[&bytes, &scale, &zero], &numbers, vec![]));
    rounded.insert(value.to_string(), numbers);
}

/// Weight and bias of a layer as integers; the nodes that make numbers of them take the constants' names.
fn weights(graph: &mut Graph, layer: &Node, axis: usize, input_scale: f32) {
    let [weight, bias] = [&layer.input[1], &layer.input[2]].map(|name| take(graph, name));
    let (values, biases) = (weight.floats(), bias.floats());
    let outputs = biases.len();
    // A depthwise convolution has one input channel for each output.
    let largest = if axis == 0 && weight.dims[1] == 1 { LARGEST_DEPTHWISE } else { LARGEST };
    // The number of values between two of the next output.
    let inner: usize = weight.dims[axis + 1..].iter().product::<i64>() as usize;
    let output = |index: usize| index / inner % outputs;
    let mut scales = vec![0.0f32; outputs];
    for (index, value) in values.iter().enumerate() {
        let scale = &mut scales[output(index)];
        *scale = scale.max(value.abs() / largest);
    }
    for (scale, bias) in scales.iter_mut().zip(&biases) {
        *scale = scale.max(bias.abs() / LARGEST_BIAS / input_scale);
        // An output that is always 0.
        if *scale < f32::MIN_POSITIVE {
            *scale = 1.0;
        }
    }
    let eighths: Vec<u8> = values
        .iter()
        .enumerate()
        .map(|(index, value)| ((value / scales[output(index)]).round_ties_even() as i8).cast_unsigned())
        .collect();
    let sums: Vec<f32> = scales.iter().map(|scale| scale * input_scale).collect();
    let biases = biases.iter().zip(&sums).flat_map(|(bias, scale)| {
        let whole = (f64::from(*bias) / f64::from(*scale)).round_ties_even() as i32;
        whole.to_le_bytes()
    });
    let biases = biases.collect();
    integers(graph, &weight.name, &weight.dims, (Element::Int8, eighths), (axis, &scales));
    integers(graph, &bias.name, &bias.dims, (Element::Int32, biases), (0, &sums));
}

/// A constant of integers, and the node that makes numbers of them, with a scale for each place along an axis.
fn integers(
    graph: &mut Graph,
    name: &str,
    dims: &[i64],
    (element, bytes): (Element, Vec<u8>),
    (axis, scales): (usize, &[f32]),
) {
    let [whole, scale] = ["whole", "scale"].map(|part| format!("{name}/{part}"));
    constant(graph, &whole, dims, element, bytes);
    let scales_bytes = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
    constant(graph, &scale, &[scales.len() as i64], Element::Float32, scales_bytes);
    let axis = vec![Attribute::integer("axis", axis as i64)];
    graph.node.push(node("DequantizeLinear", &[&whole, &scale], name, axis));
}

/// Takes a constant out of the graph.
fn take(graph: &mut Graph, name: &str) -> Tensor {
    let place = graph.initializer.iter().position(|tensor| tensor.name == name);
    graph.initializer.remove(place.expect("each layer has constants of its own"))
}

fn constant(graph: &mut Graph, name: &str, dims: &[i64], element: Element, raw_data: Vec<u8>) {
    let (dims, data_type) = (dims.to_vec(), element.number());
    graph.initializer.push(Tensor { dims, data_type, name: name.into(), raw_data });
}

fn node(operator: &str, inputs: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
    Node {
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.into()],
        name: output.into(),
        op_type: operator.into(),
        attribute,
    }
}
