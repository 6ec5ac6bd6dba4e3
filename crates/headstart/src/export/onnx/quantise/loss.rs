//! The sealed model and the one of 8 bits on the same validation images: does the second lose anything?

use std::fmt;

use serde::Serialize;

use super::images::Validation;
use super::{BATCH, Eight};
use crate::classifier::{Answer, Classifier, Verdict};
use crate::csv_field::csv_field;
use crate::error::{Error, Result};
use crate::evaluate::{Difference, Estimate, auc, holm, mcnemar, paired_delong, positive_score};
use crate::observer::Observer;

/// What both said of the validation images that can be read.
#[derive(Debug, Default)]
pub struct Measured {
    /// Their numbers among the validation images.
    numbers: Vec<usize>,
    pub(super) labels: Vec<usize>,
    groups: Vec<usize>,
    /// Of the sealed model, and of the one of 8 bits.
    answers: [Vec<Answer>; 2],
}

/// A paired test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Test {
    /// What is compared: `AUC`, `accuracy` or `answered`.
    pub measure: String,
    /// In 32 bits and in 8.
    pub values: [f64; 2],
    /// The first minus the second, with its 95 % interval.
    pub difference: Estimate,
    /// How often chance alone gives that much; of all tests together (Holm 1979).
    pub p: f64,
}

impl Test {
    /// Whether 8 bits are worse, and chance does not explain it.
    pub fn is_loss(&self) -> bool {
        !Difference { difference: self.difference, p: self.p }.is_noise() && self.difference.value > 0.0
    }
}

impl fmt::Display for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [there, here] = self.values;
        write!(formatter, "{} {there:.4} in 32 bits and {here:.4} in 8 (p {:.3})", self.measure, self.p)
    }
}

impl Measured {
    pub(super) fn of(
        classifier: &Classifier,
        eight: &Eight<'_>,
        validation: &Validation,
        progress: &mut dyn Observer,
    ) -> Result<Self> {
        let mut measured = Self::default();
        let numbers: Vec<usize> = (0..validation.len()).collect();
        for batch in numbers.chunks(BATCH) {
            if progress.stop() {
                return Err(Error::Interrupted);
            }
            let (numbers, images): (Vec<usize>, Vec<_>) =
                validation.read(batch.iter().copied(), progress).into_iter().unzip();
            if images.is_empty() {
                continue;
            }
            measured.numbers.extend(&numbers);
            measured.labels.extend(numbers.iter().map(|number| validation.label(*number)));
            measured.groups.extend(numbers.iter().map(|number| validation.group(*number)));
            measured.answers[0].extend(classifier.classify_all(&images));
            measured.answers[1].extend(eight.said(&images).into_iter().map(|said| said.answer));
            progress.scored(measured.labels.len() as u64, Some(validation.len() as u64));
        }
        Ok(measured)
    }

    /// All scores as CSV.
    pub(super) fn table(&self, classifier: &Classifier, validation: &Validation) -> String {
        let classes = classifier.classes();
        let names = |kind: &str| {
            classes.iter().map(|class| csv_field(&format!("{kind}_{class}"))).collect::<Vec<_>>()
        };
        let mut text = format!("path,label,{},{}\n", names("score").join(","), names("int8").join(","));
        for (image, number) in self.numbers.iter().enumerate() {
            let scores = self.answers.iter().flat_map(|answers| &answers[image].scores).map(f32::to_string);
            let scores = scores.collect::<Vec<_>>().join(",");
            let (path, label) =
                (csv_field(validation.path(*number)), csv_field(&classes[self.labels[image]]));
            text += &format!("{path},{label},{scores}\n");
        }
        text
    }

    /// Number of patients, or of pictures that are not alike.
    pub(super) fn patients(&self) -> usize {
        let mut known = self.groups.clone();
        known.sort_unstable();
        known.dedup();
        known.len()
    }

    /// The largest difference between two scores.
    pub(super) fn off(&self) -> f32 {
        let scores = |answers: &[Answer]| -> Vec<f32> {
            answers.iter().flat_map(|answer| answer.scores.iter().copied()).collect()
        };
        let [there, here] = self.answers.each_ref().map(|answers| scores(answers));
        there.iter().zip(&here).map(|(there, here)| (there - here).abs()).fold(0.0, f32::max)
    }

    /// AUC (of more than two classes each against the rest), accuracy, and where there is a gate the share of the images that
    /// it lets through.
    pub(super) fn tests(&self, classifier: &Classifier) -> Vec<Test> {
        let mut tests = self.areas(classifier);
        let right = |answer: &Answer, label: usize| answer.label == label;
        tests.push(self.shares("accuracy", right));
        if classifier.description().gate.is_some() {
            tests.push(self.shares("answered", |answer, _| answer.verdict != Verdict::Refused));
        }
        let together = holm(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
        tests.iter_mut().zip(together).for_each(|(test, p)| test.p = p);
        tests
    }

    fn areas(&self, classifier: &Classifier) -> Vec<Test> {
        let (classes, positive) = (classifier.classes(), classifier.positive());
        let of_interest = if classes.len() == 2 { positive..positive + 1 } else { 0..classes.len() };
        let area = |class: usize| {
            let truth: Vec<bool> = self.labels.iter().map(|label| *label == class).collect();
            let [there, here] = self.answers.each_ref().map(|answers| {
                answers.iter().map(|answer| positive_score(&answer.scores, class)).collect::<Vec<f64>>()
            });
            let tested = paired_delong(&truth, &there, &here, &self.groups)?;
            let values = [auc(&truth, &there)?, auc(&truth, &here)?];
            let measure =
                if classes.len() == 2 { "AUC".into() } else { format!("AUC of {}", classes[class]) };
            Some(Test { measure, values, difference: tested.difference, p: tested.p })
        };
        of_interest.filter_map(area).collect()
    }

    /// McNemar's test of what holds of an answer.
    fn shares(&self, measure: &str, holds: impl Fn(&Answer, usize) -> bool) -> Test {
        let [there, here] = self.answers.each_ref().map(|answers| {
            answers
                .iter()
                .zip(&self.labels)
                .map(|(answer, label)| holds(answer, *label))
                .collect::<Vec<bool>>()
        });
        let tested = mcnemar(&there, &here, &self.groups);
        let share = |held: &[bool]| held.iter().filter(|held| **held).count() as f64 / held.len() as f64;
        let values = [share(&there), share(&here)];
        Test { measure: measure.into(), values, difference: tested.difference, p: tested.p }
    }
}
