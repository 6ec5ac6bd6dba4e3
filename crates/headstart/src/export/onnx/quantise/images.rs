//! The images that a model was validated on, found again in its data by their SHA-256.

use std::path::Path;

use rayon::prelude::*;

use crate::classifier::Classifier;
use crate::dataset::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::evaluate::number_groups;
use crate::external::map_classes;
use crate::image::{Image, Limits};
use crate::observer::Observer;

/// Files that are hashed between two looks at whether to stop.
const STEP: usize = 256;

/// Labelled images.
pub(super) struct Validation {
    samples: Vec<Sample>,
    /// Of each sample its class in the model.
    labels: Vec<usize>,
    groups: Vec<usize>,
}

impl Validation {
    /// Those of `data` that `classifier` was validated on. An older model does not tell which: then the data's own
    /// validation split.
    pub(super) fn find(classifier: &Classifier, data: &Path, progress: &mut dyn Observer) -> Result<Self> {
        let dataset = Dataset::open_any(data)?;
        let mapped = map_classes(data, &dataset.classes, classifier.classes(), &[])?;
        let seen = classifier.description().seen.as_ref();
        let mut samples = Vec::new();
        for part in dataset.samples.chunks(STEP) {
            if progress.stop() {
                return Err(Error::Interrupted);
            }
            let is_validated = |sample: &&Sample| match seen {
                Some(seen) => sample.content_hash().is_ok_and(|digest| seen.was_validated(&digest)),
                None => sample.split == Some(Split::Validation),
            };
            samples.extend(part.par_iter().filter(is_validated).cloned().collect::<Vec<_>>());
        }
        if samples.is_empty() {
            return Err(Error::invalid(data, "the images that the model was validated on", "none of them"));
        }
        let labels = samples.iter().map(|sample| mapped[sample.label]).collect();
        let groups = number_groups(samples.iter().map(|sample| sample.group.as_deref()));
        Ok(Self { samples, labels, groups })
    }

    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    pub(super) fn label(&self, image: usize) -> usize {
        self.labels[image]
    }

    pub(super) fn path(&self, image: usize) -> &str {
        self.samples[image].path()
    }

    pub(super) fn group(&self, image: usize) -> usize {
        self.groups[image]
    }

    /// Those that can be used, with their numbers.
    pub(super) fn read(
        &self,
        numbers: impl Iterator<Item = usize>,
        progress: &mut dyn Observer,
    ) -> Vec<(usize, Image)> {
        let numbers: Vec<usize> = numbers.collect();
        let read = |number: &usize| (*number, self.samples[*number].read(&Limits::default()));
        let read: Vec<_> = numbers.par_iter().map(read).collect();
        let usable = read.into_iter().filter_map(|(number, image)| match image {
            Ok(image) => Some((number, image)),
            Err(why) => {
                progress.set_aside(self.samples[number].path(), &why);
                None
            }
        });
        usable.collect()
    }
}
