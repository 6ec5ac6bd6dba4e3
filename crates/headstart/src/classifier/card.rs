//! What a reader has to know about a classifier before trusting it.

use serde::Serialize;

use super::Description;
use crate::evaluate::{Doubt, Estimate, SplitMetrics};

/// A number, by its name, with the low and high end of its 95 % interval.
type Number = (String, f64, f64, f64);

/// What a reader has to know about a classifier before trusting it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// What it tells apart, in a few words.
    pub title: String,
    /// How its classes are called where people read of them, in the order of the scores.
    pub classes: Vec<String>,
    /// The pretrained net that it grew from.
    pub backbone: String,
    /// The images that it was trained on.
    pub trained_on: String,
    /// Headline numbers on held-out images. With more than two classes those that are means over the classes
    /// say so.
    pub test: Option<Vec<Number>>,
    /// With more than two classes: by its name in the data, the share of each class's held-out images that are
    /// recognised.
    pub recalls: Vec<Number>,
    /// Why these numbers say less than they seem to.
    pub doubts: Vec<Doubt>,
    /// The version of the program that trained it.
    pub version: String,
}

impl Card {
    pub(super) fn new(description: &Description) -> Self {
        let classes = description.wording.names(&description.classes);
        Self {
            title: description.wording.title.clone().unwrap_or_else(|| classes.join(" or ")),
            classes,
            backbone: description.backbone.clone(),
            trained_on: format!("{} labelled images", description.training_images),
            test: description.test.as_ref().map(headline),
            recalls: description
                .test
                .as_ref()
                .map_or(vec![], |metrics| recalls(metrics, &description.classes)),
            doubts: description.doubts.clone(),
            version: description.version.clone(),
        }
    }
}

fn number(name: &str, estimate: Estimate) -> Number {
    (name.to_owned(), estimate.value, estimate.low, estimate.high)
}

fn headline(metrics: &SplitMetrics) -> Vec<Number> {
    let (sensitivity, specificity, auc) = (metrics.sensitivity, metrics.specificity, metrics.auc);
    if metrics.by_class.is_empty() {
        return vec![
            number("Sensitivity", sensitivity),
            number("Specificity", specificity),
            number("AUC", auc),
        ];
    }
    vec![
        number("Accuracy", metrics.accuracy),
        number("Mean sensitivity", sensitivity),
        number("Mean specificity", specificity),
        number("Mean AUC", auc),
    ]
}

fn recalls(metrics: &SplitMetrics, classes: &[String]) -> Vec<Number> {
    classes.iter().zip(&metrics.by_class).map(|(name, class)| number(name, class.sensitivity)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::evaluate;

    #[test]
    fn of_three_classes_each_has_its_own_recall_and_means_say_that_they_are() {
        let labels = [0, 0, 1, 1, 2, 2];
        let row = |class: usize| (0..3).map(|at| if at == class { 0.8 } else { 0.1 }).collect::<Vec<f32>>();
        let scores: Vec<_> = [0, 0, 1, 0, 0, 1].map(row).to_vec();
        let metrics = evaluate(&labels, &scores, 2, 0.5, 0.0).expect("sound");
        let named = |numbers: Vec<Number>| {
            numbers.into_iter().map(|(name, value, ..)| (name, value)).collect::<Vec<_>>()
        };
        let classes = ["bacteria", "normal", "virus"].map(String::from);
        let each = named(recalls(&metrics, &classes));
        assert_eq!(each, [("bacteria".into(), 1.0), ("normal".into(), 0.5), ("virus".into(), 0.0)]);
        let means = named(headline(&metrics));
        assert_eq!((&means[0], &means[1]), (&("Accuracy".into(), 0.5), &("Mean sensitivity".into(), 0.5)));
    }
}
