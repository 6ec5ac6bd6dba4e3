//! `model_card.md` (Mitchell 2019) and `checklist.md` (TRIPOD+AI, Collins 2024): filled with what the run
//! knows, blanks marked as blanks.

use super::markdown::escaped;
use super::numbers::{decimal_interval, percent_interval};
use super::{Report, SplitResult};
use crate::evaluate::{Estimate, ThresholdPolicy};
use crate::external::worst;
use crate::numbers::{decimals, percent, thousands};

/// What stands where only people can know.
pub(super) const BLANK: &str = "**[blank: to be filled in]**";

/// What the model is, what it was measured on, and what it must not be used for.
pub fn model_card(report: &Report) -> String {
    let report = &escaped(report);
    let model = &report.model;
    let classes = report.classes.join(", ");
    let positive = match (report.is_binary(), report.classes.get(report.positive)) {
        (true, Some(positive)) => format!("; positive class: {positive}"),
        _ => String::new(),
    };
    let warnings: String =
        report.doubts.iter().chain(&report.warnings).map(|warning| format!("- {warning}\n")).collect();
    format!(
        "# Model card: {title}\n\n\
         ## Model\n\n\
         - Classes: {classes}{positive}\n\
         - Backbone: {backbone}, weights from {source} (licence {licence}, SHA-256 `{sha256}`)\n\
         - Trained with headstart {version}: `{command}`\n\
         - {decided}\n\
         - The weights are those of {epoch}; {chosen}; {test}\n\
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
         ## Under stress\n\n{stress}\n\
         ## Trust\n\n{trust}\n\
         ## Subgroups\n\n{subgroups}\n\
         ## Warnings\n\n{warnings}\n\
         ## Ethics\n\n- Consent, privacy, and who may be harmed by a wrong answer: {BLANK}\n",
        title = report.title,
        backbone = model.backbone,
        source = model.source,
        licence = model.licence,
        sha256 = model.sha256,
        version = report.version,
        command = report.command,
        decided = decided(report),
        epoch = report.epoch_kept(),
        chosen = report.chosen_in_words(),
        test = report.test_in_words(),
        caution = report.caution,
        data = data(report),
        measured = measured(report),
        prevalence = prevalence(report),
        stress = stress(report),
        trust = trust(report),
        subgroups = subgroups(report),
        warnings = if warnings.is_empty() { "None.\n".into() } else { warnings },
    )
}

/// When an image is called what.
fn decided(report: &Report) -> String {
    let threshold =
        report.main_result().map_or("unknown".into(), |result| decimals(result.metrics.threshold));
    match (report.is_binary(), report.threshold_policy) {
        (false, _) => "The class with the largest score is the answer; there is no threshold".into(),
        (true, ThresholdPolicy::Fixed(_)) => format!("Threshold {threshold}, fixed before training"),
        (true, policy) => format!("Threshold {threshold}, chosen by `{policy}` on validation images"),
    }
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

pub(super) fn separation(report: &Report) -> String {
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
    let mut rows = vec![("Accuracy", share(&metrics.accuracy))];
    rows.extend(metrics.top_5_accuracy.iter().map(|accuracy| ("Top-5 accuracy", share(accuracy))));
    rows.extend([
        ("AUC", number(&metrics.auc)),
        ("Sensitivity", share(&metrics.sensitivity)),
        ("Specificity", share(&metrics.specificity)),
        ("PPV in these images", share(&metrics.ppv)),
        ("NPV in these images", share(&metrics.npv)),
        ("F1", number(&metrics.f1)),
        ("Average precision", number(&metrics.average_precision)),
        ("Brier score", decimals(metrics.brier)),
        ("Calibration error", number(&metrics.ece)),
    ]);
    rows
}

fn measured(report: &Report) -> String {
    let Some(first) = report.results.first() else { return "Nothing was measured.\n".into() };
    let mut text: String = report.doubts.iter().map(|doubt| format!("**Warning.** {doubt}\n\n")).collect();
    text += "With 95 % intervals.\n\n|  |";
    report.results.iter().for_each(|result| {
        text += &format!(" {} ({} images) |", result.name, thousands(result.metrics.images));
    });
    text += &format!("\n|---|{}\n", "---|".repeat(report.results.len()));
    let columns: Vec<_> = report.results.iter().map(headline).collect();
    for (row, (name, _)) in headline(first).iter().enumerate() {
        let cells: Vec<&str> = columns.iter().map(|column| column[row].1.as_str()).collect();
        let mean = if NO_MEANS.contains(name) { String::new() } else { report.mean_of() };
        text += &format!("| {name}{mean} | {} |\n", cells.join(" | "));
    }
    text + &by_class(report)
}

/// Measures that are of all classes together, however many there are.
const NO_MEANS: [&str; 4] = ["Accuracy", "Top-5 accuracy", "Brier score", "Calibration error"];

/// Of more than two classes each one's own, on the split that was measured last.
fn by_class(report: &Report) -> String {
    let Some(result) = report.main_result().filter(|result| !result.metrics.by_class.is_empty()) else {
        return String::new();
    };
    let mut text = format!(
        "\nEach class against the rest, on {}:\n\n| class | images | AUC | sensitivity | specificity |\n|---|---|---|---|---|\n",
        result.name
    );
    for (class, own) in report.classes.iter().zip(&result.metrics.by_class) {
        let share = |e: &Estimate| format!("{} ({})", percent(e.value), percent_interval(e));
        text += &format!(
            "| {class} | {} | {} ({}) | {} | {} |\n",
            thousands(own.images),
            decimals(own.auc.value),
            decimal_interval(&own.auc),
            share(&own.sensitivity),
            share(&own.specificity)
        );
    }
    text
}

fn prevalence(report: &Report) -> String {
    let Some(result) = report.main_result().filter(|r| !r.metrics.at_prevalence.is_empty()) else {
        return String::new();
    };
    let mut text = String::from("\n| positives elsewhere | PPV | NPV |\n|---|---|---|\n");
    for at in &result.metrics.at_prevalence {
        let share = |e: &Estimate| format!("{} ({})", percent(e.value), percent_interval(e));
        text += &format!("| {} | {} | {} |\n", percent(at.prevalence), share(&at.ppv), share(&at.npv));
    }
    text
}

/// What each change of the stress test costs.
fn stress(report: &Report) -> String {
    let Some(worst) = worst(&report.stress) else { return "No stress test was made.\n".into() };
    let mut text = format!(
        "Validation images, changed as another device, operator or archive could change them. The worst is \"{}\".\n\n\
         | change | AUC | sensitivity | specificity | log loss | refused |\n|---|---|---|---|---|---|\n",
        worst.change
    );
    for row in &report.stress {
        let refused = row.refused.map_or(String::new(), |refused| percent(refused.value));
        text += &format!(
            "| {} | {} | {} | {} | {} | {refused} |\n",
            row.change,
            decimals(row.auc.value),
            percent(row.sensitivity.value),
            percent(row.specificity.value),
            decimals(row.log_loss),
        );
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
        if let Some(unusual) = &result.metrics.unusual {
            let interval = percent_interval(unusual);
            text += &format!(
                "- {}: {} ({interval}) answered, but called unusual: made in another way than the training images\n",
                result.name,
                percent(unusual.value)
            );
        }
    }
    if report.results.iter().all(|result| result.metrics.sets.is_none()) {
        text += "- There are no prediction sets: validation had too few images of a class\n";
    }
    if report.gate.is_none() {
        text += "- There is no gate against unfamiliar images: there were too few to fit one\n";
    }
    text
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

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_whole_card() {
        insta::assert_snapshot!(model_card(&sample::report()));
    }

    #[test]
    fn what_is_known_is_filled_and_the_rest_is_blank() {
        let report = sample::report();
        let card = model_card(&report);
        let metrics = &report.main_result().expect("a test split").metrics;
        assert!(
            card.contains(&percent_interval(&metrics.sensitivity)) && card.contains("CC BY 4.0"),
            "{card}"
        );
        assert!(card.contains("sex: female") && card.contains(BLANK));
    }

    #[test]
    fn a_doubt_stands_above_the_numbers_and_among_the_warnings() {
        let mut report = sample::report();
        report.doubts = vec!["The splits share 170 groups.".into()];
        report.warnings.clear();
        let card = model_card(&report);
        let (_, measured) = card.split_once("## Measured\n\n").expect("the numbers");
        assert!(measured.starts_with("**Warning.** The splits share 170 groups.\n\nWith 95 %"), "{measured}");
        let (_, warnings) = card.split_once("## Warnings\n\n").expect("the warnings");
        assert!(warnings.starts_with("- The splits share 170 groups."), "{warnings}");
    }

    #[test]
    fn more_than_two_classes_have_no_threshold_and_means_are_called_so() {
        let card = model_card(&sample::of_three_classes());
        for missing in ["Threshold", "positive class"] {
            assert!(!card.contains(missing), "{missing}: {card}");
        }
        assert!(card.contains("| Sensitivity, mean over the 3 classes |"), "{card}");
        assert!(card.contains("| Accuracy |") && card.contains("Each class against the rest"), "{card}");
    }
}
