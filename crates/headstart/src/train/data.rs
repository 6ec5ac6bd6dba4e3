//! From a job's data to splits that may be trained with.

use super::{Job, Observer};
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::features::Extracted;

/// Opens the data, takes the subset, cuts the splits that are missing and finds the positive class.
pub(super) fn prepare(job: &Job, observer: &mut dyn Observer) -> Result<(Dataset, usize)> {
    let mut dataset = Dataset::open(&job.data)?;
    if let Some(list) = &job.exclude {
        let left_out = dataset.exclude(list)?;
        observer.say(&format!("{left_out} images left out, as {} says", list.display()));
    }
    if let Some(limit) = job.train_images {
        dataset.train_subset(limit);
    }
    if !dataset.has_test() {
        dataset.assign_test(job.recipe.validation_fraction, job.seed);
    }
    if !dataset.has_validation() {
        dataset.assign_validation(job.recipe.validation_fraction, job.seed);
    }
    for split in Split::ALL {
        let counts = dataset.counts(split);
        if counts.contains(&0) {
            let found = format!("too few to cut a {split} split");
            return Err(Error::invalid(&job.data, "several images of each class", found));
        }
        let shown = dataset.classes.iter().zip(counts).map(|(class, count)| format!("{class} {count}"));
        observer.say(&format!("{split:<11} {}", shown.collect::<Vec<_>>().join(", ")));
    }
    let shared = dataset.shared_groups();
    if shared > 0 {
        observer.warn(&format!(
            "{shared} patients' names occur in more than one of the given splits: if they are the same people, what is \
             measured is too good"
        ));
    }
    let positive = positive(job, &dataset.classes)?;
    Ok((dataset, positive))
}

/// The class that `--positive` names, or the last.
fn positive(job: &Job, classes: &[String]) -> Result<usize> {
    let Some(name) = &job.positive else { return Ok(classes.len() - 1) };
    classes.iter().position(|class| class == name).ok_or_else(|| {
        Error::Usage(format!("--positive: expected one of {}, found {name}", classes.join(", ")))
    })
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
        for (class, name) in dataset.classes.iter().enumerate() {
            for split in [Split::Train, Split::Validation] {
                if !usable.of(split).iter().any(|index| usable.labels[*index] == class) {
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
