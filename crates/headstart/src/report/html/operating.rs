//! What other thresholds would come to: a table, and a slider for readers with JavaScript.

use std::fmt::Write;

use super::class_name;
use super::element::{Cell, details, table, text};
use crate::evaluate::OperatingPoint;
use crate::numbers::{decimals, percent, thousands};
use crate::report::{Report, SplitResult, escape};

/// Of two classes the operating points on a split's images; nothing otherwise.
pub(super) fn operating(report: &Report, result: &SplitResult) -> String {
    let Some(operating) = &result.operating else { return String::new() };
    let positive = class_name(report, report.positive);
    let lead = text(&format!(
        "What other thresholds would come to on these {} images. A threshold that is chosen here looks better here than it \
         will be elsewhere: choose it on validation, by `--threshold sensitivity=0.95` for example.",
        result.name
    ));
    let head = ["Wanted", "Threshold", "Sensitivity", "Specificity", "PPV", "NPV", "Called positive"];
    let rows: Vec<Vec<Cell>> = operating.landmarks.iter().map(|(wanted, point)| row(wanted, point)).collect();
    let content = lead + &table("numbers", &head, &rows) + &slider(&operating.hundredths, result, positive);
    details("Other thresholds", &content)
}

fn row(wanted: &str, point: &OperatingPoint) -> Vec<Cell> {
    let shares = [point.sensitivity(), point.specificity(), point.ppv(), point.npv()];
    let called = thousands(point.found + point.alarms);
    let own = [Cell::from(wanted), decimals(point.threshold).into()];
    own.into_iter().chain(shares.map(|share| percent(share).into())).chain([called.into()]).collect()
}

/// Hidden until the script finds it.
fn slider(points: &[OperatingPoint], result: &SplitResult, positive: &str) -> String {
    let mut data = String::new();
    for point in points {
        let comma = if data.is_empty() { "" } else { "," };
        let OperatingPoint { found, missed, alarms, passed, .. } = point;
        write!(data, "{comma}[{found},{missed},{alarms},{passed}]").expect("writing to a string cannot fail");
    }
    let start = (result.metrics.threshold * 100.0).round().clamp(0.0, 100.0);
    let positive = escape(positive);
    format!(
        "<div class=\"slider\" data-points=\"[{data}]\" hidden=\"hidden\">\n<label>Threshold <input type=\"range\" min=\"0\" \
         max=\"100\" value=\"{start}\" /></label> <output></output>\n<p>Called {positive}: <b data-show=\"called\"></b>. \
         Found <b data-show=\"sensitivity\"></b> of {positive}, left alone <b data-show=\"specificity\"></b> of the others. \
         Right of those called {positive}: <b data-show=\"ppv\"></b>, of the others: <b data-show=\"npv\"></b>.</p>\n</div>\n"
    )
}
