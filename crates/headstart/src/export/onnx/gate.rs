//! How far an image lies from the training images, as [`crate::gate`] measures it, from pooled features `[N, C]`. What is
//! no number is infinitely far, and refused.

use super::builder::Builder;
use super::net::Net;
use super::proto::Attribute;
use super::scores::down;
use crate::classifier::Sealed;
use crate::gate::{Mahalanobis, Refusing, Residual};

/// Names of the values that the gate gives.
pub(super) struct Distances {
    /// `[N]`: the distance that refuses.
    pub(super) distance: String,
    /// `[N]`: whether it does.
    pub(super) refused: String,
    /// `[N]` each: the distance that calls unusual, and whether it does.
    pub(super) unusual: Option<[String; 2]>,
}

/// Writes the gate; `None` in a model without one.
pub(super) fn write(graph: &mut Builder, sealed: &Sealed, net: &Net) -> Option<Distances> {
    let (facts, gate) = (sealed.description.gate?, sealed.gate.as_ref()?);
    let features = net.looks[&facts.layers].pooled(graph, "gate/");
    let distance = match &gate.refusing {
        Refusing::Residual(residual) => write_residual(graph, residual, &features),
        Refusing::Mahalanobis(classes) => mahalanobis(graph, classes, &features, "distance"),
    };
    let refused = beyond(graph, &distance, facts.threshold, "refused");
    let unusual = facts.unusual.zip(gate.unusual.as_ref()).map(|(facts, classes)| {
        let features = net.looks[&facts.layers].pooled(graph, "unusual/");
        let oddness = mahalanobis(graph, classes, &features, "oddness");
        let unusual = beyond(graph, &oddness, facts.threshold, "unusual");
        [oddness, unusual]
    });
    Some(Distances { distance, refused, unusual })
}

/// True for what is no number, too.
fn beyond(graph: &mut Builder, distance: &str, threshold: f64, name: &str) -> String {
    let threshold = graph.number(down(threshold));
    let within = graph.plain("LessOrEqual", &[distance, &threshold], &format!("{name}/within"));
    graph.plain("Not", &[&within], name)
}

/// What of the features lies outside the space of the training images, or what a probe says of odd copies.
fn write_residual(graph: &mut Builder, residual: &Residual, features: &str) -> String {
    let width = residual.centre.len();
    let square = graph.sum_of_squares(features, 1, true, "gate/square");
    let length = graph.plain("Sqrt", &[&square], "gate/length");
    let direction = graph.plain("Div", &[features, &length], "gate/direction");
    let centre = graph.floats("gate/centre", &[1, width], &residual.centre);
    let off = graph.plain("Sub", &[&direction, &centre], "gate/off");
    let outside = match residual.axes() {
        0 => off,
        axes => {
            let along = graph.floats("gate/axes/columns", &[width, axes], &turned(&residual.axes, width));
            let back = graph.floats("gate/axes/rows", &[axes, width], &residual.axes);
            let parts = graph.plain("MatMul", &[&off, &along], "gate/parts");
            let inside = graph.plain("MatMul", &[&parts, &back], "gate/inside");
            graph.plain("Sub", &[&off, &inside], "gate/outside")
        }
    };
    let square = graph.sum_of_squares(&outside, 1, false, "gate/residual/square");
    let root = graph.plain("Sqrt", &[&square], "gate/residual");
    let typical = graph.number(residual.typical as f32);
    let distance = graph.plain("Div", &[&root, &typical], "gate/distance");
    let larger = match residual.copies.count() {
        0 => distance.clone(),
        _ => {
            let said = probes(graph, residual, features);
            graph.plain("Max", &[&distance, &said], "gate/larger")
        }
    };
    far_if_no_number(graph, &distance, &larger, "distance")
}

/// The largest of what the probes say, at least 0.
fn probes(graph: &mut Builder, residual: &Residual, features: &str) -> String {
    let (copies, width) = (&residual.copies, residual.centre.len());
    let rows = copies.probes.chunks_exact(copies.width);
    let (weights, constants): (Vec<&[f32]>, Vec<f32>) = rows.map(|row| (&row[..width], row[width])).unzip();
    let weights = graph.floats("gate/probes", &[copies.count(), width], &weights.concat());
    let constants = graph.floats("gate/probes/constants", &[copies.count()], &constants);
    let turned = vec![Attribute::integer("transB", 1)];
    let said = graph.node("Gemm", &[features, &weights, &constants], turned, "gate/said");
    let largest = graph.reduce("ReduceMax", &said, 1, false, "gate/largest");
    graph.plain("Relu", &[&largest], "gate/copies")
}

/// To the nearest class mean, whitened.
fn mahalanobis(graph: &mut Builder, classes: &Mahalanobis, features: &str, name: &str) -> String {
    let width = classes.features;
    let place = format!("{name}/");
    let means = graph.floats(&format!("{place}means"), &[classes.means.len() / width, width], &classes.means);
    // Lower triangular: what lies above the diagonal is never read.
    let lower = |(index, value): (usize, &f32)| if index % width <= index / width { *value } else { 0.0 };
    let whitener: Vec<f32> = classes.whitener.iter().enumerate().map(lower).collect();
    let whitener = graph.floats(&format!("{place}whitener"), &[width; 2], &turned(&whitener, width));
    let axis = graph.integers(&format!("{place}axis"), &[1]);
    let rows = graph.plain("Unsqueeze", &[features, &axis], &format!("{place}rows"));
    let off = graph.plain("Sub", &[&rows, &means], &format!("{place}off"));
    let white = graph.plain("MatMul", &[&off, &whitener], &format!("{place}white"));
    let square = graph.sum_of_squares(&white, 2, false, &format!("{place}square"));
    let count = graph.number(width as f32);
    let mean = graph.plain("Div", &[&square, &count], &format!("{place}mean"));
    let each = graph.plain("Sqrt", &[&mean], &format!("{place}each"));
    let nearest = graph.reduce("ReduceMin", &each, 1, false, &format!("{place}nearest"));
    far_if_no_number(graph, &nearest, &nearest, name)
}

/// `distance`, or infinity where `asked` is no number.
fn far_if_no_number(graph: &mut Builder, asked: &str, distance: &str, name: &str) -> String {
    let none = graph.plain("IsNaN", &[asked], &format!("{name}/no-number"));
    let far = graph.number(f32::INFINITY);
    graph.plain("Where", &[&none, &far, distance], name)
}

/// Rows of `width` become columns.
fn turned(rows: &[f32], width: usize) -> Vec<f32> {
    (0..width).flat_map(|column| rows.iter().skip(column).step_by(width).copied()).collect()
}
