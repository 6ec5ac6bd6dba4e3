//! What the report says of a run.

use std::collections::BTreeSet;

use super::Contents;
use crate::dataset::Split;
use crate::evaluate::{one_against_rest, precision_curve, reliability, roc_curve};
use crate::report::{
    Conduct, DatasetFacts, ModelFacts, Report, SetAside, SplitFacts, SplitResult, histogram, operating,
};
use crate::train::judge::{Measured, Part};
use crate::train::recipe::Keep;

mod mistakes;
mod subgroups;

pub(super) use subgroups::subgroups;

/// The report's contents.
pub(super) fn report(contents: &Contents<'_>) -> Report {
    let description = contents.classifier.description();
    let provenance = &description.provenance;
    Report {
        title: format!("{}?", description.classes.join(" or ")),
        caution: contents.classifier.caution().into(),
        doubts: description.doubts.iter().map(ToString::to_string).collect(),
        warnings: contents.warnings.to_vec(),
        conduct: Conduct {
            keeps_last: contents.job.recipe.keep == Keep::Last,
            class_weights: contents.job.recipe.class_weights,
            resize: Some(description.preprocess.resize),
            cut: contents.cut.to_vec(),
            folds: contents.job.recipe.folds,
        },
        classes: description.classes.clone(),
        positive: description.positive,
        dataset: dataset(contents),
        model: ModelFacts {
            backbone: description.backbone.clone(),
            source: provenance.source.clone(),
            licence: provenance.licence.clone(),
            sha256: provenance.sha256.clone(),
            layers: contents.classifier.layer_rows(),
        },
        history: description.history.clone(),
        members: description.members.clone(),
        threshold_policy: description.threshold_policy,
        results: contents.measured.iter().map(|part| result(contents, part)).collect(),
        stress: contents.stress.to_vec(),
        plateau: contents.plateau,
        calibration: description.calibration,
        gate: description.gate,
        mistakes: headline(contents).map(|part| mistakes::mistakes(contents, part)).unwrap_or_default(),
        subgroups: subgroups(contents),
        configuration: super::config(contents.job),
        command: contents.job.command.clone(),
        date: contents.date.to_string(),
        seed: contents.job.seed,
        version: description.version.clone(),
    }
}

fn dataset(contents: &Contents<'_>) -> DatasetFacts {
    let dataset = contents.dataset;
    let grouped = dataset.samples.iter().any(|sample| sample.group.is_some());
    let aside = contents.extracted.set_aside.iter();
    DatasetFacts {
        splits: Split::ALL.map(|split| facts(contents, split)).to_vec(),
        grouped_by: grouped.then(|| "patient or same picture".into()),
        shared_groups: dataset.shared_groups(),
        set_aside: aside.map(|(path, why)| SetAside { path: path.clone(), reason: why.clone() }).collect(),
    }
}

/// Of the images that could be used. One without a group stands alone.
fn facts(contents: &Contents<'_>, split: Split) -> SplitFacts {
    let (dataset, usable) = (contents.dataset, &contents.extracted.usable);
    let samples =
        || usable.iter().map(|at| &dataset.samples[*at]).filter(|sample| sample.split == Some(split));
    let mut images = vec![0; dataset.classes.len()];
    samples().for_each(|sample| images[sample.label] += 1);
    let groups: BTreeSet<&str> = samples().map(|s| s.group.as_deref().unwrap_or(s.path())).collect();
    SplitFacts { name: split.to_string(), images, groups: groups.len() }
}

/// What the headline is about: the test split, or validation.
fn headline<'a>(contents: &Contents<'a>) -> Option<&'a Measured> {
    contents.measured.iter().find(|found| found.part == Part::Test).or(contents.measured.first())
}

/// The classes of a split's images.
fn labels(contents: &Contents<'_>, part: &Measured) -> Vec<usize> {
    part.indices.iter().map(|index| contents.labels[*index]).collect()
}

fn result(contents: &Contents<'_>, part: &Measured) -> SplitResult {
    let (labels, positive) = (labels(contents, part), contents.classifier.positive());
    let (truth, scores) = one_against_rest(&labels, &part.scores, positive);
    let binary = contents.classifier.classes().len() == 2;
    SplitResult {
        name: part.part.name().into(),
        metrics: part.metrics.clone(),
        roc: if binary { roc_curve(&truth, &scores) } else { vec![] },
        precision: if binary { precision_curve(&truth, &scores) } else { vec![] },
        reliability: reliability(&labels, &part.scores, positive),
        operating: binary.then(|| operating(&truth, &scores, part.metrics.threshold)),
        histogram: binary.then(|| histogram(&truth, &scores)),
    }
}
