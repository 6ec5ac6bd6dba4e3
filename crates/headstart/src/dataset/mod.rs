//! Labelled images: what there is, which class, which split, which patient.

mod folder;
mod groups;
mod split;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The part that an image plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Fits the tail.
    Train,
    /// Chooses epoch and threshold.
    Validation,
    /// Read once, at the end.
    Test,
}

impl Split {
    /// All, in the order of work.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// One labelled image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// As users see it: relative to the data, with `/`.
    pub path: String,
    /// Where it lies.
    pub file: PathBuf,
    /// Index of its class.
    pub label: usize,
    /// Its split.
    pub split: Split,
    /// The patient, where the file name tells.
    pub group: Option<String>,
}

/// Labelled images and the names of their classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Names, sorted.
    pub classes: Vec<String>,
    /// Sorted by split, class and path.
    pub samples: Vec<Sample>,
}

impl Dataset {
    /// Reads a folder of class folders, or of `train/`, `val/` and `test/` with class folders each.
    /// Without split folders every image is in [`Split::Train`].
    ///
    /// # Errors
    /// A missing or empty folder, fewer than two classes, or splits with different classes.
    pub fn open(path: &Path) -> Result<Self> {
        let dataset = folder::open(path)?;
        if dataset.classes.len() < 2 {
            let found = format!("{} ({})", dataset.classes.len(), dataset.classes.join(", "));
            return Err(Error::invalid(path, "folders of at least two classes", found));
        }
        for split in Split::ALL {
            let counts = dataset.counts(split);
            if let Some(class) = counts.iter().position(|count| *count == 0)
                && counts.iter().any(|count| *count > 0)
            {
                let expected = format!("images of each class in {}", split.name());
                return Err(Error::invalid(path, expected, format!("none of {}", dataset.classes[class])));
            }
        }
        Ok(dataset)
    }

    /// Number of images of each class in a split.
    pub fn counts(&self, split: Split) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.samples
            .iter()
            .filter(|sample| sample.split == split)
            .for_each(|sample| counts[sample.label] += 1);
        counts
    }

    /// Whether a split has images.
    pub fn has(&self, split: Split) -> bool {
        self.samples.iter().any(|sample| sample.split == split)
    }

    /// Keeps about `limit` training images: of each class's sorted files `round(limit · n / total)`
    /// at even steps.
    pub fn keep_training_images(&mut self, limit: usize) {
        let counts = self.counts(Split::Train);
        let total: usize = counts.iter().sum();
        if limit >= total {
            return;
        }
        let mut kept = Vec::with_capacity(self.samples.len());
        for (class, count) in counts.iter().enumerate() {
            let training: Vec<&Sample> =
                self.samples.iter().filter(|s| s.split == Split::Train && s.label == class).collect();
            let keep = (limit as f64 * *count as f64 / total as f64).round_ties_even() as usize;
            kept.extend((0..keep).map(|index| training[index * count / keep].clone()));
        }
        kept.extend(self.samples.iter().filter(|sample| sample.split != Split::Train).cloned());
        self.samples = kept;
    }

    /// Cuts `split` from the training images: about `fraction` of each class, whole patients, seeded.
    pub fn cut(&mut self, split: Split, fraction: f64, seed: u64) {
        split::cut(self, split, fraction, seed);
        self.samples.sort_by(|a, b| (a.split, a.label, &a.path).cmp(&(b.split, b.label, &b.path)));
    }

    /// Number of known patients that have images in more than one split.
    pub fn shared_groups(&self) -> usize {
        let mut splits = std::collections::BTreeMap::<&str, Vec<Split>>::new();
        for sample in &self.samples {
            if let Some(group) = &sample.group {
                splits.entry(group).or_default().push(sample.split);
            }
        }
        splits.values().filter(|splits| splits.iter().any(|split| *split != splits[0])).count()
    }
}
