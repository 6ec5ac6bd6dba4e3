//! `model_card.md` (Mitchell 2019) and `checklist.md` (TRIPOD+AI, Collins 2024): filled with what the run
//! knows, blanks marked as blanks.

use super::numbers::{decimal_interval, decimals, percent, percent_interval, thousands};
use super::{Report, SplitResult};
use crate::evaluate::Estimate;

/// What stands where only people can know.
const BLANK: &str = "**[blank: to be filled in]**";

/// What the model is, what it was measured on, and what it must not be used for.
pub fn model_card(report: &Report) -> String {
    let model = &report.model;
    let classes = report.classes.join(", ");
    let positive = report.classes.get(report.positive).map_or("", String::as_str);
    let warnings: String = report.warnings.iter().map(|warning| format!("- {warning}\n")).collect();
    format!(
        "# Model card: {title}\n\n\
         ## Model\n\n\
         - Classes: {classes}; positive class: {positive}\n\
         - Backbone: {backbone}, weights from {source} (licence {licence}, SHA-256 `{sha256}`)\n\
         - Trained with headstart {version}: `{command}`\n\
         - Threshold {threshold}, chosen by `{policy}` on validation images\n\
         - Licence of this model: {BLANK}\n\
         - Contact: {BLANK}\n\n\
         ## Intended use\n\n\
         - Intended use and users: {BLANK}\n\
         - Out of scope: {caution}\n\n\
         ## Data\n\n{data}\n\
         - Where, when and with which devices the images were made: {BLANK}\n\
         - How the labels came about: {BLANK}\n\n\
         ## Measured\n\n{measured}\n\
         {prevalence}\n\
         ## Trust\n\n{trust}\n\
         ## Subgroups\n\n{subgroups}\n\
         ## Warnings of the training\n\n{warnings}\n\
         ## Ethics\n\n- Consent, privacy, and who may be harmed by a wrong answer: {BLANK}\n",
        title = report.title,
        backbone = model.backbone,
        source = model.source,
        licence = model.licence,
        sha256 = model.sha256,
        version = report.version,
        command = report.command,
        threshold = report.results.last().map_or("unknown".into(), |r| decimals(r.metrics.threshold)),
        policy = report.threshold_policy,
        caution = report.caution,
        data = data(report),
        measured = measured(report),
        prevalence = prevalence(report),
        trust = trust(report),
        subgroups = subgroups(report),
        warnings = if warnings.is_empty() { "None.\n".into() } else { warnings },
    )
}

fn data(report: &Report) -> String {
    let mut head = String::from("| split |");
    report.classes.iter().for_each(|class| head += &format!(" {class} |"));
    head += &format!("\n|---|{}\n", "---|".repeat(report.classes.len()));
    for split in &report.dataset.splits {
        let counts: Vec<String> = split.images.iter().map(|count| thousands(*count)).collect();
        head += &format!("| {} | {} |\n", split.name, counts.join(" | "));
    }
    head + "\n"
        + &format!("- {}\n- Files set aside: {}\n", separation(report), report.dataset.set_aside.len())
}

fn separation(report: &Report) -> String {
    match (&report.dataset.grouped_by, report.dataset.shared_groups) {
        (None, _) => {
            "Nothing says which images belong together: one subject's may lie in several splits".into()
        }
        (Some(group), 0) => format!("No {group} is in two splits"),
        (Some(group), shared) => format!("{shared} {group}s' names occur in more than one split"),
    }
}

fn headline(result: &SplitResult) -> Vec<(&'static str, String)> {
    let metrics = &result.metrics;
    let share = |e: &Estimate| format!("{} ({})", percent(e.value), percent_interval(e));
    let number = |e: &Estimate| format!("{} ({})", decimals(e.value), decimal_interval(e));
    vec![
        ("Accuracy", share(&metrics.accuracy)),
        ("AUC", number(&metrics.auc)),
        ("Sensitivity", share(&metrics.sensitivity)),
        ("Specificity", share(&metrics.specificity)),
        ("PPV in these images", share(&metrics.ppv)),
        ("NPV in these images", share(&metrics.npv)),
        ("F1", number(&metrics.f1)),
        ("Average precision", number(&metrics.average_precision)),
        ("Brier score", decimals(metrics.brier)),
        ("Calibration error", number(&metrics.ece)),
    ]
}

fn measured(report: &Report) -> String {
    let Some(first) = report.results.first() else { return "Nothing was measured.\n".into() };
    let mut text = String::from("With 95 % intervals.\n\n|  |");
    report.results.iter().for_each(|result| {
        text += &format!(" {} ({} images) |", result.name, thousands(result.metrics.images));
    });
    text += &format!("\n|---|{}\n", "---|".repeat(report.results.len()));
    let columns: Vec<_> = report.results.iter().map(headline).collect();
    for (row, (name, _)) in headline(first).iter().enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column[row].1.as_str()).collect();
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    text
}

fn prevalence(report: &Report) -> String {
    let Some(result) = report.results.last().filter(|r| !r.metrics.at_prevalence.is_empty()) else {
        return String::new();
    };
    let mut text = String::from("\n| positives elsewhere | PPV | NPV |\n|---|---|---|\n");
    for at in &result.metrics.at_prevalence {
        let share = |e: &Estimate| format!("{} ({})", percent(e.value), percent_interval(e));
        text += &format!("| {} | {} | {} |\n", percent(at.prevalence), share(&at.ppv), share(&at.npv));
    }
    text
}

fn trust(report: &Report) -> String {
    let mut text = String::new();
    for result in &report.results {
        if let Some(sets) = &result.metrics.sets {
            text += &format!(
                "- {}: prediction sets promised {} and covered {} ({}); {} of the images were decided\n",
                result.name,
                percent(sets.nominal),
                percent(sets.coverage.value),
                percent_interval(&sets.coverage),
                percent(sets.decided.value)
            );
        }
        if let Some(refused) = &result.metrics.refused {
            let interval = percent_interval(refused);
            text += &format!(
                "- {}: {} ({interval}) refused as unlike the training images\n",
                result.name,
                percent(refused.value)
            );
        }
    }
    if text.is_empty() { "Too few validation images for prediction sets and a gate.\n".into() } else { text }
}

fn subgroups(report: &Report) -> String {
    if report.subgroups.is_empty() {
        return format!("The data names no attributes of its images. {BLANK}\n");
    }
    let mut text =
        String::from("| group | images | accuracy | sensitivity | specificity |\n|---|---|---|---|---|\n");
    for group in &report.subgroups {
        let share = |e: &Estimate| format!("{} ({})", percent(e.value), percent_interval(e));
        text += &format!(
            "| {}: {} | {} | {} | {} | {} |\n",
            group.attribute,
            group.value,
            thousands(group.images),
            share(&group.accuracy),
            share(&group.sensitivity),
            share(&group.specificity)
        );
    }
    text
}

/// TRIPOD+AI, item by item.
pub fn checklist(report: &Report) -> String {
    let mut text = format!(
        "# TRIPOD+AI checklist: {}\n\nCollins et al. 2024, BMJ 385:e078378. What the run knows is filled in; the rest \
         only people can know and is marked as blank. Item texts are shortened.\n\n| item | asks for | here |\n|---|---|---|\n",
        report.title
    );
    for (item, asks, answer) in items(report) {
        text += &format!("| {item} | {asks} | {} |\n", answer.unwrap_or_else(|| BLANK.into()));
    }
    text
}

fn items(report: &Report) -> Vec<(&'static str, &'static str, Option<String>)> {
    let split = |name: &str| {
        let found = report.dataset.splits.iter().find(|split| split.name == name)?;
        Some(thousands(found.images.iter().sum()))
    };
    let counts = report
        .dataset
        .splits
        .iter()
        .map(|s| format!("{} {}", s.name, thousands(s.images.iter().sum())))
        .collect::<Vec<_>>()
        .join(", ");
    let performance = report.results.last().map(|result| {
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
    });
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
        ("10", "sample size and its reason", Some(format!("{counts}; the reason: {BLANK}"))),
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
        ("23a", "performance with intervals", performance),
        ("23b", "heterogeneity and calibration", slope),
        ("24", "results of updating", Some("not applicable".into())),
        ("25", "interpretation", None),
        ("26", "limitations", Some(report.caution.clone())),
        ("27a", "poor or unavailable input", Some("undecodable files are refused; unfamiliar images by the gate, where there is one".into())),
        ("27b", "user interaction and expertise", None),
        ("27c", "next steps", None),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_is_known_is_filled_and_the_rest_is_blank() {
        let report = sample::report();
        let card = model_card(&report);
        let metrics = &report.results.last().expect("a test split").metrics;
        assert!(
            card.contains(&percent_interval(&metrics.sensitivity)) && card.contains("CC BY 4.0"),
            "{card}"
        );
        assert!(card.contains("sex: female") && card.contains(BLANK));
        let list = checklist(&report);
        assert!(
            list.lines().filter(|line| line.starts_with("| ")).all(|line| line.matches(" | ").count() >= 2)
        );
        assert!(
            list.contains(&format!("| 17 | ethical approval | {BLANK} |")) && list.contains("1 subgroups")
        );
    }
}
