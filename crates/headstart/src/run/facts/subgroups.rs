//! The headline's split by what the CSV says of its images.

use std::collections::BTreeMap;

use super::{headline, labels};
use crate::evaluate::{delong, one_against_rest, wilson};
use crate::report::Subgroup;
use crate::train::Run;

/// An attribute with more values than this is no grouping.
const MOST_VALUES: usize = 8;

/// Each value of each attribute; none for data without attributes.
pub(in crate::run) fn subgroups(run: &Run) -> Vec<Subgroup> {
    let Some(part) = headline(run) else { return vec![] };
    let mut rows: BTreeMap<&str, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (row, index) in part.indices.iter().enumerate() {
        for (attribute, value) in run.dataset.samples[run.usable[*index]].attributes() {
            rows.entry(attribute).or_default().entry(value).or_default().push(row);
        }
    }
    let labels = labels(run, part);
    let group = |attribute: &str, value: &str, rows: &[usize]| {
        let labels: Vec<usize> = rows.iter().map(|row| labels[*row]).collect();
        let scores: Vec<Vec<f32>> = rows.iter().map(|row| part.scores[*row].clone()).collect();
        let classifier = &run.classifier;
        let predicted: Vec<usize> = scores.iter().map(|scores| classifier.label(scores)).collect();
        let positive = classifier.positive();
        let share = |counted: &dyn Fn(usize) -> bool| {
            let own = || labels.iter().zip(&predicted).filter(|(label, _)| counted(**label));
            let right = own().filter(|(label, predicted)| {
                // Of more than two classes sensitivity and specificity are about the positive one.
                (**label == positive) == (**predicted == positive)
            });
            wilson(right.count(), own().count())
        };
        let hits = labels.iter().zip(&predicted).filter(|(label, predicted)| label == predicted).count();
        let (truth, of_positive) = one_against_rest(&labels, &scores, positive);
        Subgroup {
            attribute: attribute.into(),
            value: value.into(),
            images: rows.len(),
            accuracy: wilson(hits, rows.len()),
            auc: delong(&truth, &of_positive),
            sensitivity: share(&|label| label == positive),
            specificity: share(&|label| label != positive),
        }
    };
    rows.iter()
        .filter(|(_, values)| (2..=MOST_VALUES).contains(&values.len()))
        .flat_map(|(attribute, values)| values.iter().map(move |(value, rows)| (*attribute, *value, rows)))
        .map(|(attribute, value, rows)| group(attribute, value, rows))
        .collect()
}
