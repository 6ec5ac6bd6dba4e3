//! Prediction sets with a stated coverage (Vovk 2005), class by class, from validation scores.

use serde::{Deserialize, Serialize};

use super::intervals::{Estimate, wilson};
use super::metrics::positive_score;

/// Share of the images whose set holds their class.
pub const COVERAGE: f64 = 0.95;

/// From which score on each class is plausible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    /// Share of each class's images whose set holds that class, on images like the validation's.
    pub coverage: f64,
    /// By class: its least plausible score.
    pub thresholds: Vec<f64>,
}

/// How prediction sets did on labelled images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// What was promised.
    pub nominal: f64,
    /// Share of the images whose set holds their class.
    pub coverage: Estimate,
    /// The same by class.
    pub by_class: Vec<Estimate>,
    /// Share of the images whose set is a single class: those that can be decided.
    pub decided: Estimate,
}

impl Conformal {
    /// From validation images: `⌊(n + 1) · (1 − coverage)⌋` of each class's own scores lie below its
    /// threshold. `None` when a class has too few images to promise that much.
    pub fn fit(labels: &[usize], scores: &[Vec<f32>], coverage: f64) -> Option<Self> {
        let classes = scores.first()?.len();
        let of_class = |class: usize| {
            let mut own: Vec<f64> = labels
                .iter()
                .zip(scores)
                .filter(|(label, _)| **label == class)
                .map(|(_, row)| positive_score(row, class))
                .collect();
            own.sort_by(f64::total_cmp);
            // 0.05 of 20 is 1 but for the last bit.
            let rank = ((own.len() + 1) as f64 * (1.0 - coverage) + 1e-9).floor() as usize;
            rank.checked_sub(1).map(|index| own[index])
        };
        let thresholds = (0..classes).map(of_class).collect::<Option<_>>()?;
        Some(Self { coverage, thresholds })
    }

    /// The classes that a row of scores leaves plausible, perhaps none.
    pub fn set(&self, scores: &[f32]) -> Vec<usize> {
        (0..scores.len()).filter(|class| positive_score(scores, *class) >= self.thresholds[*class]).collect()
    }

    /// How the sets of `scores` did.
    pub fn measure(&self, labels: &[usize], scores: &[Vec<f32>]) -> Coverage {
        let sets: Vec<Vec<usize>> = scores.iter().map(|row| self.set(row)).collect();
        Coverage::of(self.coverage, self.thresholds.len(), labels, &sets)
    }
}

impl Coverage {
    /// Of the classes that each image's set holds.
    pub(crate) fn of(nominal: f64, classes: usize, labels: &[usize], sets: &[Vec<usize>]) -> Self {
        let of = |class: Option<usize>| {
            let chosen =
                || labels.iter().zip(sets).filter(move |(label, _)| class.is_none_or(|c| **label == c));
            wilson(chosen().filter(|(label, set)| set.contains(label)).count(), chosen().count())
        };
        Self {
            nominal,
            coverage: of(None),
            by_class: (0..classes).map(|class| of(Some(class))).collect(),
            decided: wilson(sets.iter().filter(|set| set.len() == 1).count(), sets.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(of_positive: &[f32]) -> Vec<Vec<f32>> {
        of_positive.iter().map(|score| vec![1.0 - score, *score]).collect()
    }

    #[test]
    fn thresholds_are_ranks() {
        // 19 images of each class: ⌊20 · 0.1⌋ = 2, the second least score of their own.
        let scores: Vec<f32> = (1..=19u8).map(|step| f32::from(step) / 20.0).collect();
        let all = rows(&[scores.clone(), scores].concat());
        let labels: Vec<usize> = (0..38).map(|image| usize::from(image >= 19)).collect();
        let sets = Conformal::fit(&labels, &all, 0.9).expect("enough images");
        assert!((sets.thresholds[1] - 0.1).abs() < 1e-6 && (sets.thresholds[0] - 0.1).abs() < 1e-6);
        assert_eq!((sets.set(&[0.5, 0.5]), sets.set(&[0.95, 0.05])), (vec![0, 1], vec![0]));
        assert!(Conformal::fit(&labels[..30], &all[..30], 0.95).is_none());
    }

    #[test]
    fn a_set_may_be_empty() {
        let sets = Conformal { coverage: 0.9, thresholds: vec![0.7, 0.8] };
        assert!(sets.set(&[0.6, 0.4]).is_empty());
        let measured = sets.measure(&[0, 0, 1], &rows(&[0.1, 0.4, 0.9]));
        assert_eq!(measured.coverage, wilson(2, 3));
        assert_eq!((measured.by_class[1], measured.decided), (wilson(1, 1), wilson(2, 3)));
    }

    /// The promise: over many validation sets the coverage of new images is at least as stated, and
    /// not much more.
    #[test]
    fn new_images_are_covered_as_stated() {
        let mut random = crate::random::Random::new(3, 3);
        let mut draw = |count: usize| -> (Vec<usize>, Vec<Vec<f32>>) {
            let one = |_| {
                let label = random.below(2);
                let score = (random.unit() + random.unit() + label as f32) / 3.0;
                (label, vec![1.0 - score, score])
            };
            (0..count).map(one).unzip()
        };
        let mut mean = 0.0;
        for _ in 0..200 {
            let ((labels, scores), (new_labels, new_scores)) = (draw(150), draw(300));
            let sets = Conformal::fit(&labels, &scores, 0.9).expect("enough images");
            mean += sets.measure(&new_labels, &new_scores).coverage.value / 200.0;
        }
        assert!((0.9..0.92).contains(&mean), "{mean}");
    }
}
