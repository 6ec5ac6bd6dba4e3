//! Confident learning (Northcutt, Jiang & Chuang 2021): an image counts for a class when its score is
//! at least what the images labelled so get on average. The off-diagonal of the counts are suspects.

/// An image whose label is probably wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Suspect {
    /// Which row.
    pub(super) index: usize,
    /// The class that it probably is of.
    pub(super) likely: usize,
}

/// The suspects, by normalised margin: the score of the label minus the largest of the others.
///
/// # Shapes
/// - `labels`: `[N]`
/// - `scores`: `[N, classes]`, of models that did not see the image
pub(super) fn suspects(labels: &[usize], scores: &[Vec<f32>]) -> Vec<Suspect> {
    let thresholds = thresholds(labels, scores);
    let mut suspects: Vec<(f32, Suspect)> = Vec::new();
    for (index, (label, scores)) in labels.iter().zip(scores).enumerate() {
        let confident = (0..scores.len()).filter(|class| f64::from(scores[*class]) >= thresholds[*class]);
        let likely = confident.max_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(b.cmp(a)));
        // A class may pass its threshold while the label's score is larger: that speaks for the label.
        if let Some(likely) = likely.filter(|likely| likely != label && scores[*likely] > scores[*label]) {
            suspects.push((scores[*label] - scores[likely], Suspect { index, likely }));
        }
    }
    suspects.sort_by(|a, b| a.0.total_cmp(&b.0));
    suspects.into_iter().map(|(_, suspect)| suspect).collect()
}

/// The mean score of each class over the images labelled so.
fn thresholds(labels: &[usize], scores: &[Vec<f32>]) -> Vec<f64> {
    let classes = scores.first().map_or(0, Vec::len);
    let mean = |class: usize| {
        let own = labels.iter().zip(scores).filter(|(label, _)| **label == class);
        let (sum, count) =
            own.fold((0.0, 0usize), |(sum, count), (_, scores)| (sum + f64::from(scores[class]), count + 1));
        sum / count as f64
    };
    (0..classes).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels, scores in steps of 1/1024, and cleanlab's suspects in its order: see
    /// `tools/golden_label_errors.py`.
    #[derive(serde::Deserialize)]
    struct Case {
        labels: Vec<usize>,
        steps: Vec<Vec<u16>>,
        suspects: Vec<usize>,
    }

    #[test]
    fn the_suspects_are_cleanlab_s() {
        let golden = include_str!("../../../tests/golden/label_errors.json");
        let cases: Vec<Case> = serde_json::from_str(golden).expect("the golden cases");
        for Case { labels, steps, suspects: expected } in cases {
            let score = |steps: &Vec<u16>| steps.iter().map(|step| f32::from(*step) / 1024.0).collect();
            let scores: Vec<Vec<f32>> = steps.iter().map(score).collect();
            let found: Vec<usize> = suspects(&labels, &scores).iter().map(|suspect| suspect.index).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_label_that_scores_contradict_is_suspected() {
        // Thresholds: (0.9 + 0.7 + 0.1) / 3 = 0.567 and (0.8 + 0.6 + 0.3) / 3 = 0.567.
        let labels = [0, 0, 0, 1, 1, 1];
        let scores = [0.9f32, 0.7, 0.1, 0.2, 0.4, 0.7].map(|first| vec![first, 1.0 - first]);
        let found = suspects(&labels, &scores);
        assert_eq!(found, [Suspect { index: 2, likely: 1 }, Suspect { index: 5, likely: 0 }]);
    }

    #[test]
    fn an_unsure_score_accuses_nobody() {
        let labels = [0, 0, 1, 1];
        let scores = [0.95f32, 0.45, 0.05, 0.1].map(|first| vec![first, 1.0 - first]);
        // The second is below 0.5, but not as far as the images of class 1 are on average.
        assert!(suspects(&labels, &scores).is_empty());
    }
}
