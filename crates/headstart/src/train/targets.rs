//! What is wanted of a batch: a share of each class for each image, and how much each image counts.

use super::mix::Pairs;

/// Targets of a batch.
pub(super) struct Targets {
    /// `[batch, classes]`; each row sums to 1.
    pub(super) shares: Vec<f32>,
    /// `[batch]`.
    pub(super) weights: Vec<f32>,
    /// Images of the whole batch, of which these may be a slice: the loss is a mean over all of them.
    pub(super) whole: usize,
}

impl Targets {
    /// One-hot, each image with the weight of its class.
    pub(super) fn one_hot(labels: &[usize], class_weights: &[f32]) -> Self {
        Self::new(labels, class_weights, 0.0, &Pairs::none(labels.len()))
    }

    /// Mixed as the images are; `smoothing` of each label is spread over all classes (Szegedy 2016).
    pub(super) fn new(labels: &[usize], class_weights: &[f32], smoothing: f32, pairs: &Pairs) -> Self {
        let classes = class_weights.len();
        let mut shares = vec![smoothing / classes as f32; labels.len() * classes];
        let mut weights = Vec::with_capacity(labels.len());
        for (image, row) in shares.chunks_exact_mut(classes).enumerate() {
            let (own, other) = (labels[image], labels[pairs.partner[image]]);
            let share = pairs.share[image];
            row[own] += share * (1.0 - smoothing);
            row[other] += (1.0 - share) * (1.0 - smoothing);
            weights.push(share * class_weights[own] + (1.0 - share) * class_weights[other]);
        }
        Self { shares, weights, whole: labels.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_and_mixing_share_a_label_out() {
        let pairs = Pairs { partner: vec![1, 0], share: vec![0.75; 2] };
        let targets = Targets::new(&[0, 1], &[0.5, 1.5], 0.2, &pairs);
        let near = |found: &[f32], expected: &[f32]| {
            found.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{found:?}"));
        };
        // 0.1 of each, and 0.8 shared 3 to 1.
        near(&targets.shares, &[0.7, 0.3, 0.3, 0.7]);
        near(&targets.weights, &[0.75, 1.25]);
        near(&Targets::one_hot(&[1], &[1.0, 2.0, 1.0]).shares, &[0.0, 1.0, 0.0]);
    }
}
