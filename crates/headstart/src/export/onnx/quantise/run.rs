//! Computes the nodes of an exported net, from normalised images to logits, with the kernels that headstart itself uses. Only
//! operators that [`super::super::layers`] writes are known, and those that round.

mod operators;

use std::collections::{BTreeMap, HashMap, HashSet};

use headstart_kernels::{PackedConvolution, Shape};
use rayon::prelude::*;

use crate::backbone::spec::MapShape;
use crate::export::onnx::Inner;
use crate::export::onnx::proto::{Element, Graph, Node, Tensor};
use crate::gate::pool;

/// A value of the graph: maps `[N, H, W, C]`, vectors as maps of one place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Maps {
    pub(super) shape: Shape,
    pub(super) values: Vec<f32>,
}

impl Maps {
    /// Its least and its greatest value.
    pub(super) fn range(&self) -> (f32, f32) {
        let least = self.values.par_iter().copied().reduce(|| f32::INFINITY, f32::min);
        (least, self.values.par_iter().copied().reduce(|| f32::NEG_INFINITY, f32::max))
    }

    /// The mean of each channel.
    pub(super) fn means(&self) -> Vec<f64> {
        let mut sums = vec![0.0f64; self.shape.channels];
        for pixel in self.values.chunks_exact(self.shape.channels) {
            sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let places = (self.values.len() / self.shape.channels) as f64;
        sums.into_iter().map(|sum| sum / places).collect()
    }

    /// Adds a number to each channel.
    pub(super) fn shift(&mut self, by: &[f32]) {
        for pixel in self.values.chunks_exact_mut(self.shape.channels) {
            pixel.iter_mut().zip(by).for_each(|(value, by)| *value += by);
        }
    }

    fn each(mut self, of: impl Fn(f32) -> f32 + Sync) -> Self {
        self.values.par_iter_mut().for_each(|value| *value = of(*value));
        self
    }
}

/// A constant: its shape as ONNX has it, and its values.
struct Constant {
    dims: Vec<usize>,
    values: Vec<f32>,
}

/// The nodes of a net, ready to run.
pub(super) struct Net {
    nodes: Vec<Node>,
    /// After which node each value is no longer needed.
    last_use: HashMap<String, usize>,
    constants: HashMap<String, Constant>,
    convolutions: HashMap<String, PackedConvolution>,
    inner: Inner,
}

/// What a net made of images and their views.
pub(super) struct Made {
    logits: Maps,
    looks: BTreeMap<usize, Maps>,
}

impl Net {
    pub(super) fn new(graph: &Graph, inner: &Inner) -> Self {
        let mut constants: HashMap<String, Constant> =
            graph.initializer.iter().map(|tensor| (tensor.name.clone(), Constant::of(tensor))).collect();
        let mut nodes = Vec::new();
        for node in inner.nodes(graph) {
            match node.op_type.as_str() {
                "DequantizeLinear" if constants.contains_key(&node.input[0]) => {
                    let numbers = operators::numbers(node, &constants);
                    constants.insert(node.output[0].clone(), numbers);
                }
                _ => nodes.push(node.clone()),
            }
        }
        let convolutions = nodes.iter().filter(|node| node.op_type == "Conv");
        let convolutions =
            convolutions.map(|node| (node.name.clone(), operators::packed(node, &constants))).collect();
        let mut last_use = HashMap::new();
        for (place, node) in nodes.iter().enumerate() {
            last_use.extend(node.input.iter().map(|input| (input.clone(), place)));
        }
        inner.wanted().for_each(|name| _ = last_use.insert(name.clone(), nodes.len()));
        Self { nodes, last_use, constants, convolutions, inner: inner.clone() }
    }

    /// Runs normalised images, and shows `see` each value, which it may change.
    ///
    /// # Shapes
    /// `inputs`: `[views · N, size, size, 3]`, the images themselves first
    pub(super) fn run(&self, inputs: &[f32], mut see: impl FnMut(&str, &mut Maps)) -> Made {
        let size = self.inner.size;
        let batch = inputs.len() / (size * size * 3);
        let shape = Shape { batch, height: size, width: size, channels: 3 };
        let mut images = Maps { shape, values: inputs.to_vec() };
        see(&self.inner.input, &mut images);
        let mut values = HashMap::from([(self.inner.input.clone(), images)]);
        for (place, node) in self.nodes.iter().enumerate() {
            let mut made = operators::apply(node, &values, &self.constants, &self.convolutions);
            see(&node.output[0], &mut made);
            values.insert(node.output[0].clone(), made);
            values.retain(|name, _| self.last_use.get(name).is_some_and(|last| *last > place));
        }
        let looks = self.inner.looks.iter().map(|(layers, name)| (*layers, values[name].clone())).collect();
        Made { logits: values[&self.inner.logits].clone(), looks }
    }
}

impl Made {
    /// Mean over the views of each image.
    pub(super) fn logits(&self, images: usize) -> Vec<Vec<f32>> {
        let classes = self.logits.shape.channels;
        let views = self.logits.shape.batch / images;
        let rows = &self.logits.values;
        let logit = |image: usize, class: usize| {
            (0..views).map(|view| rows[(view * images + image) * classes + class]).sum::<f32>() / views as f32
        };
        (0..images).map(|image| (0..classes).map(|class| logit(image, class)).collect()).collect()
    }

    /// Means over the places of the maps behind so many layers, of the images themselves.
    pub(super) fn pooled(&self, layers: usize, images: usize) -> Vec<Vec<f32>> {
        let Maps { shape, values } = &self.looks[&layers];
        let shape = MapShape::new(shape.height, shape.width, shape.channels);
        pool(&values[..images * shape.len()], shape)
    }
}

impl Constant {
    fn of(tensor: &Tensor) -> Self {
        let dims = tensor.dims.iter().map(|length| *length as usize).collect();
        Self { dims, values: tensor.floats() }
    }
}

impl Tensor {
    /// Its values as numbers.
    pub(super) fn floats(&self) -> Vec<f32> {
        let words = || self.raw_data.as_chunks().0.iter();
        match Element::of(self.data_type) {
            Some(Element::Float32) => words().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Some(Element::Int32) => words().map(|bytes| i32::from_le_bytes(*bytes) as f32).collect(),
            Some(Element::Int8) => self.raw_data.iter().map(|byte| f32::from(byte.cast_signed())).collect(),
            Some(Element::Uint8) => self.raw_data.iter().map(|byte| f32::from(*byte)).collect(),
            // Axes and shapes, which nothing here computes with.
            Some(Element::Int64 | Element::Bool) | None => vec![],
        }
    }
}

impl Inner {
    /// What the net gives.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &String> {
        self.looks.values().chain([&self.logits])
    }

    /// The nodes between its input and what it gives, in order.
    pub(super) fn nodes<'a>(&self, graph: &'a Graph) -> Vec<&'a Node> {
        let mut needed: HashSet<&str> = self.wanted().map(String::as_str).collect();
        let mut nodes = Vec::new();
        for node in graph.node.iter().rev() {
            if needed.contains(node.output[0].as_str()) && node.output[0] != self.input {
                needed.extend(node.input.iter().map(String::as_str));
                nodes.push(node);
            }
        }
        nodes.reverse();
        nodes
    }
}
