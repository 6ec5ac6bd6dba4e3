//! The stress test: a table of what each change costs, and a figure of it.

use super::element::{Cell, details, table, text};
use crate::evaluate::Estimate;
use crate::external::{Stressed, worst};
use crate::numbers::{decimals, percent, thousands};
use crate::report::numbers::{decimal_interval, percent_interval};
use crate::report::{Report, stress_svg};

/// Everything about the stress test; a sentence where there was none.
pub(super) fn stress(report: &Report) -> String {
    let (Some(first), Some(worst)) = (report.stress.first(), worst(&report.stress)) else {
        return text(
            "No stress test was made. `headstart evaluate MODEL DATA --stress` makes it with any labelled images.",
        );
    };
    let lead = format!(
        "{} validation images were scored as they are and after each of these changes, which another device, operator or \
         archive could make to the same picture. The worst is \"{}\": sensitivity {}, specificity {}.",
        thousands(first.images),
        worst.change,
        percent(worst.sensitivity.value),
        percent(worst.specificity.value),
    );
    let rows: Vec<Vec<Cell>> = report.stress.iter().map(|row| cells(row, row == worst)).collect();
    let head = ["", "AUC", "Sensitivity", "Specificity", "Log loss", "Refused"];
    let figure = format!("<figure class=\"figure\">{}</figure>\n", stress_svg(&report.stress));
    text(&lead) + &figure + &details("The stress test in numbers", &table("numbers", &head, &rows))
}

fn cells(row: &Stressed, is_worst: bool) -> Vec<Cell> {
    let share =
        |estimate: &Estimate| Cell { text: percent(estimate.value), below: percent_interval(estimate) };
    let name = Cell { text: row.change.clone(), below: if is_worst { "the worst" } else { "" }.into() };
    vec![
        name,
        Cell { text: decimals(row.auc.value), below: decimal_interval(&row.auc) },
        share(&row.sensitivity),
        share(&row.specificity),
        Cell::from(decimals(row.log_loss)),
        row.refused.as_ref().map_or_else(|| Cell::from(""), share),
    ]
}
