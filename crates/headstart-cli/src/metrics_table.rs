//! Metrics with their intervals as a table: a line for each measure, a column for each split.

use headstart::evaluate::{Estimate, SplitMetrics};

/// Splits beside each other at 80 columns.
const SPLITS: usize = 3;

/// The headline measures of each split.
pub fn table(splits: &[(&str, &SplitMetrics)]) -> String {
    let blocks: Vec<String> = splits.chunks(SPLITS).map(block).collect();
    blocks.join("\n") + "95 % intervals: Wilson, for AUC DeLong"
}

fn block(splits: &[(&str, &SplitMetrics)]) -> String {
    let line = |name: &str, cell: &dyn Fn(&(&str, &SplitMetrics)) -> String| {
        let cells: String = splits.iter().map(|split| format!("{:<22}", cell(split))).collect();
        format!("{name:<13}{cells}").trim_end().to_string() + "\n"
    };
    let measures: [(&str, fn(&SplitMetrics) -> Estimate); 4] = [
        ("accuracy", |metrics| metrics.accuracy),
        ("AUC", |metrics| metrics.auc),
        ("sensitivity", |metrics| metrics.sensitivity),
        ("specificity", |metrics| metrics.specificity),
    ];
    let mut text = line("", &|(split, _)| (*split).to_string());
    text += &line("images", &|(_, metrics)| metrics.images.to_string());
    for (name, measure) in measures {
        text += &line(name, &|(_, metrics)| estimate(&measure(metrics)));
    }
    text
}

/// `0.9562 (0.941–0.971)`.
pub fn estimate(estimate: &Estimate) -> String {
    format!("{:.4} ({:.3}–{:.3})", estimate.value, estimate.low, estimate.high)
}
