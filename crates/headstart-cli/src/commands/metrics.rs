//! Which split makes the headline, and the numbers of each class.

use std::collections::BTreeMap;

use headstart::evaluate::SplitMetrics;
use headstart::visible::visible;

use crate::metrics_table::estimate;

/// Of more than two classes each one's own numbers on a split; nothing of two.
pub fn by_class(split: &str, metrics: &SplitMetrics, classes: &[String]) -> String {
    if metrics.by_class.is_empty() {
        return String::new();
    }
    let classes: Vec<_> = classes.iter().map(|class| visible(class)).collect();
    let width = classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).max(10);
    let mut text = format!(
        "\neach class against the rest, on {split}\n{:<width$}{:>7}  {:<22}{:<22}specificity\n",
        "class", "images", "AUC", "sensitivity"
    );
    for (class, own) in classes.iter().zip(&metrics.by_class) {
        let cells = [own.auc, own.sensitivity, own.specificity].map(|e| format!("{:<22}", estimate(&e)));
        text += &format!("{class:<width$}{:>7}  {}\n", own.images, cells.concat().trim_end());
    }
    text
}

/// The split that a training is judged by: the test, else validation.
pub fn headline(metrics: &BTreeMap<String, SplitMetrics>) -> Option<(&str, &SplitMetrics)> {
    let of = |split: &'static str| metrics.get(split).map(|metrics| (split, metrics));
    of("test").or_else(|| of("validation"))
}
