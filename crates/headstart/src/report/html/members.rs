//! The trainings whose mean the model is: what each is worth alone.

use super::element::{Cell, details, table, text};
use crate::classifier::{Member, MemberMetrics};
use crate::evaluate::Spread;
use crate::numbers::{decimals, percent};
use crate::report::Report;

/// A table, and how much they differ; nothing of a single training.
pub(super) fn members(report: &Report, split: &str) -> String {
    let worths: Vec<(&Member, &MemberMetrics)> =
        report.members.iter().filter_map(|member| Some((member, member.measured.get(split)?))).collect();
    if worths.len() < 2 {
        return String::new();
    }
    let show = |name: &str, value: f64| if name == "auc" { decimals(value) } else { percent(value) };
    let mut rows: Vec<Vec<Cell>> = worths
        .iter()
        .map(|(member, worth)| {
            let cells = MemberMetrics::MEASURES.map(|(name, measure)| show(name, measure(worth)).into());
            [Cell::from(member.name())].into_iter().chain(cells).collect()
        })
        .collect();
    let trained = || worths.iter().filter(|(member, _)| !member.probe);
    let spreads = MemberMetrics::MEASURES.map(|(name, measure)| {
        let values: Vec<f64> = trained().map(|(_, worth)| measure(worth)).collect();
        let Some(Spread { mean, deviation, low, high }) = Spread::of(&values) else { return Cell::from("") };
        let below = format!("± {}; {} to {}", show(name, deviation), show(name, low), show(name, high));
        Cell { text: show(name, mean), below }
    });
    let alone = match report.is_binary() {
        true => "Alone, with the model's threshold, each part comes to".into(),
        false => format!("Alone, each part comes (AUC, sensitivity and specificity{}) to", report.mean_of()),
    };
    let mut lead = format!(
        "The model takes the mean of the logits of {} parts. {alone} the following on the {split} images.",
        worths.len()
    );
    if trained().count() > 1 {
        rows.push([Cell::from("mean of the trainings")].into_iter().chain(spreads).collect());
        lead += " Under the mean stands the standard deviation between trainings, and the 95 % interval of the mean: it \
                 holds for other seeds and folds of these images, not for other images.";
    }
    let head = ["", "Accuracy", "AUC", "Sensitivity", "Specificity"];
    details("Each part alone", &(text(&lead) + &table("numbers", &head, &rows)))
}
