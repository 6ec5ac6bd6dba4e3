//! What a reviewer asks of a prediction model's study, filled with what the run knows.

use super::Report;
use super::markdown::escaped;
use super::model_card::{BLANK, separation};
use super::numbers::{decimal_interval, percent_interval};
use crate::evaluate::ThresholdPolicy;
use crate::numbers::{decimals, percent, thousands};

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
    let slope = report.main_result().map(|result| {
        let m = &result.metrics;
        format!("slope {}, calibration error {}", decimals(m.calibration_slope.value), decimals(m.ece.value))
    });
    let frozen = report.model.layers.iter().filter(|layer| !layer.trainable).count();
    let groups = report.subgroups.len();
    vec![
        ("1", "title: model, target population, outcome", None),
        ("2", "abstract", None),
        ("3a–3c", "background: context, target population, known inequalities", None),
        ("4", "objectives: development or evaluation", Some(objective(report).into())),
        ("5a", "sources of the data", None),
        ("5b", "dates of the data", None),
        ("6a–6c", "setting, eligibility, treatments", None),
        (
            "7",
            "preparation of the data",
            Some(format!("{}; files set aside: {}", report.preparation(), report.dataset.set_aside.len())),
        ),
        (
            "8a–8c",
            "outcome: definition, who labelled, blinding",
            Some(format!("classes {}; how they were labelled: {BLANK}", report.classes.join(", "))),
        ),
        ("9a–9c", "predictors", Some("the pixels of one image, nothing else".into())),
        ("10", "sample size and its reason", Some(format!("{}; the reason: {BLANK}", counts(report)))),
        (
            "11",
            "missing data",
            Some("files that cannot be decoded are set aside and listed in the report".into()),
        ),
        (
            "12a",
            "how the data were used",
            Some(format!("{}; {}", separation(report), report.test_in_words())),
        ),
        ("12b", "handling of predictors", Some("see 7".into())),
        (
            "12c",
            "type of model, building steps, tuning",
            Some(format!(
                "{}, {frozen} layers frozen; recipe in config.toml; weights of {}; {}",
                report.model.backbone,
                report.epoch_kept(),
                report.chosen_in_words()
            )),
        ),
        ("12d", "heterogeneity between clusters", None),
        (
            "12e",
            "measures of performance",
            Some(format!(
                "discrimination, calibration, predictive values{}; {}",
                report.mean_of(),
                report.intervals()
            )),
        ),
        ("12f", "updating of the model", Some("none".into())),
        ("12g", "how predictions are calculated", Some("model.safetensors, by `headstart predict`".into())),
        ("13", "class imbalance", Some(imbalance(report))),
        ("14", "fairness", if groups > 0 { Some(format!("{groups} subgroups in the report")) } else { None }),
        ("15", "output of the model, and thresholds", Some(output(report))),
        ("16", "differences between training and evaluation data", None),
        ("17", "ethical approval", None),
        ("18a–18e", "funding, conflicts, protocol, registration, data sharing", None),
        (
            "18f",
            "code",
            Some(format!("headstart {}; `{}`", report.version, report.command.replace('|', "\\|"))),
        ),
        ("19", "patient and public involvement", None),
        (
            "20a–20c",
            "flow and characteristics of participants",
            Some(format!("images by class and split in the report; characteristics: {BLANK}")),
        ),
        (
            "21",
            "participants and events in development",
            split("train").map(|n| format!("{n} training images")),
        ),
        (
            "22",
            "the full model",
            Some("model.safetensors holds everything from the file's pixels to the answer".into()),
        ),
        ("23a", "performance with intervals", performance(report)),
        ("23b", "heterogeneity and calibration", slope),
        ("24", "results of updating", Some("not applicable".into())),
        ("25", "interpretation", None),
        ("26", "limitations", Some(report.caution.clone())),
        ("27a", "poor or unavailable input", Some(poor_input(report).into())),
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
        ("6", "study goal", some(objective(report))),
        ("7", "data sources", None),
        ("8", "inclusion and exclusion criteria", None),
        ("9", "preprocessing", Some(report.preparation())),
        ("10", "selection of data subsets", Some(format!("`{}`", report.command.replace('|', "\\|")))),
        ("11", "de-identification", None),
        ("12", "missing data", Some(format!("{aside} files could not be used; the report lists them"))),
        ("13", "image acquisition protocol", None),
        ("14–16", "reference standard: definition, rationale, source", None),
        ("17–18", "annotation of the test set, variability of annotators", None),
        ("19", "assignment to partitions", Some(report.assignment())),
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
        ("26", "selection of the final model", some(report.epoch_kept())),
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
            Some(match report.is_binary() {
                true => "discrimination, calibration, predictive values at stated prevalences".into(),
                false => format!("discrimination, calibration, predictive values{}", report.mean_of()),
            }),
        ),
        (
            "29",
            "significance and uncertainty",
            Some(format!("{}; `headstart compare` for two models", report.intervals())),
        ),
        (
            "30",
            "robustness",
            (groups > 0).then(|| {
                format!("{groups} subgroups in the report; shortcuts and duplicates in the data audit")
            }),
        ),
        ("31", "explainability", Some(match report.mistakes.iter().any(|mistake| mistake.picture.is_some()) {
                true => "Grad-CAM of the surest mistakes in the report, of any image by `headstart predict --explain`".into(),
                false => "Grad-CAM of any image by `headstart predict --explain`".into(),
            })),
        ("32", "evaluation on internal data", performance(report)),
        ("33", "testing on external data", None),
        ("34", "clinical trial registration", None),
        ("35", "cases included and excluded", Some(format!("{}; {aside} set aside", counts(report)))),
        ("36", "demographic and clinical characteristics", None),
        ("37–38", "performance and its precision", performance(report)),
        (
            "39",
            "failure analysis",
            Some(match mistakes {
                0 => "no image of the split that was measured last was classified wrong".into(),
                1 => "the only mistake, with a heat map, in the report".into(),
                _ => format!("the {mistakes} surest mistakes, with heat maps, in the report"),
            }),
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

fn objective(report: &Report) -> &'static str {
    match report.has_test() {
        true => "development of a classifier, with an evaluation on held-out images",
        false => "development of a classifier, without an evaluation on held-out images",
    }
}

fn imbalance(report: &Report) -> String {
    let weights = match report.conduct.class_weights {
        true => "rarer classes weighed more in the loss",
        false => "all images weighed the same in the loss",
    };
    let calibrated = match report.calibration {
        Some(_) => "scores were calibrated on validation images, mixed as they are there",
        None => "scores were not calibrated",
    };
    format!("{weights}; {calibrated}")
}

fn output(report: &Report) -> String {
    match (report.is_binary(), report.threshold_policy) {
        (false, _) => "a score for each class; the largest is the answer".into(),
        (true, ThresholdPolicy::Fixed(_)) => {
            "a score for each class; a threshold fixed before training".into()
        }
        (true, policy) => {
            format!("a score for each class; threshold chosen by `{policy}` on validation images")
        }
    }
}

fn poor_input(report: &Report) -> &'static str {
    match report.gate {
        Some(_) => {
            "files that cannot be decoded are refused, and images unlike the training images by the gate"
        }
        None => "files that cannot be decoded are refused; nothing refuses unfamiliar images",
    }
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
    report.main_result().map(|result| {
        let m = &result.metrics;
        format!(
            "{}{}: AUC {} ({}), sensitivity {} ({}), specificity {} ({}); all in metrics.json{}",
            result.name,
            report.mean_of(),
            decimals(m.auc.value),
            decimal_interval(&m.auc),
            percent(m.sensitivity.value),
            percent_interval(&m.sensitivity),
            percent(m.specificity.value),
            percent_interval(&m.specificity),
            report.doubts.iter().map(|doubt| format!(". Warning: {doubt}")).collect::<String>()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Conduct, sample};
    use super::*;
    use crate::dataset::Split;

    #[test]
    fn the_whole_list() {
        insta::assert_snapshot!(checklist(&sample::report()));
    }

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
        assert!(
            list.contains("| 26 | selection of the final model | the epoch with the least validation loss |")
        );
        assert!(list.contains(&format!("| 33 | testing on external data | {BLANK} |")));
    }

    #[test]
    fn what_was_not_done_is_not_said() {
        let mut report = sample::report();
        report.conduct = Conduct { keeps_last: true, cut: vec![Split::Validation], ..report.conduct };
        report.results.pop();
        report.calibration = None;
        report.gate = None;
        report.threshold_policy = ThresholdPolicy::Fixed(0.5);
        report.mistakes.clear();
        let list = checklist(&report);
        for wrong in [
            "least validation loss",
            "were read once",
            "calibrated on validation",
            "by the gate",
            "chosen by",
            "surest mistakes",
            "the epoch",
        ] {
            assert!(!list.contains(wrong), "{wrong}: {list}");
        }
        for right in [
            "the last epoch, as the recipe says",
            "no test split",
            "validation cut at random",
            "fixed before training",
        ] {
            assert!(list.contains(right), "{right}: {list}");
        }
    }
}
