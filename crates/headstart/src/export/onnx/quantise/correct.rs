//! Rounding a layer's weights and what it reads moves the mean of what it makes. Its bias takes the difference back, layer by
//! layer from the first on (Nagel et al. 2019, arXiv:1906.04721).

use std::collections::HashMap;

use super::points::Points;
use super::run::Net;
use crate::export::onnx::proto::Graph;

/// For each layer in 8 bits what has to be added to each of its channels, so that their means over `inputs` are those of the
/// net in 32 bits.
pub(super) fn shifts(whole: &Net, eight: &Net, points: &Points, inputs: &[f32]) -> HashMap<String, Vec<f32>> {
    let mut means = HashMap::new();
    whole.run(inputs, |name, maps| {
        if points.layers.contains_key(name) {
            means.insert(name.to_string(), maps.means());
        }
    });
    let mut shifts = HashMap::new();
    eight.run(inputs, |name, maps| {
        if let Some(there) = means.get(name) {
            let shift: Vec<f32> =
                there.iter().zip(maps.means()).map(|(there, here)| (there - here) as f32).collect();
            // The layers behind it see what it will make.
            maps.shift(&shift);
            shifts.insert(name.to_string(), shift);
        }
    });
    shifts
}

/// Adds the shifts to the biases of a graph in 32 bits.
pub(super) fn apply(graph: &mut Graph, shifts: &HashMap<String, Vec<f32>>) {
    let biases =
        graph.node.iter().filter_map(|node| Some((node.input.get(2)?.as_str(), shifts.get(&node.name)?)));
    let biases: HashMap<&str, &Vec<f32>> = biases.collect();
    for tensor in &mut graph.initializer {
        if let Some(shift) = biases.get(tensor.name.as_str()) {
            let moved = tensor.floats().into_iter().zip(*shift).map(|(bias, shift)| bias + shift);
            tensor.raw_data = moved.flat_map(f32::to_le_bytes).collect();
        }
    }
}
