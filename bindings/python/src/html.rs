//! A run as a notebook shows it.

use headstart::evaluate::{Estimate, SplitMetrics};
use headstart::report::curves_svg;
use headstart::train::Run;

/// A measure's name, and where it lies.
type Measure = (&'static str, fn(&SplitMetrics) -> Estimate);

const MEASURES: [Measure; 4] = [
    ("accuracy", |metrics| metrics.accuracy),
    ("AUC", |metrics| metrics.auc),
    ("sensitivity", |metrics| metrics.sensitivity),
    ("specificity", |metrics| metrics.specificity),
];

/// The curves, the headline measures of each split with their intervals, and what makes them doubtful.
pub fn html(run: &Run) -> String {
    let description = run.classifier.description();
    let doubts = description.doubts.iter().map(ToString::to_string).chain(run.warnings.iter().cloned());
    let doubts: String = doubts.map(|doubt| format!("<p><b>warning:</b> {}</p>", escaped(&doubt))).collect();
    let curves = match description.history.epochs.is_empty() {
        true => String::new(),
        false => format!("<div style=\"max-width:1020px\">{}</div>", curves_svg(&description.history)),
    };
    format!("{curves}{}{doubts}", table(run))
}

fn table(run: &Run) -> String {
    let splits: Vec<(&String, &SplitMetrics)> = run.metrics.iter().collect();
    let several = run.classifier.classes().len() > 2;
    let row = |name: &str, tag: &str, cell: &dyn Fn(&(&String, &SplitMetrics)) -> String| {
        let cells: String = splits.iter().map(|split| format!("<{tag}>{}</{tag}>", cell(split))).collect();
        format!("<tr><th>{name}</th>{cells}</tr>")
    };
    let mut rows = row("", "th", &|(split, _)| escaped(split));
    rows += &row("images", "td", &|(_, metrics)| metrics.images.to_string());
    for (name, measure) in MEASURES {
        let name = if several && name != "accuracy" { format!("mean {name}") } else { name.into() };
        rows += &row(&name, "td", &|(_, metrics)| estimate(&measure(metrics)));
    }
    format!("<table><caption>95 % intervals: Wilson, for AUC DeLong</caption>{rows}</table>")
}

fn estimate(estimate: &Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    if estimate.is_known() { format!("{value:.4} ({low:.3}–{high:.3})") } else { "unknown".into() }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
