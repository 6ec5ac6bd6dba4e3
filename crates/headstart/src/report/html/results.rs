//! What was measured: the headline, the table by split, the confusion matrix and the ROC curve.

use super::element::{Cell, note, table, text};
use super::{class_name, main_result};
use crate::evaluate::{Estimate, SplitMetrics, ThresholdPolicy};
use crate::report::numbers::{decimal_interval, decimals, duration, percent, percent_interval, thousands};
use crate::report::{Report, SplitResult, confusion_svg, escape, roc_svg};

/// A measure's name, its value and its interval, if it has one, as text.
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

    fn plain(name: &'static str, value: String) -> Self {
        Self { name, value, interval: String::new() }
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
    let names = report.results.iter().map(|result| result.name.as_str());
    let head: Vec<&str> = [""].into_iter().chain(names).collect();
    [
        text(&how_decided(report, result)),
        table("numbers", &head, &measures(&report.results)),
        note(&meaning(report)),
        pictures(report, result),
    ]
    .concat()
}

/// Measures in rows, splits in columns: that fits on a phone.
fn measures(results: &[SplitResult]) -> Vec<Vec<Cell>> {
    type Show = fn(&SplitMetrics) -> Measure;
    let shown: [Show; 10] = [
        |metrics| Measure::share("Accuracy", &metrics.accuracy),
        |metrics| Measure::number("AUC", &metrics.auc),
        |metrics| Measure::share("Sensitivity", &metrics.sensitivity),
        |metrics| Measure::share("Specificity", &metrics.specificity),
        |metrics| Measure::share("Balanced accuracy", &metrics.balanced_accuracy),
        |metrics| Measure::number("F1", &metrics.f1),
        |metrics| Measure::plain("Log loss", decimals(metrics.log_loss)),
        |metrics| Measure::plain("Brier score", decimals(metrics.brier)),
        |metrics| Measure::plain("Images", thousands(metrics.images)),
        |metrics| Measure::plain("Time", duration(metrics.seconds)),
    ];
    let row = |show: &Show| {
        let all: Vec<Measure> = results.iter().map(|result| show(&result.metrics)).collect();
        let name = all.first().map_or("", |measure| measure.name);
        let cells = all.into_iter().map(|measure| Cell { text: measure.value, below: measure.interval });
        [Cell::from(name)].into_iter().chain(cells).collect()
    };
    shown.iter().map(row).collect()
}

fn how_decided(report: &Report, result: &SplitResult) -> String {
    const READ_ONCE: &str = "The test images were read once, after that.";
    if report.classes.len() != 2 {
        return format!(
            "An image is given the class with the largest score. Validation images chose the epoch that \
             was kept. {READ_ONCE}"
        );
    }
    let policy = match report.threshold_policy {
        ThresholdPolicy::Youden => {
            "chosen on the validation images, where sensitivity plus specificity is largest (Youden's J)"
                .into()
        }
        ThresholdPolicy::Sensitivity(least) => {
            let least = percent(least);
            format!("chosen on the validation images, as high as a sensitivity of {least} allows there")
        }
        ThresholdPolicy::Cost { miss, alarm } => format!(
            "chosen on the validation images, where the mistakes cost least when a missed image costs {miss} and a \
             false alarm {alarm}"
        ),
        ThresholdPolicy::Fixed(_) => "fixed before training".into(),
    };
    format!(
        "An image is called {} when its score for that class is at least {}: {policy}. {READ_ONCE}",
        class_name(report, report.positive),
        decimals(result.metrics.threshold)
    )
}

fn meaning(report: &Report) -> String {
    const INTERVALS: &str = "Intervals are Wilson's for shares and DeLong's for the AUC; they tell the chance \
                             in these images, not the difference of another hospital's or another camera's.";
    if report.classes.len() == 2 {
        let positive = class_name(report, report.positive);
        format!(
            "Sensitivity is the share of {positive} images that are found, specificity the share of the \
             others that are left alone. {INTERVALS}"
        )
    } else {
        format!(
            "AUC, sensitivity, specificity and F1 are means over the classes, each against the rest. {INTERVALS}"
        )
    }
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
