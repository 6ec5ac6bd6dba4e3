//! What a reader has to know about a classifier before trusting it.

use serde::Serialize;

use super::Description;
use crate::evaluate::SplitMetrics;

/// What a reader has to know about a classifier before trusting it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// What it tells apart, in a few words.
    pub title: String,
    /// The pretrained net that it grew from.
    pub backbone: String,
    /// The images that it was trained on.
    pub trained_on: String,
    /// Headline numbers on held-out images: name, value, low and high end of the 95 % interval.
    pub test: Option<Vec<(String, f64, f64, f64)>>,
    /// The version of the program that trained it.
    pub version: String,
}

impl Card {
    pub(super) fn new(description: &Description) -> Self {
        let headline = |metrics: &SplitMetrics| {
            [("Sensitivity", metrics.sensitivity), ("Specificity", metrics.specificity), ("AUC", metrics.auc)]
                .map(|(name, estimate)| (name.to_string(), estimate.value, estimate.low, estimate.high))
                .to_vec()
        };
        Self {
            title: description.classes.join(" or "),
            backbone: description.backbone.clone(),
            trained_on: format!("{} labelled images", description.training_images),
            test: description.test.as_ref().map(headline),
            version: description.version.clone(),
        }
    }
}
