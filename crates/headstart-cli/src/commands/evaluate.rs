//! `headstart evaluate`.

use anyhow::{Context, Result, bail};
use headstart::Error;
use headstart::classifier::Classifier;
use headstart::evaluate::{
    Drift, Measurement, Recalibrated, Shift, SplitMetrics, classifier_on, predictive_values, recalibrate,
};
use headstart::image::first_frames;
use headstart::train::Observer as _;

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
    let classifier = Classifier::load(&model)?;
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
        let mut all = serde_json::json!({ measured.split.name(): measured });
        if let Some(anew) = &anew {
            all["recalibrated"] = serde_json::to_value(&anew.metrics)?;
        }
        json(&all)?;
    } else {
        show(&measured, anew.as_ref());
    }
    Ok(())
}

fn show(measured: &Measurement, anew: Option<&Recalibrated>) {
    let anew_row = anew.map(|anew| ("recalibrated", &anew.metrics));
    let rows: Vec<_> = [(measured.split.name(), &measured.metrics)].into_iter().chain(anew_row).collect();
    Terminal::default().say(&table(&rows));
    further(&measured.metrics);
    text(super::stress::table(&measured.stress));
    if let Some(shift) = &measured.shift {
        say_shift(shift);
    }
    if let Some(drift) = &measured.drift {
        say_drift(drift);
    }
    if let Some(anew) = anew {
        out!(
            "recalibrated: threshold {:.4}; the column above scores each image by a fit that did not see its patient",
            anew.threshold
        );
    }
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
        out!(
            "prediction sets: {:.0} % promised\n    coverage {}; decided {}",
            sets.nominal * 100.0,
            cell(&sets.coverage),
            cell(&sets.decided)
        );
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
        let verdict = if shift.changed.contains(&name) { "more than chance" } else { "intervals meet" };
        out!("  {name:<12} {there:.4} there, {here:.4} here: {verdict}");
    }
    if let Some(refused) = &shift.refused {
        out!("  {:.1} % of the images here are refused as unlike the training images", refused.value * 100.0);
    }
    if let Some(unusual) = &shift.unusual {
        out!("  {:.1} % of them are unusual: made in another way", unusual.value * 100.0);
    }
}
