//! What was measured: the headline, the table by split, the confusion matrix and the ROC curve.

use super::element::{Cell, note, table, text};
use super::{class_name, main_result};
use crate::evaluate::{Estimate, SplitMetrics, ThresholdPolicy};
use crate::report::numbers::{decimal_interval, decimals, duration, percent, percent_interval, thousands};
use crate::report::{Report, SplitResult, confusion_svg, escape, roc_svg};

/// A measure's name, its value and its interval, as text.
struct Measure {
    name: &'static str,
    value: String,
    interval: String,
}

impl Measure {
    fn share(name: &'static str, estimate: &Estimate) -> Self {
        Self { name, value: percent(estimate.value), interval: percent_interval(estimate) }
    }

    fn number(name: &'static str, estimate: &Estimate) -> Self {
        Self { name, value: decimals(estimate.value), interval: decimal_interval(estimate) }
    }
}

fn headline_measures(metrics: &SplitMetrics) -> [Measure; 4] {
    [
        Measure::share("Accuracy", &metrics.accuracy),
        Measure::number("AUC", &metrics.auc),
        Measure::share("Sensitivity", &metrics.sensitivity),
        Measure::share("Specificity", &metrics.specificity),
    ]
}

/// One card for each of the four measures that matter most.
pub(super) fn headline(report: &Report) -> String {
    let Some(result) = main_result(report) else { return text("Nothing was measured.") };
    let lead = format!(
        "<p class=\"lead\">Measured on {} {} images, with 95 % confidence intervals.</p>\n",
        thousands(result.metrics.images),
        escape(&result.name)
    );
    let cards: String = headline_measures(&result.metrics)
        .iter()
        .map(|measure| {
            format!(
                "<div class=\"card\"><span>{}</span><b>{}</b><small>{}</small></div>\n",
                measure.name, measure.value, measure.interval
            )
        })
        .collect();
    format!("{lead}<div class=\"cards\">\n{cards}</div>\n")
}

/// Everything else about the results.
pub(super) fn evaluation(report: &Report) -> String {
    let Some(result) = main_result(report) else { return text("Nothing was measured.") };
    let rows: Vec<Vec<Cell>> = report.results.iter().map(row).collect();
    let head = [
        "Split",
        "Images",
        "Accuracy",
        "AUC",
        "Sensitivity",
        "Specificity",
        "Balanced accuracy",
        "F1",
        "Log loss",
        "Brier score",
        "Time",
    ];
    [
        text(&how_decided(report, result)),
        table("numbers", &head, &rows),
        note(&meaning(report)),
        pictures(report, result),
    ]
    .concat()
}

fn row(result: &SplitResult) -> Vec<Cell> {
    let metrics = &result.metrics;
    let more =
        [Measure::share("Balanced accuracy", &metrics.balanced_accuracy), Measure::number("F1", &metrics.f1)];
    let measures = headline_measures(metrics).into_iter().chain(more);
    let mut cells: Vec<Cell> = vec![result.name.as_str().into(), thousands(metrics.images).into()];
    cells.extend(measures.map(|measure| Cell { text: measure.value, below: measure.interval }));
    cells.extend(
        [decimals(metrics.log_loss), decimals(metrics.brier), duration(metrics.seconds)].map(Cell::from),
    );
    cells
}

fn how_decided(report: &Report, result: &SplitResult) -> String {
    if report.classes.len() != 2 {
        return "An image is given the class with the largest score. Validation images chose the epoch that was kept; \
                test images were read once, after that."
            .into();
    }
    let policy = match report.threshold_policy {
        ThresholdPolicy::Youden => {
            "chosen on the validation images, where sensitivity plus specificity is largest (Youden's J). The test \
             images were read once, after that"
                .into()
        }
        ThresholdPolicy::Sensitivity(least) => format!(
            "chosen on the validation images, as high as a sensitivity of {} allows there. The test images were read \
             once, after that",
            percent(least)
        ),
        ThresholdPolicy::Fixed(_) => "fixed before training. The test images were read once, at the end".into(),
    };
    format!(
        "An image is called {} when its score for that class is at least {}: {policy}.",
        class_name(report, report.positive),
        decimals(result.metrics.threshold)
    )
}

fn meaning(report: &Report) -> String {
    let about = if report.classes.len() == 2 {
        let positive = class_name(report, report.positive);
        format!(
            "Sensitivity is the share of {positive} images that are found, specificity the share of the others that are left alone. "
        )
    } else {
        "AUC, sensitivity, specificity and F1 are means over the classes, each against the rest. ".into()
    };
    about
        + "Intervals are Wilson's for shares and DeLong's for the AUC; they tell the chance in these images, not the \
             difference of another hospital's or another camera's."
}

fn pictures(report: &Report, result: &SplitResult) -> String {
    let confusion = confusion_svg(&result.metrics.confusion, &report.classes);
    let roc = match report.classes.len() {
        2 => format!("<figure>\n{}</figure>\n", roc_svg(&result.roc, &result.metrics)),
        _ => String::new(),
    };
    let name = escape(&result.name);
    format!(
        "<h3>On the {name} images</h3>\n<div class=\"side-by-side\">\n<figure>\n{confusion}</figure>\n{roc}</div>\n"
    )
}
