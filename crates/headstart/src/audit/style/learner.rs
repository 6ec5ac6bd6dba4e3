//! How well a class is told by statistics alone, where it was not learned: a penalised logistic regression
//! on standardised statistics and their squares.

use crate::error::Result;
use crate::evaluate::{Estimate, delong, mean_of_dependent};
use crate::observer::Observer;
use crate::probe::{Features, Table, out_of_fold};

/// Standard deviations beyond which a statistic counts as no further: its square would drown the others.
const FARTHEST: f32 = 4.0;
/// A statistic that varies less than this is the same everywhere.
const STILL: f64 = 1e-6;

/// Labelled images, cut into folds.
pub(super) struct Images {
    pub(super) labels: Vec<usize>,
    pub(super) classes: usize,
    pub(super) folds: Vec<usize>,
}

impl Images {
    /// The scores of each image by what the other folds teach: `[images, classes]`. `statistics` has a row
    /// for each image; a missing one counts as the mean of the others.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`].
    pub(super) fn scores(
        &self,
        mut statistics: Vec<Vec<Option<f32>>>,
        observer: &dyn Observer,
    ) -> Result<Vec<Vec<f32>>> {
        let width = statistics.first().map_or(0, Vec::len);
        (0..width).for_each(|column| standardise(&mut statistics, column));
        let terms = |row: &Vec<Option<f32>>| {
            let known = row.iter().map(|value| value.unwrap_or_default());
            known.clone().chain(known.map(|value| value * value)).collect::<Vec<f32>>()
        };
        let rows: Vec<Vec<f32>> = statistics.iter().map(terms).collect();
        let features = Features::of_rows(&rows);
        out_of_fold(&Table::new(&features, &self.labels, self.classes), &self.folds, observer)
    }

    /// The area under the ROC curve: of the last of two classes, or the mean over the classes, each
    /// against the rest.
    pub(super) fn auc(&self, scores: &[Vec<f32>]) -> Estimate {
        let of_class = |class: usize| {
            let truth: Vec<bool> = self.labels.iter().map(|label| *label == class).collect();
            let scores: Vec<f64> = scores.iter().map(|row| f64::from(row[class])).collect();
            delong(&truth, &scores)
        };
        let first = usize::from(self.classes == 2);
        mean_of_dependent(&(first..self.classes).map(of_class).collect::<Vec<_>>())
    }

    /// Share of the images whose largest score is another class's.
    pub(super) fn wrong(&self, scores: &[Vec<f32>]) -> f64 {
        let is_wrong = |(label, row): (&usize, &Vec<f32>)| row.iter().any(|score| *score > row[*label]);
        let wrong = self.labels.iter().zip(scores).filter(|pair| is_wrong(*pair)).count();
        wrong as f64 / self.labels.len() as f64
    }

    /// Share that is wrong where the commonest class is always guessed.
    pub(super) fn wrong_by_guessing(&self) -> f64 {
        let images = |class: usize| self.labels.iter().filter(|label| **label == class).count();
        let most = (0..self.classes).map(images).max().unwrap_or_default();
        1.0 - most as f64 / self.labels.len() as f64
    }
}

/// A column in standard deviations from its mean, cut off at the farthest.
fn standardise(rows: &mut [Vec<Option<f32>>], column: usize) {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in rows.iter().filter_map(|row| row[column]).map(f64::from) {
        (count, sum, squares) = (count + 1.0, sum + value, squares + value * value);
    }
    let mean = sum / count;
    let deviation = (squares / count - mean * mean).max(0.0).sqrt();
    let scale = if deviation > STILL * mean.abs().max(1.0) { 1.0 / deviation } else { 0.0 };
    let standard = |value: &mut f32| {
        *value = (((f64::from(*value) - mean) * scale) as f32).clamp(-FARTHEST, FARTHEST);
    };
    rows.iter_mut().filter_map(|row| row[column].as_mut()).for_each(standard);
}
