//! From logits to scores, to the class that they stand for and to the classes that they leave plausible.

use super::builder::Builder;
use super::proto::Attribute;
use crate::classifier::Description;
use crate::evaluate::{Calibration, Output};

/// Shares of the classes, `[N, classes]`, called `scores`.
pub(super) fn scores(graph: &mut Builder, description: &Description, logits: &str) -> String {
    match (description.calibration, description.output) {
        (None, Output::Softmax) => softmax(graph, logits),
        (None, Output::Sigmoid) => shares(graph, logits, description.classes.len()),
        (Some(Calibration::Temperature { temperature }), output) => {
            let logs = logs(graph, output, logits);
            let factor = graph.number((1.0 / temperature) as f32);
            let warmed = graph.plain("Mul", &[&logs, &factor], "calibration/warmed");
            softmax(graph, &warmed)
        }
        (Some(Calibration::Platt { slope, intercept }), output) => {
            let logs = logs(graph, output, logits);
            let odds = odds(graph, (slope as f32, intercept as f32), description.positive, &logs);
            graph.plain("Sigmoid", &[&odds], "scores")
        }
    }
}

/// Index of the class that `scores` stand for, `[N]`, called `predicted`.
pub(super) fn predicted(graph: &mut Builder, description: &Description, scores: &str) -> String {
    if description.classes.len() > 2 {
        let attributes = vec![Attribute::integer("axis", 1), Attribute::integer("keepdims", 0)];
        return graph.node("ArgMax", &[scores], attributes, "predicted");
    }
    let positive = graph.integers("predicted/positive", &[description.positive as i64]);
    let other = graph.integers("predicted/other", &[1 - description.positive as i64]);
    // Along no axis of its own, so that a number for each image is left.
    let at = graph.index("predicted/at", description.positive as i64);
    let axis = vec![Attribute::integer("axis", 1)];
    let share = graph.node("Gather", &[scores, &at], axis, "predicted/share");
    let threshold = graph.number(up(description.threshold));
    let is_positive = graph.plain("GreaterOrEqual", &[&share, &threshold], "predicted/is-positive");
    graph.plain("Where", &[&is_positive, &positive, &other], "predicted")
}

/// Which classes cannot be ruled out, `[N, classes]`, called `plausible`; `None` without prediction sets.
pub(super) fn plausible(graph: &mut Builder, description: &Description, scores: &str) -> Option<String> {
    let least: Vec<f32> = description.conformal.as_ref()?.thresholds.iter().map(|least| up(*least)).collect();
    let least = graph.floats("plausible/least", &[1, least.len()], &least);
    Some(graph.plain("GreaterOrEqual", &[scores, &least], "plausible"))
}

/// Whether `predicted` is the answer, `[N]`, called `decided`: the image is not refused, and no other class is plausible.
pub(super) fn decided(
    graph: &mut Builder,
    predicted: &str,
    plausible: Option<&str>,
    refused: Option<&str>,
) -> Option<String> {
    let alone = plausible.map(|plausible| alone(graph, predicted, plausible));
    let answered = refused.map(|refused| graph.plain("Not", &[refused], "decided/answered"));
    match (alone, answered) {
        (Some(alone), Some(answered)) => Some(graph.plain("And", &[&alone, &answered], "decided")),
        (Some(one), None) | (None, Some(one)) => Some(graph.plain("Identity", &[&one], "decided")),
        (None, None) => None,
    }
}

/// Whether `predicted` is plausible and no other class is.
fn alone(graph: &mut Builder, predicted: &str, plausible: &str) -> String {
    let float = Attribute::integer("to", super::proto::Element::Float32.number().into());
    let set = graph.node("Cast", &[plausible], vec![float], "decided/set");
    let size = graph.reduce("ReduceSum", &set, 1, false, "decided/size");
    let axis = graph.integers("decided/axis", &[1]);
    let place = graph.plain("Unsqueeze", &[predicted, &axis], "decided/place");
    let own =
        graph.node("GatherElements", &[&set, &place], vec![Attribute::integer("axis", 1)], "decided/own");
    let own = graph.plain("Squeeze", &[&own, &axis], "decided/is-own");
    let (half, more) = (graph.number(0.5), graph.number(1.5));
    let holds = graph.plain("Greater", &[&own, &half], "decided/holds");
    let single = graph.plain("Less", &[&size, &more], "decided/single");
    graph.plain("And", &[&holds, &single], "decided/alone")
}

fn softmax(graph: &mut Builder, logits: &str) -> String {
    graph.node("Softmax", &[logits], vec![Attribute::integer("axis", 1)], "scores")
}

/// Independent sigmoids are made to sum to 1; even shares when all are 0.
fn shares(graph: &mut Builder, logits: &str, classes: usize) -> String {
    let each = graph.plain("Sigmoid", &[logits], "scores/each");
    let sum = graph.reduce("ReduceSum", &each, 1, true, "scores/sum");
    let parts = graph.plain("Div", &[&each, &sum], "scores/parts");
    let (zero, even) = (graph.number(0.0), graph.number(1.0 / classes as f32));
    let any = graph.plain("Greater", &[&sum, &zero], "scores/any");
    graph.plain("Where", &[&any, &parts, &even], "scores")
}

/// Logarithms of the scores before calibration, but for a term that all classes have in common.
fn logs(graph: &mut Builder, output: Output, logits: &str) -> String {
    match output {
        Output::Softmax => logits.to_string(),
        Output::Sigmoid => {
            let turned = graph.plain("Neg", &[logits], "calibration/turned");
            let softplus = graph.plain("Softplus", &[&turned], "calibration/softplus");
            graph.plain("Neg", &[&softplus], "calibration/logs")
        }
    }
}

/// Calibrated log odds of each of two classes.
fn odds(graph: &mut Builder, (slope, intercept): (f32, f32), positive: usize, logs: &str) -> String {
    // Of each class its own less the other's, so the slopes are the same whichever is positive.
    let weight = graph.floats("calibration/slope", &[2, 2], &[slope, -slope, -slope, slope]);
    let mut intercepts = [-intercept; 2];
    intercepts[positive] = intercept;
    let bias = graph.floats("calibration/intercept", &[2], &intercepts);
    graph.plain("Gemm", &[logs, &weight, &bias], "calibration/odds")
}

/// The least number of 32 bits that is not below a threshold, so that comparing with it is the same.
pub(super) fn up(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) < threshold { near.next_up() } else { near }
}

/// The greatest number of 32 bits that is not above a threshold.
pub(super) fn down(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}
