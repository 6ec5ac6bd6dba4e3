//! `headstart evaluate`.

use anyhow::{Context, Result, bail};
use headstart::Error;
use headstart::Observer as _;
use headstart::classifier::Classifier;
use headstart::evaluate::{Coverage, Drift, Estimate, SplitMetrics, predictive_values};
use headstart::external::{Measurement, Recalibrated, Shift, classifier_on, recalibrate};
use headstart::image::first_frames;

use super::metrics::by_class;
use crate::cli::EvaluateArguments;
use crate::metrics_table::{estimate, table};
use crate::output::Terminal;
use crate::print::{json, out, text};

pub fn run(arguments: &EvaluateArguments) -> Result<()> {
    if let Some(share) = arguments.prevalence.filter(|share| !(*share > 0.0 && *share < 1.0)) {
        return Err(Error::Usage(format!("--prevalence: expected between 0 and 1, found {share}")).into());
    }
    if arguments.recalibrate.as_ref().is_some_and(|file| file.exists()) {
        bail!("--recalibrate: the file is there already");
    }
    let model = super::model_file(&arguments.model)?;
    let classifier = Classifier::load_on(&model, &super::device(&arguments.device)?)?;
    let (data, classes) = (&arguments.data, &arguments.classes);
    let mut measured = classifier_on(&classifier, data, classes, arguments.stress, &mut Terminal::default())?;
    first_frames(measured.first_frames).iter().for_each(|line| Terminal::default().warn(line));
    if let (Some(share), [_, _]) = (arguments.prevalence, classifier.classes()) {
        let outcomes = measured.metrics.confusion.one_against_rest(classifier.positive());
        measured.metrics.at_prevalence.push(predictive_values(outcomes, share));
    }
    let anew = arguments.recalibrate.as_ref().map(|file| {
        let anew = recalibrate(&model, &measured)?;
        std::fs::write(file, &anew.bytes).with_context(|| format!("cannot write {}", file.display()))?;
        anyhow::Ok(anew)
    });
    let anew = anew.transpose()?;
    if arguments.json {
        let mut all = serde_json::json!({ measured.name: measured });
        if let Some(anew) = &anew {
            all["recalibrated"] = serde_json::to_value(&anew.metrics)?;
        }
        json(&all)?;
    } else {
        show(&measured, classifier.classes(), anew.as_ref());
    }
    Ok(())
}

fn show(measured: &Measurement, classes: &[String], anew: Option<&Recalibrated>) {
    let anew_row = anew.map(|anew| ("recalibrated", &anew.metrics));
    let rows: Vec<_> = [(measured.name, &measured.metrics)].into_iter().chain(anew_row).collect();
    Terminal::default().say(&table(&rows));
    // They belong to the numbers, wherever these go.
    measured.warnings.iter().for_each(|warning| out!("warning: {warning}"));
    text(&by_class(measured.name, &measured.metrics, classes));
    further(&measured.metrics);
    text(&super::stress::table(&measured.stress));
    if let Some(shift) = &measured.shift {
        say_shift(shift);
    }
    if let Some(drift) = &measured.drift {
        say_drift(drift);
    }
    if let Some(anew) = anew {
        say_anew(anew, classes.len());
    }
}

/// What was fitted anew, and what that leaves undecided.
fn say_anew(anew: &Recalibrated, classes: usize) {
    let threshold = if classes == 2 { format!(": threshold {:.4}", anew.threshold) } else { String::new() };
    out!("recalibrated{threshold}; its column above judges each image by a fit that did not see its patient");
    match &anew.metrics.sets {
        Some(sets) => out!("  {}", coverage(sets)),
        None => out!("  too few images of a class for prediction sets: the new model has none"),
    }
    if let (Some(before), Some(after)) = (&anew.refused_before, &anew.metrics.refused) {
        out!("  refused as unlike the training images: {} before, {} now", share(before), share(after));
    }
}

fn coverage(sets: &Coverage) -> String {
    format!(
        "prediction sets: {:.0} % promised\n    coverage {}; decided {}",
        sets.nominal * 100.0,
        estimate(&sets.coverage),
        estimate(&sets.decided)
    )
}

fn share(estimate: &Estimate) -> String {
    format!("{:.1} % ({:.1}–{:.1})", estimate.value * 100.0, estimate.low * 100.0, estimate.high * 100.0)
}

/// What the table has no room for.
fn further(metrics: &SplitMetrics) {
    let cell = estimate;
    out!("PPV {}   NPV {}", cell(&metrics.ppv), cell(&metrics.npv));
    out!("F1 {}   MCC {}", cell(&metrics.f1), cell(&metrics.mcc));
    out!("average precision {}", cell(&metrics.average_precision));
    out!("calibration error {}", cell(&metrics.ece));
    out!(
        "calibration slope {}, intercept {}",
        cell(&metrics.calibration_slope),
        cell(&metrics.calibration_intercept)
    );
    out!("log loss {:.4}   Brier score {:.4}", metrics.log_loss, metrics.brier);
    for at in &metrics.at_prevalence {
        let (ppv, npv) = (cell(&at.ppv), cell(&at.npv));
        out!("where {:.1} % are positive:\n    PPV {ppv}   NPV {npv}", at.prevalence * 100.0);
    }
    if let Some(sets) = &metrics.sets {
        out!("{}", coverage(sets));
    }
    if let Some(refused) = &metrics.refused {
        out!("refused as unlike the training images: {}", share(refused));
    }
}

fn say_drift(drift: &Drift) {
    match drift.sentences().as_slice() {
        [] => out!("as a whole these {} images lie like the validation images", drift.images),
        sentences => sentences.iter().for_each(|sentence| Terminal::default().warn(sentence)),
    }
}

fn say_shift(shift: &Shift) {
    let [there, here] = shift.prevalence.map(|share| share * 100.0);
    out!("against the model's own test images: {there:.1} % positive there, {here:.1} % here;");
    for (name, [there, here]) in
        [("AUC", shift.auc), ("sensitivity", shift.sensitivity), ("specificity", shift.specificity)]
    {
        if there.is_nan() || here.is_nan() {
            continue;
        }
        let verdict = if shift.changed.contains(&name) { "more than chance" } else { "intervals meet" };
        out!("  {name:<12} {there:.4} there, {here:.4} here: {verdict}");
    }
    if let Some(unusual) = &shift.unusual {
        out!("  {:.1} % of them are unusual: made in another way", unusual.value * 100.0);
    }
}
