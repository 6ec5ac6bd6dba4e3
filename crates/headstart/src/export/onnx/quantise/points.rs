//! Which layers of a graph are computed in 8 bits, and what the 8 bits of each map stand for.

use std::collections::{BTreeMap, HashMap};

use super::run::Maps;
use crate::export::onnx::Inner;
use crate::export::onnx::proto::{Graph, Node};

/// A layer of one place with fewer weights costs neither time nor room.
const FEWEST_WEIGHTS: i64 = 1 << 16;

/// What was seen of each value.
#[derive(Default)]
pub(super) struct Ranges {
    /// Images that passed.
    pub(super) images: usize,
    /// Of each value the least, the greatest, and the number of places of its maps.
    values: HashMap<String, (f32, f32, usize)>,
}

impl Ranges {
    pub(super) fn see(&mut self, name: &str, maps: &Maps) {
        let (low, high) = maps.range();
        let places = maps.shape.height * maps.shape.width;
        match self.values.get_mut(name) {
            Some((least, greatest, _)) => (*least, *greatest) = (least.min(low), greatest.max(high)),
            None => _ = self.values.insert(name.into(), (low, high, places)),
        }
    }

    fn places(&self, name: &str) -> usize {
        self.values.get(name).map_or(1, |(_, _, places)| *places)
    }

    /// 0 is among the numbers that 8 bits hold: borders are padded with it.
    fn levels(&self, name: &str) -> Levels {
        let (low, high) =
            self.values.get(name).map_or((0.0, 0.0), |(low, high, _)| (low.min(0.0), high.max(0.0)));
        let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
        Levels { scale, zero: (-low / scale).round().clamp(0.0, 255.0) as u8 }
    }
}

/// The number that byte `b` stands for is `(b - zero) · scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Levels {
    pub(super) scale: f32,
    pub(super) zero: u8,
}

/// What is done in 8 bits.
pub(super) struct Points {
    /// Maps by their names.
    pub(super) values: BTreeMap<String, Levels>,
    /// Names of convolutions and dense layers, with the scale of what they read.
    pub(super) layers: BTreeMap<String, f32>,
    /// How many convolutions and dense layers there are.
    pub(super) all: usize,
}

/// All convolutions of maps with more than one place and all large layers of one place, with what they read and what they make
/// behind their activation; and the sums of residual blocks. Small gates of squeeze and excitation and the logits keep 32 bits.
pub(super) fn choose(graph: &Graph, inner: &Inner, ranges: &Ranges) -> Points {
    let net = inner.nodes(graph);
    let is_constant = |name: &String| graph.initializer.iter().any(|tensor| tensor.name == *name);
    let weights = |node: &Node| {
        let tensor = graph.initializer.iter().find(|tensor| tensor.name == node.input[1]);
        tensor.map_or(0, |tensor| tensor.dims.iter().product::<i64>())
    };
    let (mut wanted, mut layers, mut all) = (Vec::new(), Vec::new(), 0);
    for node in &net {
        let is_layer = matches!(node.op_type.as_str(), "Conv" | "Gemm");
        all += usize::from(is_layer);
        let is_chosen = match node.op_type.as_str() {
            "Conv" => ranges.places(&node.input[0]) > 1 || weights(node) >= FEWEST_WEIGHTS,
            "Gemm" => weights(node) >= FEWEST_WEIGHTS,
            "Add" => !node.input.iter().any(is_constant),
            _ => false,
        };
        if is_chosen {
            let read = if is_layer { &node.input[..1] } else { &node.input[..] };
            wanted.extend(read.iter().cloned());
            wanted.push(behind_activation(&net, &node.output[0]));
            if is_layer {
                layers.push((node.name.clone(), node.input[0].clone()));
            }
        }
    }
    let values = wanted.into_iter().map(|name| (ranges.levels(source(&net, &name)), name));
    let values: BTreeMap<String, Levels> = values.map(|(levels, name)| (name, levels)).collect();
    let layers = layers.into_iter().map(|(layer, read)| (layer, values[&read].scale)).collect();
    Points { values, layers, all }
}

/// A rectifier right behind a layer is computed with it.
fn behind_activation(net: &[&Node], value: &str) -> String {
    let mut readers = net.iter().filter(|node| node.input.iter().any(|input| input == value));
    match (readers.next(), readers.next()) {
        (Some(only), None) if matches!(only.op_type.as_str(), "Relu" | "Clip") => only.output[0].clone(),
        _ => value.to_string(),
    }
}

/// The largest of several values is one of them: it has the same bytes.
fn source<'a>(net: &[&'a Node], value: &'a str) -> &'a str {
    let maker = net.iter().find(|node| node.output[0] == value);
    match maker {
        Some(pool) if pool.op_type == "MaxPool" => source(net, &pool.input[0]),
        _ => value,
    }
}
