//! From a job's data to splits that may be trained with.

use std::collections::HashSet;

use super::{Job, Partition};
use crate::audit::Survey;
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::evaluate::ThresholdPolicy;
use crate::features::Extracted;
use crate::observer::Observer;

/// What a training is done on.
pub(super) struct Prepared {
    pub(super) dataset: Dataset,
    pub(super) survey: Survey,
    /// The splits that did not come with the data.
    pub(super) cut: Vec<Split>,
    pub(super) positive: usize,
}

/// Cuts the data and finds the positive class.
pub(super) fn prepare(job: &Job, observer: &mut dyn Observer) -> Result<Prepared> {
    let partition = Partition {
        data: job.data.clone(),
        own_data: job.own_data.clone(),
        exclude: job.exclude.clone(),
        train_images: job.train_images,
        groups: job.groups.clone(),
        resplit: job.resplit,
        no_test: job.no_test,
        fraction: job.recipe.validation_fraction,
        seed: job.seed,
        cache: Some(job.cache.clone()),
        ranks: job.ranks.clone(),
    };
    let (dataset, survey, cut) = partition.cut(observer)?;
    let positive = positive(job, &dataset.classes)?;
    if dataset.classes.len() > 2 && job.recipe.threshold != ThresholdPolicy::default() {
        let policy = job.recipe.threshold;
        observer.warn(&format!(
            "threshold {policy}: of more than two classes the largest score decides, so it does nothing"
        ));
    }
    Ok(Prepared { dataset, survey, cut, positive })
}

/// The class that the job calls positive, or the last.
fn positive(job: &Job, classes: &[String]) -> Result<usize> {
    let Some(name) = &job.positive else { return Ok(classes.len() - 1) };
    if classes.len() > 2 {
        return Err(Error::setting(
            "positive",
            "data of two classes",
            format!("{} ({}): of more than two the largest score decides", classes.len(), classes.join(", ")),
        ));
    }
    classes
        .iter()
        .position(|class| class == name)
        .ok_or_else(|| Error::setting("positive", format!("one of {}", classes.join(", ")), name))
}

/// Labels and splits of the records that could be extracted.
pub(super) struct Usable {
    pub(super) labels: Vec<usize>,
    splits: Vec<Split>,
}

impl Usable {
    /// What is left of `dataset`.
    ///
    /// # Errors
    /// When no image of a class is left to train or to validate with.
    pub(super) fn new(dataset: &Dataset, extracted: &Extracted) -> Result<Self> {
        let samples = || extracted.usable.iter().map(|index| &dataset.samples[*index]);
        let usable = Self {
            labels: samples().map(|sample| sample.label).collect(),
            splits: samples().map(|sample| sample.split.unwrap_or(Split::Train)).collect(),
        };
        let present: HashSet<(Split, usize)> =
            usable.splits.iter().copied().zip(usable.labels.iter().copied()).collect();
        for (class, name) in dataset.classes.iter().enumerate() {
            for split in [Split::Train, Split::Validation] {
                if !present.contains(&(split, class)) {
                    let aside = extracted.set_aside.len();
                    let found = format!("none that can be used: {aside} files were set aside");
                    return Err(Error::invalid(&dataset.root, format!("images of {name} in {split}"), found));
                }
            }
        }
        Ok(usable)
    }

    /// Indices of the records in a split.
    pub(super) fn of(&self, split: Split) -> Vec<usize> {
        (0..self.splits.len()).filter(|index| self.splits[*index] == split).collect()
    }
}
