//! What was measured: the headline, the table by split, the confusion matrix and the ROC curve.

use super::class_name;
use super::element::{Cell, details, note, on_screen, table, text};
use super::members::members;
use super::operating::operating;
use crate::evaluate::{Estimate, SplitMetrics, ThresholdPolicy};
use crate::numbers::{decimals, duration, percent, thousands};
use crate::report::numbers::{decimal_interval, percent_interval};
use crate::report::{
    Report, SplitResult, confusion_svg, escape, histogram_svg, precision_svg, reliability_svg, roc_svg,
};

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
        let interval = if estimate.is_known() { decimal_interval(estimate) } else { String::new() };
        Self { name, value: decimals(estimate.value), interval }
    }

    /// With its bootstrap interval.
    fn resampled(name: &'static str, value: f64, key: &str, metrics: &SplitMetrics) -> Self {
        let interval = metrics.bootstrap.as_ref().and_then(|bootstrap| bootstrap.intervals.get(key));
        match interval {
            Some([low, high]) => Self::number(name, &Estimate { value, low: *low, high: *high }),
            None => Self::plain(name, decimals(value)),
        }
    }

    fn plain(name: &'static str, value: String) -> Self {
        Self { name, value, interval: String::new() }
    }
}

/// Whether a measure is a mean over classes where there are more than two.
fn is_mean(name: &str) -> bool {
    ![
        "Accuracy",
        "Top-5 accuracy",
        "Balanced accuracy",
        "Matthews' correlation",
        "Log loss",
        "Brier score",
        "Images",
        "Time",
    ]
    .contains(&name)
        && !name.starts_with("Calibration")
}

/// Its name, and of more than two classes that it is a mean over them.
fn full_name(report: &Report, name: &str) -> String {
    if is_mean(name) { format!("{name}{}", report.mean_of()) } else { name.into() }
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
    let Some(result) = report.main_result() else { return text("Nothing was measured.") };
    let lead = format!(
        "<p class=\"lead\">Measured on {} {} images, with 95 % confidence intervals.</p>\n",
        thousands(result.metrics.images),
        escape(&result.name)
    );
    let stressed = report.result("stressed").map_or(String::new(), |stressed| {
        let metrics = &stressed.metrics;
        format!(
            "<p class=\"lead\">Under stress, on {} validation images that were restyled at random (crop, aspect, resolution, \
             compression, sharpness, grey levels): AUC {}, sensitivity {}, specificity {}. Expect something between the two \
             on images from elsewhere.</p>\n",
            thousands(metrics.images),
            decimals(metrics.auc.value),
            percent(metrics.sensitivity.value),
            percent(metrics.specificity.value)
        )
    });
    let cards: String = headline_measures(&result.metrics)
        .iter()
        .map(|measure| {
            format!(
                "<div class=\"card\"><span>{}</span><b>{}</b><small>{}</small></div>\n",
                escape(&full_name(report, measure.name)),
                measure.value,
                measure.interval
            )
        })
        .collect();
    format!("{lead}<div class=\"cards\">\n{cards}</div>\n{stressed}")
}

/// Everything else about the results.
pub(super) fn evaluation(report: &Report) -> String {
    let Some(result) = report.main_result() else { return text("Nothing was measured.") };
    let names = report.results.iter().map(|result| result.name.as_str());
    let head: Vec<&str> = [""].into_iter().chain(names).collect();
    [
        text(&how_decided(report, result)),
        table("numbers", &head, &measures(report)),
        note(&meaning(report)),
        by_class(report, result),
        operating(report, result),
        at_prevalence(report, result),
        over_patients(result),
        members(report, &result.name),
        pictures(report, result),
    ]
    .concat()
}

/// Measures in rows, splits in columns: that fits on a phone.
fn measures(report: &Report) -> Vec<Vec<Cell>> {
    type Show = fn(&SplitMetrics) -> Measure;
    let of_many = report.results.iter().any(|result| result.metrics.top_5_accuracy.is_some());
    let top_5: Show = |metrics| Measure::share("Top-5 accuracy", &metrics.top_5_accuracy.unwrap_or_default());
    let shown: [Show; 17] = [
        |metrics| Measure::share("Accuracy", &metrics.accuracy),
        |metrics| Measure::number("AUC", &metrics.auc),
        |metrics| Measure::share("Sensitivity", &metrics.sensitivity),
        |metrics| Measure::share("Specificity", &metrics.specificity),
        |metrics| Measure::share("Balanced accuracy", &metrics.balanced_accuracy),
        |metrics| Measure::share("PPV (precision)", &metrics.ppv),
        |metrics| Measure::share("NPV", &metrics.npv),
        |metrics| Measure::number("F1", &metrics.f1),
        |metrics| Measure::number("Matthews' correlation", &metrics.mcc),
        |metrics| Measure::number("Average precision", &metrics.average_precision),
        |metrics| Measure::resampled("Log loss", metrics.log_loss, "log_loss", metrics),
        |metrics| Measure::resampled("Brier score", metrics.brier, "brier", metrics),
        |metrics| Measure::number("Calibration error", &metrics.ece),
        |metrics| Measure::number("Calibration slope (1 is right)", &metrics.calibration_slope),
        |metrics| Measure::number("Calibration intercept (0 is right)", &metrics.calibration_intercept),
        |metrics| Measure::plain("Images", thousands(metrics.images)),
        |metrics| Measure::plain("Time", duration(metrics.seconds)),
    ];
    let row = |show: &Show| {
        let all: Vec<Measure> = report.results.iter().map(|result| show(&result.metrics)).collect();
        let name = all.first().map_or(String::new(), |measure| full_name(report, measure.name));
        let cells = all.into_iter().map(|measure| Cell { text: measure.value, below: measure.interval });
        [Cell::from(name)].into_iter().chain(cells).collect()
    };
    let [accuracy, others @ ..] = &shown;
    let rows = [accuracy].into_iter().chain(of_many.then_some(&top_5)).chain(others);
    rows.map(row).collect()
}

fn how_decided(report: &Report, result: &SplitResult) -> String {
    let and_then = format!(
        "The model has the weights of {}. {}. {}.",
        report.epoch_kept(),
        sentence(&report.chosen_in_words()),
        sentence(report.test_in_words())
    );
    if !report.is_binary() {
        return format!("An image is given the class with the largest score. {and_then}");
    }
    let policy = match report.threshold_policy {
        ThresholdPolicy::Youden => {
            "chosen on the validation images, where sensitivity plus specificity is largest (Youden's J)"
                .into()
        }
        ThresholdPolicy::YoudenSmooth => {
            "chosen on the validation images, where smoothed sensitivity plus specificity is largest (Youden's J of smoothed \
             scores)"
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
    let plateau = report.plateau.map_or(String::new(), |[low, high]| {
        format!(
            " Validation cannot tell it from any threshold between {} and {}: sensitivity plus specificity differs by less \
             than a standard error there.",
            decimals(low),
            decimals(high)
        )
    });
    format!(
        "An image is called {} when its score for that class is at least {}: {policy}.{plateau} {and_then}",
        class_name(report, report.positive),
        decimals(result.metrics.threshold)
    )
}

/// A clause with a capital letter.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn meaning(report: &Report) -> String {
    const INTERVALS: &str = "Intervals are Wilson's for shares, DeLong's for the AUC, Wald's for slope and intercept, \
                             and of bootstrap samples for the rest; they tell the chance in these images, not the \
                             difference of another hospital's or another camera's.";
    if report.classes.len() == 2 {
        let positive = class_name(report, report.positive);
        format!(
            "Sensitivity is the share of {positive} images that are found, specificity the share of the \
             others that are left alone. {INTERVALS}"
        )
    } else {
        format!(
            "AUC, sensitivity, specificity, PPV, NPV, F1 and average precision are means over the classes, each against the \
             rest. {INTERVALS}"
        )
    }
}

/// Of more than two classes each against the rest.
fn by_class(report: &Report, result: &SplitResult) -> String {
    if result.metrics.by_class.is_empty() {
        return String::new();
    }
    let cell =
        |estimate: &Estimate| Cell { text: percent(estimate.value), below: percent_interval(estimate) };
    let row = |(class, metrics): (usize, &crate::evaluate::ClassMetrics)| {
        let auc = Cell { text: decimals(metrics.auc.value), below: decimal_interval(&metrics.auc) };
        let counted = Cell::from(thousands(metrics.images));
        let [sensitivity, specificity, ppv, npv] =
            [&metrics.sensitivity, &metrics.specificity, &metrics.ppv, &metrics.npv].map(cell);
        vec![class_name(report, class).into(), counted, sensitivity, specificity, ppv, npv, auc]
    };
    let rows: Vec<Vec<Cell>> = result.metrics.by_class.iter().enumerate().map(row).collect();
    let head = ["", "Images", "Sensitivity", "Specificity", "PPV", "NPV", "AUC"];
    format!("<h3>Each class against the rest</h3>\n{}", table("numbers", &head, &rows))
}

/// Predictive values where the positives are rarer.
fn at_prevalence(report: &Report, result: &SplitResult) -> String {
    if result.metrics.at_prevalence.is_empty() {
        return String::new();
    }
    let cell =
        |estimate: &Estimate| Cell { text: percent(estimate.value), below: percent_interval(estimate) };
    let rows: Vec<Vec<Cell>> = result
        .metrics
        .at_prevalence
        .iter()
        .map(|at| vec![percent(at.prevalence).into(), cell(&at.ppv), cell(&at.npv)])
        .collect();
    let positive = class_name(report, report.positive);
    let lead = text(&format!(
        "PPV and NPV above hold where {positive} is as frequent as in these images. Elsewhere, with the same \
         sensitivity and specificity:"
    ));
    let head = ["Share that is positive", "PPV", "NPV"];
    details(
        "Predictive values where the positives are rarer or more frequent",
        &(lead + &table("numbers", &head, &rows)),
    )
}

/// Bootstrap intervals, where images of one patient repeat.
fn over_patients(result: &SplitResult) -> String {
    let Some(bootstrap) = result.metrics.bootstrap.as_ref().filter(|bootstrap| bootstrap.grouped) else {
        return String::new();
    };
    let rows: Vec<Vec<Cell>> = bootstrap
        .intervals
        .iter()
        .map(|(name, [low, high])| {
            vec![name.replace('_', " ").into(), format!("{low:.3} to {high:.3}").into()]
        })
        .collect();
    let lead = text(&format!(
        "The {} images are of {} patients, or pictures that belong together. Images of one patient tell less than as many of different ones, so these \
         intervals come from {} samples of whole patients (bootstrap, percentiles). Where they are wider than those \
         above, believe these.",
        thousands(result.metrics.images),
        thousands(bootstrap.units),
        thousands(bootstrap.replicates)
    ));
    on_screen(
        "Intervals when whole patients are drawn",
        &(lead + &table("numbers", &["", "95 % interval"], &rows)),
    )
}

fn pictures(report: &Report, result: &SplitResult) -> String {
    let metrics = &result.metrics;
    let figure = |svg: String| format!("<figure>\n{svg}</figure>\n");
    let mut figures = vec![confusion_svg(&metrics.confusion, &report.classes)];
    if let (2, Some(histogram)) = (report.classes.len(), &result.histogram) {
        let negative = class_name(report, 1 - report.positive.min(1));
        let names = [negative, class_name(report, report.positive)];
        let share = histogram[1].iter().sum::<usize>() as f64 / metrics.images.max(1) as f64;
        figures.push(roc_svg(&result.roc, metrics));
        figures.push(precision_svg(&result.precision, metrics, share));
        figures.push(histogram_svg(histogram, names, metrics.threshold));
    }
    figures.push(reliability_svg(&result.reliability, metrics));
    let name = escape(&result.name);
    let figures: String = figures.into_iter().map(figure).collect();
    format!("<h3>On the {name} images</h3>\n<div class=\"side-by-side\">\n{figures}</div>\n")
}
