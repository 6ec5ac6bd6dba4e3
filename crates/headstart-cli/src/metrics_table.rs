//! Metrics with their intervals as a table: a line for each measure, a column for each split.

use headstart::evaluate::{Estimate, SplitMetrics};

/// A measure's name, and where it lies.
type Measure = (&'static str, fn(&SplitMetrics) -> Estimate);

/// Splits beside each other at 80 columns.
const SPLITS: usize = 3;

/// The headline measures of each split. Of more than two classes all but the accuracy are means, and called so.
pub fn table(splits: &[(&str, &SplitMetrics)]) -> String {
    let blocks: Vec<String> = splits.chunks(SPLITS).map(block).collect();
    let text = blocks.join("\n") + "95 % intervals: Wilson, for AUC DeLong";
    match several(splits) {
        Some(classes) => format!("{text}\nmean: over the {classes} classes, each against the rest"),
        None => text,
    }
}

/// The number of classes, where there are more than two.
fn several(splits: &[(&str, &SplitMetrics)]) -> Option<usize> {
    splits.iter().map(|(_, metrics)| metrics.by_class.len()).find(|count| *count > 0)
}

fn block(splits: &[(&str, &SplitMetrics)]) -> String {
    let line = |name: &str, cell: &dyn Fn(&(&str, &SplitMetrics)) -> String| {
        let cells: String = splits.iter().map(|split| format!("{:<21}", cell(split))).collect();
        format!("{name:<17}{cells}").trim_end().to_string() + "\n"
    };
    let measures: [Measure; 4] = [
        ("accuracy", |metrics| metrics.accuracy),
        ("AUC", |metrics| metrics.auc),
        ("sensitivity", |metrics| metrics.sensitivity),
        ("specificity", |metrics| metrics.specificity),
    ];
    let mut text = line("", &|(split, _)| (*split).to_string());
    text += &line("images", &|(_, metrics)| metrics.images.to_string());
    let mean = if several(splits).is_some() { "mean " } else { "" };
    for (name, measure) in measures {
        let name = if name == "accuracy" { name.into() } else { format!("{mean}{name}") };
        text += &line(&name, &|(_, metrics)| estimate(&measure(metrics)));
        if name == "accuracy" && splits.iter().any(|(_, metrics)| metrics.top_5_accuracy.is_some()) {
            let unknown = || "unknown".into();
            text += &line("top-5 accuracy", &|(_, metrics)| {
                metrics.top_5_accuracy.as_ref().map_or_else(unknown, estimate)
            });
        }
    }
    text
}

/// `0.9562 (0.941–0.971)`.
pub fn estimate(estimate: &Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    if estimate.is_known() { format!("{value:.4} ({low:.3}–{high:.3})") } else { "unknown".into() }
}
