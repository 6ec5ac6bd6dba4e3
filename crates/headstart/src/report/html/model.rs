//! What was trained, from whose weights, with which settings.

use super::element::{Cell, on_screen, table, verbatim};
use crate::backbone::LayerRow;
use crate::numbers::{megabytes, thousands};
use crate::report::{Report, diagram_svg, summary_table};

/// Provenance, what is frozen, and all layers.
pub(super) fn model(report: &Report) -> String {
    let model = &report.model;
    let title = format!("{}: {} with a new head", report.title.trim_end_matches('?'), model.backbone);
    let diagram = format!(
        "<figure class=\"scroll wide\" role=\"region\" tabindex=\"0\" aria-label=\"Diagram of the layers\">\n{}</figure>\n",
        diagram_svg(&title, &model.layers)
    );
    [
        facts(report),
        on_screen("Diagram of the layers", &diagram),
        on_screen("Table of the layers", &verbatim(&summary_table(&title, &model.layers))),
    ]
    .concat()
}

fn facts(report: &Report) -> String {
    let model = &report.model;
    let fact = |name: &str, value: String| vec![Cell::from(name), Cell::from(value)];
    let parameters = |trainable: bool| -> usize {
        model.layers.iter().filter(|layer| layer.trainable == trainable).map(|layer| layer.parameters).sum()
    };
    let part = |trainable: bool| {
        let count = parameters(trainable);
        format!("{}: {} parameters, {}", blocks(&model.layers, trainable), thousands(count), megabytes(count))
    };
    let rows = [
        fact("Backbone", model.backbone.clone()),
        fact("Weights from", model.source.clone()),
        fact("Licence", model.licence.clone()),
        fact("SHA-256", model.sha256.clone()),
        fact("Frozen", part(false)),
        fact("Trained", part(true)),
    ];
    table("words facts", &[], &rows)
}

/// The blocks that have frozen or trainable parameters: the first and the last by name.
fn blocks(layers: &[LayerRow], trainable: bool) -> String {
    let mut names = layers
        .iter()
        .filter(|layer| layer.parameters > 0 && layer.trainable == trainable)
        .map(|layer| &layer.block);
    match (names.next(), names.next_back()) {
        (None, _) => "nothing".into(),
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(only), _) => only.clone(),
    }
}

/// The command and the settings that it resolved to.
pub(super) fn again(report: &Report) -> String {
    verbatim(&report.command) + &on_screen("Configuration", &verbatim(&report.configuration))
}
