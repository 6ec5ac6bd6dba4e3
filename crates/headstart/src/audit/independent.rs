//! What is learned from some images is measured on others that do not depend on them.

use std::collections::HashSet;

use super::survey::Look;
use super::{FOLDS, SEED};
use crate::dataset::Dataset;
use crate::dataset::folds::{folds, too_few};

/// Images times classes that are looked at for what takes many rounds: more tell hardly more.
const MOST: usize = 40_000;

/// Images of which no two belong together, cut into folds.
pub(super) struct Independent {
    pub(super) samples: Vec<usize>,
    pub(super) labels: Vec<usize>,
    pub(super) classes: usize,
    folds: Vec<usize>,
}

impl Independent {
    /// The first that can be used of each of the `units`, at even steps if there are too many. `None` where a class has
    /// fewer than are needed.
    pub(super) fn of(dataset: &Dataset, looks: &[Option<Look>], units: &[usize]) -> Option<Self> {
        let classes = dataset.classes.len();
        let mut known = HashSet::new();
        let usable = (0..looks.len()).filter(|sample| looks[*sample].is_some());
        let samples: Vec<usize> = usable.filter(|sample| known.insert(units[*sample])).collect();
        let step = (samples.len() * classes).div_ceil(MOST).max(1);
        let samples: Vec<usize> = samples.into_iter().step_by(step).collect();
        let labels: Vec<usize> = samples.iter().map(|sample| dataset.samples[*sample].label).collect();
        if classes < 2 || too_few(classes, &labels, &samples, FOLDS).is_some() {
            return None;
        }
        let folds = folds(classes, &labels, &samples, FOLDS, SEED);
        Some(Self { samples, labels, classes, folds })
    }

    /// So many images, one class after the other.
    #[cfg(test)]
    pub(super) fn evenly(classes: usize, images: usize) -> Self {
        let samples: Vec<usize> = (0..images).collect();
        let labels: Vec<usize> = samples.iter().map(|image| image % classes).collect();
        let folds = folds(classes, &labels, &samples, FOLDS, SEED);
        Self { samples, labels, classes, folds }
    }

    /// Those classes of which each is to be told from the rest: of two one tells all.
    pub(super) fn told(&self) -> std::ops::Range<usize> {
        usize::from(self.classes == 2)..self.classes
    }

    /// Which of the images are of a class.
    pub(super) fn are_of(&self, class: usize) -> Vec<bool> {
        self.labels.iter().map(|label| *label == class).collect()
    }

    /// As the function of that name.
    pub(super) fn out_of_fold<Score: Fn(usize) -> f64>(&self, learn: impl Fn(&[usize]) -> Score) -> Vec<f64> {
        out_of_fold(&self.folds, learn)
    }
}

/// The score of each item, as `learn` makes it from the items of the other folds.
pub(super) fn out_of_fold<Score: Fn(usize) -> f64>(
    folds: &[usize],
    learn: impl Fn(&[usize]) -> Score,
) -> Vec<f64> {
    let mut scores = vec![0.0; folds.len()];
    for fold in 0..FOLDS {
        let (held_out, others): (Vec<usize>, Vec<usize>) =
            (0..scores.len()).partition(|item| folds[*item] == fold);
        let score = learn(&others);
        held_out.iter().for_each(|item| scores[*item] = score(*item));
    }
    scores
}
