//! What the report says of a run.

use std::collections::BTreeSet;

use crate::dataset::Split;
use crate::evaluate::{one_against_rest, precision_curve, reliability, roc_curve};
use crate::report::{
    Conduct, DatasetFacts, ModelFacts, Report, SetAside, SplitFacts, SplitResult, histogram, operating,
};
use crate::train::recipe::Keep;
use crate::train::{Measured, Part, Run};

mod mistakes;
mod subgroups;

pub(super) use subgroups::subgroups;

/// The report's contents.
pub(super) fn report(run: &Run) -> Report {
    let description = run.classifier.description();
    let provenance = &description.provenance;
    Report {
        title: format!("{}?", description.classes.join(" or ")),
        caution: run.classifier.caution().into(),
        doubts: description.doubts.iter().map(ToString::to_string).collect(),
        warnings: run.warnings.to_vec(),
        conduct: Conduct {
            keeps_last: run.job.recipe.keep == Keep::Last,
            class_weights: run.job.recipe.class_weights,
            resize: Some(description.preprocess.resize),
            cut: run.cut.to_vec(),
            folds: run.job.recipe.folds,
        },
        classes: description.classes.clone(),
        positive: description.positive,
        dataset: dataset(run),
        model: ModelFacts {
            backbone: description.backbone.clone(),
            source: provenance.source.clone(),
            licence: provenance.licence.clone(),
            sha256: provenance.sha256.clone(),
            layers: run.classifier.layer_rows(),
        },
        history: description.history.clone(),
        members: description.members.clone(),
        threshold_policy: description.threshold_policy,
        results: run.measured.iter().map(|part| result(run, part)).collect(),
        stress: run.stress.to_vec(),
        plateau: run.plateau,
        calibration: description.calibration,
        gate: description.gate,
        mistakes: headline(run).map(|part| mistakes::mistakes(run, part)).unwrap_or_default(),
        subgroups: subgroups(run),
        configuration: super::config(&run.job),
        command: run.job.command.clone(),
        date: run.date.to_string(),
        seed: run.job.seed,
        version: description.version.clone(),
    }
}

fn dataset(run: &Run) -> DatasetFacts {
    let dataset = &run.dataset;
    let grouped = dataset.samples.iter().any(|sample| sample.group.is_some());
    let aside = run.set_aside.iter();
    DatasetFacts {
        splits: Split::ALL.map(|split| facts(run, split)).to_vec(),
        grouped_by: grouped.then(|| "patient or same picture".into()),
        shared_groups: dataset.shared_groups(),
        set_aside: aside.map(|(path, why)| SetAside { path: path.clone(), reason: why.clone() }).collect(),
    }
}

/// Of the images that could be used. One without a group stands alone.
fn facts(run: &Run, split: Split) -> SplitFacts {
    let (dataset, usable) = (&run.dataset, &run.usable);
    let samples =
        || usable.iter().map(|at| &dataset.samples[*at]).filter(|sample| sample.split == Some(split));
    let mut images = vec![0; dataset.classes.len()];
    samples().for_each(|sample| images[sample.label] += 1);
    let groups: BTreeSet<&str> = samples().map(|s| s.group.as_deref().unwrap_or(s.path())).collect();
    SplitFacts { name: split.to_string(), images, groups: groups.len() }
}

/// What the headline is about: the test split, or validation.
fn headline(run: &Run) -> Option<&Measured> {
    run.measured.iter().find(|found| found.part == Part::Test).or(run.measured.first())
}

/// The classes of a split's images.
fn labels(run: &Run, part: &Measured) -> Vec<usize> {
    part.indices.iter().map(|index| run.labels[*index]).collect()
}

fn result(run: &Run, part: &Measured) -> SplitResult {
    let (labels, positive) = (labels(run, part), run.classifier.positive());
    let (truth, scores) = one_against_rest(&labels, &part.scores, positive);
    let binary = run.classifier.classes().len() == 2;
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
