//! Labelled images: which there are, their classes, their splits, their patients.

pub(crate) mod clusters;
mod columns;
mod csv;
mod exclude;
mod files;
mod fingerprint;
mod folder;
pub(crate) mod folds;
mod groups;
mod listing;
#[cfg(feature = "train")]
mod npz;
#[cfg(feature = "train")]
mod open;
mod sample;
mod spill;
mod split;
pub(crate) mod stream;
mod table;
mod tally;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::clusters::Clusters;
pub(crate) use self::columns::path_column;
pub use self::files::LabelledFile;
pub use self::folder::files_in;
pub use self::groups::Grouping;
pub use self::sample::{Digest, Sample};
pub(crate) use self::sample::{Opened, Unusable};
pub use self::tally::Tally;
pub(crate) use self::tally::{LONGEST_CLASS, MOST_CLASSES};
use crate::error::{Error, Result};

/// The part that an image plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Fits the tail.
    Train,
    /// Chooses the epoch and the threshold.
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

    /// The split that a folder or a CSV field names, in any case: `val`, `valid`, `dev` and `eval` are validation, too.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" | "eval" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Labelled images and the names of their classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The folder or file that was opened.
    pub root: PathBuf,
    /// Names, sorted; those of an `.npz` are numbers, in order.
    pub classes: Vec<String>,
    /// Sorted by split, class and path.
    pub samples: Vec<Sample>,
}

impl Dataset {
    /// Itself, if it can be trained with.
    pub(crate) fn checked(self) -> Result<Self> {
        self.check()?;
        Ok(self)
    }

    /// The folder that paths of images are relative to; `None` where they are no files.
    pub fn images_folder(&self) -> Option<&Path> {
        let first = self.samples.first()?;
        first.listed_folder().or_else(|| self.root.is_dir().then_some(self.root.as_path()))
    }

    /// Number of images of each class in a split.
    pub fn counts(&self, split: Split) -> Vec<usize> {
        self.count(|sample| sample.split == Some(split))
    }

    /// Whether a split has images.
    pub fn has(&self, split: Split) -> bool {
        self.samples.iter().any(|sample| sample.split == Some(split))
    }

    /// Whether there are images to choose the epoch and the threshold with.
    pub fn has_validation(&self) -> bool {
        self.has(Split::Validation)
    }

    /// Whether there are images for the final judgement.
    pub fn has_test(&self) -> bool {
        self.has(Split::Test)
    }

    /// Leaves out the images that a list names, one path a line, and returns how many those are.
    ///
    /// # Errors
    /// [`Error::Io`] when the list cannot be read; [`Error::Invalid`] when it names a path that is not
    /// in the data, or leaves no image of a class in a split.
    pub fn exclude(&mut self, list: &Path) -> Result<usize> {
        exclude::exclude(self, list)
    }

    /// Keeps about `limit` of the images to train with (those in no split yet, too): of each class's
    /// sorted files `round(limit · n / total)` at even steps. Other splits stay whole.
    pub fn train_subset(&mut self, limit: usize) {
        let counts = self.count(Sample::is_trainable);
        let total: usize = counts.iter().sum();
        if limit >= total {
            return;
        }
        // Python's `round`, so that both keep the same files: ties go to the even number.
        let keep = counts.iter().map(|count| (limit as f64 * *count as f64 / total as f64).round_ties_even());
        let keep: Vec<usize> = keep.map(|count| count as usize).collect();
        let mut seen = vec![0; counts.len()];
        self.samples.retain(|sample| {
            if !sample.is_trainable() {
                return true;
            }
            let (position, keep, count) = (seen[sample.label], keep[sample.label], counts[sample.label]);
            seen[sample.label] += 1;
            // The positions ⌊i · count / keep⌋: the first i that reaches this one must hit it.
            let next = (position * keep).div_ceil(count);
            next < keep && next * count / keep == position
        });
    }

    /// Cuts a validation split from the images to train with: about `fraction` of each class, whole
    /// groups, decided by `seed`. What is left is [`Split::Train`].
    pub fn assign_validation(&mut self, fraction: f64, seed: u64) {
        self.assign(Split::Validation, fraction, seed);
    }

    /// Cuts a test split in the same way, for data that has none.
    pub fn assign_test(&mut self, fraction: f64, seed: u64) {
        self.assign(Split::Test, fraction, seed);
    }

    /// Forgets which split each image is in.
    pub fn clear_splits(&mut self) {
        self.samples.iter_mut().for_each(|sample| sample.split = None);
        self.sort();
    }

    /// Number of groups, an image that stands alone being one.
    pub fn groups(&self) -> usize {
        let named: HashSet<&str> = self.samples.iter().filter_map(|sample| sample.group.as_deref()).collect();
        named.len() + self.samples.iter().filter(|sample| sample.group.is_none()).count()
    }

    /// Number of groups that have images in more than one split. Cutting makes none: they are in data
    /// that comes with splits.
    pub fn shared_groups(&self) -> usize {
        let mut splits = HashMap::<&str, (Option<Split>, bool)>::new();
        for sample in &self.samples {
            if let Some(group) = &sample.group {
                let (split, shared) = splits.entry(group).or_insert((sample.split, false));
                *shared |= *split != sample.split;
            }
        }
        splits.values().filter(|(_, shared)| *shared).count()
    }

    /// Cuts what is not held out for the test into `folds` parts for cross-validation: groups stay
    /// whole, each fold has about its share of each class, and `seed` decides. `None` for the test.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a class has fewer groups than there are folds.
    pub fn folds(&self, folds: usize, seed: u64) -> Result<Vec<Option<usize>>> {
        let kept = |sample: &Sample| sample.split != Some(Split::Test);
        let (indices, labels): (Vec<usize>, Vec<usize>) = self
            .samples
            .iter()
            .enumerate()
            .filter_map(|(index, sample)| kept(sample).then_some((index, sample.label)))
            .unzip();
        let all = folds::units(self, Clusters::new(self.samples.len()));
        let units: Vec<usize> = indices.iter().map(|index| all[*index]).collect();
        if let Some(class) = folds::too_few(self.classes.len(), &labels, &units, folds) {
            let expected = format!("at least {folds} groups of each class for {folds} folds");
            return Err(Error::invalid(&self.root, expected, format!("fewer of {}", self.classes[class])));
        }
        let mut cut = vec![None; self.samples.len()];
        let chosen = folds::folds(self.classes.len(), &labels, &units, folds, seed);
        indices.iter().zip(chosen).for_each(|(index, fold)| cut[*index] = Some(fold));
        Ok(cut)
    }

    /// SHA-256, in hexadecimal, of the classes and of each image's path, class, split and bytes: two
    /// runs with the same fingerprint saw the same data. Reads every file.
    pub fn fingerprint(&self) -> String {
        fingerprint::of(self)
    }

    fn assign(&mut self, split: Split, fraction: f64, seed: u64) {
        split::cut(self, split, fraction, seed);
        self.sort();
    }

    fn count(&self, counts_in: impl Fn(&Sample) -> bool) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.samples.iter().filter(|sample| counts_in(sample)).for_each(|sample| counts[sample.label] += 1);
        counts
    }

    fn sort(&mut self) {
        // In place: no two have one path.
        self.samples.sort_unstable_by(|a, b| (a.split, a.label, a.path()).cmp(&(b.split, b.label, b.path())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `counts[class]` images of each class, in no split.
    pub(super) fn dataset(counts: &[usize], group: impl Fn(usize, usize) -> Option<String>) -> Dataset {
        let classes: Vec<String> = (0..counts.len()).map(|class| format!("class{class}")).collect();
        let of = |label: usize| {
            let (class, group) = (&classes[label], &group);
            (0..counts[label]).map(move |index| {
                let path = format!("{class}/{index:04}");
                Sample::file(path.clone(), path.into(), label, None, group(label, index))
            })
        };
        let samples = (0..counts.len()).flat_map(of).collect();
        Dataset { root: "data".into(), classes: classes.clone(), samples }
    }

    fn paths(dataset: &Dataset) -> Vec<&str> {
        dataset.samples.iter().map(|sample| sample.path()).collect()
    }

    #[test]
    fn a_subset_is_stratified_at_even_steps() {
        let mut small = dataset(&[10, 30], |_, _| None);
        small.train_subset(8);
        let kept = ["class0/0000", "class0/0005", "class1/0000", "class1/0005", "class1/0010", "class1/0015"];
        assert_eq!(paths(&small)[..6], kept);
        assert_eq!(paths(&small)[6..], ["class1/0020", "class1/0025"]);
        // round(5 · 10 / 40) = round(1.25) = 1 and round(5 · 30 / 40) = round(3.75) = 4, at ⌊i · 7.5⌋.
        let mut uneven = dataset(&[10, 30], |_, _| None);
        uneven.train_subset(5);
        let kept = ["class0/0000", "class1/0000", "class1/0007", "class1/0015", "class1/0022"];
        assert_eq!(paths(&uneven), kept);
    }

    #[test]
    fn a_subset_leaves_the_other_splits() {
        let mut dataset = dataset(&[40, 40], |_, _| None);
        dataset.assign_test(0.25, 1);
        dataset.train_subset(6);
        assert_eq!(dataset.counts(Split::Train), [3, 3]);
        assert_eq!(dataset.counts(Split::Test), [10, 10]);
    }

    #[test]
    fn a_subset_of_everything_is_everything() {
        let mut whole = dataset(&[3, 4], |_, _| None);
        whole.train_subset(7);
        assert_eq!(whole.samples.len(), 7);
    }

    #[test]
    fn folds_leave_the_test_and_keep_groups_whole() {
        let mut data = dataset(&[60, 90], |class, index| Some(format!("{class}-{}", index / 3)));
        data.assign_test(0.2, 1);
        let folds = data.folds(4, 7).expect("enough groups");
        assert_ne!(folds, data.folds(4, 8).expect("enough groups"));
        let mut of_group = HashMap::new();
        for (sample, fold) in data.samples.iter().zip(&folds) {
            assert_eq!(fold.is_none(), sample.split == Some(Split::Test));
            assert_eq!(of_group.entry(&sample.group).or_insert(fold), &fold);
        }
        for fold in 0..4 {
            assert_eq!(folds.iter().filter(|other| **other == Some(fold)).count(), 30);
        }
        let problem = data.folds(40, 7).expect_err("too many").to_string();
        assert!(problem.ends_with("found fewer of class0"), "{problem}");
    }

    #[test]
    fn what_is_neither_is_named() {
        let message = Dataset::open(Path::new("no/such/folder")).expect_err("missing").to_string();
        assert_eq!(
            message,
            "no/such/folder: expected a folder of class folders, a .csv or a .npz, found nothing there"
        );
        let message = Dataset::open(Path::new("Cargo.toml")).expect_err("another kind").to_string();
        assert!(message.ends_with("found another kind of file"), "{message}");
    }
}
