//! What a reviewer asks of a prediction model's study, filled with what the run knows.

use super::Report;
use super::markdown::escaped;
use super::model_card::{BLANK, separation};
use super::numbers::{decimal_interval, decimals, percent, percent_interval, thousands};

/// Number, what is asked for, and the answer where the run knows it.
type Item = (&'static str, &'static str, Option<String>);

/// TRIPOD+AI and CLAIM, item by item.
pub fn checklist(report: &Report) -> String {
    let report = &escaped(report);
    let mut text = format!(
        "# Checklists: {}\n\nWhat the run knows is filled in; the rest only people can know and is marked as blank. Item \
         texts are shortened.\n",
        report.title
    );
    let lists = [
        ("TRIPOD+AI", "Collins et al. 2024, BMJ 385:e078378", tripod(report)),
        ("CLAIM", "Tejani et al. 2024, Radiology: Artificial Intelligence 6:e240300", claim(report)),
    ];
    for (name, source, items) in lists {
        text += &format!("\n## {name}\n\n{source}.\n\n| item | asks for | here |\n|---|---|---|\n");
        for (item, asks, answer) in items {
            text += &format!("| {item} | {asks} | {} |\n", answer.unwrap_or_else(|| BLANK.into()));
        }
    }
    text
}

fn tripod(report: &Report) -> Vec<Item> {
    let split = |name: &str| {
        let found = report.dataset.splits.iter().find(|split| split.name == name)?;
        Some(thousands(found.images.iter().sum()))
    };
    let slope = report.results.last().map(|result| {
        let m = &result.metrics;
        format!("slope {}, calibration error {}", decimals(m.calibration_slope.value), decimals(m.ece.value))
    });
    let frozen = report.model.layers.iter().filter(|layer| !layer.trainable).count();
    let groups = report.subgroups.len();
    vec![
        ("1", "title: model, target population, outcome", None),
        ("2", "abstract", None),
        ("3a–3c", "background: context, target population, known inequalities", None),
        ("4", "objectives: development or evaluation", Some("development, with an evaluation on held-out images".into())),
        ("5a", "sources of the data", None),
        ("5b", "dates of the data", None),
        ("6a–6c", "setting, eligibility, treatments", None),
        (
            "7",
            "preparation of the data",
            Some(format!("decoded, resized to a square and normalised as sealed in the model; {} files set aside", report.dataset.set_aside.len())),
        ),
        ("8a–8c", "outcome: definition, who labelled, blinding", Some(format!("classes {}; how they were labelled: {BLANK}", report.classes.join(", ")))),
        ("9a–9c", "predictors", Some("the pixels of one image, nothing else".into())),
        ("10", "sample size and its reason", Some(format!("{}; the reason: {BLANK}", counts(report)))),
        ("11", "missing data", Some("files that cannot be decoded are set aside and listed in the report".into())),
        ("12a", "how the data were used", Some(format!("{}; the test split was read once, at the end", separation(report)))),
        ("12b", "handling of predictors", Some("see 7".into())),
        (
            "12c",
            "type of model, building steps, tuning",
            Some(format!("{}, {frozen} layers frozen; recipe in config.toml; epoch, calibration and threshold chosen on validation", report.model.backbone)),
        ),
        ("12d", "heterogeneity between clusters", None),
        ("12e", "measures of performance", Some("discrimination, calibration, predictive values, with Wilson, DeLong and patient-bootstrap intervals".into())),
        ("12f", "updating of the model", Some("none".into())),
        ("12g", "how predictions are calculated", Some("model.safetensors, by `headstart predict`".into())),
        ("13", "class imbalance", Some("class weights as config.toml says; scores calibrated on validation".into())),
        ("14", "fairness", if groups > 0 { Some(format!("{groups} subgroups in the report")) } else { None }),
        (
            "15",
            "output of the model, and thresholds",
            Some(format!("a score for each class; threshold chosen by `{}`", report.threshold_policy)),
        ),
        ("16", "differences between training and evaluation data", None),
        ("17", "ethical approval", None),
        ("18a–18e", "funding, conflicts, protocol, registration, data sharing", None),
        ("18f", "code", Some(format!("headstart {}; `{}`", report.version, report.command.replace('|', "\\|")))),
        ("19", "patient and public involvement", None),
        ("20a–20c", "flow and characteristics of participants", Some(format!("images by class and split in the report; characteristics: {BLANK}"))),
        ("21", "participants and events in development", split("train").map(|n| format!("{n} training images"))),
        ("22", "the full model", Some("model.safetensors holds preprocessing, net, calibration, threshold".into())),
        ("23a", "performance with intervals", performance(report)),
        ("23b", "heterogeneity and calibration", slope),
        ("24", "results of updating", Some("not applicable".into())),
        ("25", "interpretation", None),
        ("26", "limitations", Some(report.caution.clone())),
        ("27a", "poor or unavailable input", Some("undecodable files are refused; unfamiliar images by the gate, where there is one".into())),
        ("27b", "user interaction and expertise", None),
        ("27c", "next steps", None),
    ]
}

fn claim(report: &Report) -> Vec<Item> {
    let some = |text: &str| Some(text.to_string());
    let provenance = &report.model;
    let mistakes = report.mistakes.len();
    let aside = report.dataset.set_aside.len();
    let groups = report.subgroups.len();
    vec![
        ("1", "title: AI methodology, category of technology", None),
        ("2", "abstract", None),
        ("3", "background, intended use and clinical role", None),
        ("4", "aims, objectives, hypotheses", None),
        ("5", "prospective or retrospective", None),
        ("6", "study goal", some("development of a classifier, with a test on held-out images")),
        ("7", "data sources", None),
        ("8", "inclusion and exclusion criteria", None),
        (
            "9",
            "preprocessing",
            some("decoded, resized and normalised as sealed in the model and printed in config.toml"),
        ),
        ("10", "selection of data subsets", Some(format!("`{}`", report.command.replace('|', "\\|")))),
        ("11", "de-identification", None),
        ("12", "missing data", Some(format!("{aside} files could not be used; the report lists them"))),
        ("13", "image acquisition protocol", None),
        ("14–16", "reference standard: definition, rationale, source", None),
        ("17–18", "annotation of the test set, variability of annotators", None),
        (
            "19",
            "assignment to partitions",
            some("seeded, stratified by class, or as the data came; split.csv names each image's"),
        ),
        ("20", "level at which partitions are disjoint", Some(separation(report))),
        ("21", "intended sample size", None),
        (
            "22",
            "the model",
            Some(format!("{} with a new head; summary and diagram in the report", provenance.backbone)),
        ),
        ("23", "software", Some(format!("headstart {}", report.version))),
        (
            "24",
            "initialisation of parameters",
            Some(format!(
                "{} ({}), SHA-256 {}; the head at random",
                provenance.source, provenance.licence, provenance.sha256
            )),
        ),
        ("25", "training", some("config.toml and history.jsonl")),
        ("26", "selection of the final model", some("the epoch with the least validation loss")),
        (
            "27",
            "ensembling",
            Some(match report.members.len() {
                0 => "none".into(),
                count => format!("mean of the logits of {count} trainings, each shown alone in metrics.json"),
            }),
        ),
        (
            "28",
            "metrics of performance",
            some("discrimination, calibration, predictive values at stated prevalences"),
        ),
        (
            "29",
            "significance and uncertainty",
            some(
                "95 % intervals: Wilson, DeLong, bootstrap over patients; `headstart compare` for two models",
            ),
        ),
        (
            "30",
            "robustness",
            (groups > 0).then(|| {
                format!("{groups} subgroups in the report; shortcuts and duplicates in the data audit")
            }),
        ),
        ("31", "explainability", some("Grad-CAM in the report and by `headstart predict --explain`")),
        ("32", "evaluation on internal data", performance(report)),
        ("33", "testing on external data", None),
        ("34", "clinical trial registration", None),
        ("35", "cases included and excluded", Some(format!("{}; {aside} set aside", counts(report)))),
        ("36", "demographic and clinical characteristics", None),
        ("37–38", "performance and its precision", performance(report)),
        (
            "39",
            "failure analysis",
            Some(format!("the {mistakes} surest mistakes, with heat maps, in the report")),
        ),
        ("40", "limitations", Some(report.caution.clone())),
        ("41", "implications for practice", None),
        (
            "42",
            "full protocol or technical details",
            some("config.toml, split.csv, predictions.csv, report.html"),
        ),
        (
            "43",
            "availability of software, model and data",
            some("the model is model.safetensors; who may have it, and the data, only people know"),
        ),
        ("44", "funding", None),
    ]
}

/// Images by split.
fn counts(report: &Report) -> String {
    report
        .dataset
        .splits
        .iter()
        .map(|s| format!("{} {}", s.name, thousands(s.images.iter().sum())))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What was measured last, with intervals.
fn performance(report: &Report) -> Option<String> {
    report.results.last().map(|result| {
        let m = &result.metrics;
        format!(
            "{}: AUC {} ({}), sensitivity {} ({}), specificity {} ({}); all in metrics.json",
            result.name,
            decimals(m.auc.value),
            decimal_interval(&m.auc),
            percent(m.sensitivity.value),
            percent_interval(&m.sensitivity),
            percent(m.specificity.value),
            percent_interval(&m.specificity)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_is_known_is_filled_and_the_rest_is_blank() {
        let list = checklist(&sample::report());
        assert!(
            list.lines().filter(|line| line.starts_with("| ")).all(|line| line.matches(" | ").count() >= 2)
        );
        assert!(
            list.contains(&format!("| 17 | ethical approval | {BLANK} |")) && list.contains("1 subgroups")
        );
        assert!(
            list.contains("## CLAIM")
                && list.contains("| 27 | ensembling | mean of the logits of 3 trainings")
        );
        assert!(list.contains(&format!("| 33 | testing on external data | {BLANK} |")));
    }
}
