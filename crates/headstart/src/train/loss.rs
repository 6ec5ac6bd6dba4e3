//! Losses on logits, for training and on the host.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Tensor, TensorData};

use super::recipe::Loss;
use super::targets::Targets;
use crate::evaluate::Output;

/// Keeps the slope of `(1 − p)^γ` finite where p is 1.
const LEAST_MISSING: f32 = 1e-6;

impl Loss {
    /// Mean loss over a batch, each image times its weight; of a slice of a batch, what it adds to the mean. With `focal_gamma` above 0 each term counts
    /// `(1 − p)^γ`, p being the score of what is right: images that are well classified count less (Lin 2017).
    ///
    /// # Shapes
    /// - `logits`: `[batch, classes]`
    /// - result: `[1]`
    pub(super) fn of_batch(self, logits: Tensor<2>, targets: &Targets, focal_gamma: f32) -> Tensor<1> {
        let [batch, classes] = logits.dims();
        let cells = |value: &dyn Fn(f32, f32) -> f32| {
            let rows = targets.shares.chunks_exact(classes).zip(&targets.weights);
            let cells = rows.flat_map(|(row, weight)| row.iter().map(|share| value(*share, *weight)));
            let data = TensorData::new(cells.collect::<Vec<f32>>(), [batch, classes]);
            Tensor::<2>::from_data(data, &logits.device())
        };
        let focus = |log_score: Tensor<2>| match focal_gamma > 0.0 {
            true => {
                let missing = log_score.clone().exp().neg().add_scalar(1.0).clamp_min(LEAST_MISSING);
                log_score * missing.powf_scalar(focal_gamma)
            }
            false => log_score,
        };
        let hit = cells(&|share, weight| weight * share);
        match self {
            Self::CategoricalCrossEntropy => {
                (focus(log_softmax(logits, 1)) * hit).sum().mul_scalar(-1.0 / targets.whole as f32)
            }
            Self::BinaryCrossEntropy => {
                let miss = cells(&|share, weight| weight * (1.0 - share));
                let terms =
                    focus(log_sigmoid(logits.clone())) * hit + focus(log_sigmoid(logits.neg())) * miss;
                terms.sum().mul_scalar(-1.0 / (targets.whole * classes) as f32)
            }
        }
    }

    /// Loss of one image on the host.
    pub(super) fn of_image(self, logits: &[f32], label: usize) -> f64 {
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        match self {
            Self::CategoricalCrossEntropy => {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
                sum.ln() + f64::from(largest - logits[label])
            }
            Self::BinaryCrossEntropy => {
                let terms = logits.iter().enumerate().map(|(class, logit)| {
                    softplus(if class == label { -f64::from(*logit) } else { f64::from(*logit) })
                });
                terms.sum::<f64>() / logits.len() as f64
            }
        }
    }

    /// How logits become scores.
    pub fn output(self) -> Output {
        match self {
            Self::CategoricalCrossEntropy => Output::Softmax,
            Self::BinaryCrossEntropy => Output::Sigmoid,
        }
    }

    /// The loss of scores that are the same for every image, the classes' shares: what a net that
    /// has learned nothing comes to.
    pub(super) fn of_nothing_learned(self, shares: &[f64]) -> f64 {
        let entropy = |share: f64| if share > 0.0 { -share * share.ln() } else { 0.0 };
        match self {
            Self::CategoricalCrossEntropy => shares.iter().map(|share| entropy(*share)).sum(),
            Self::BinaryCrossEntropy => {
                let both = shares.iter().map(|share| entropy(*share) + entropy(1.0 - share));
                both.sum::<f64>() / shares.len() as f64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_losses_agree_with_counts_by_hand() {
        // -ln(e² / (e² + e⁰)) and the mean of softplus(-2) and softplus(0).
        let logits = [2.0, 0.0];
        let categorical = Loss::CategoricalCrossEntropy.of_image(&logits, 0);
        assert!((categorical - 0.126_928_011).abs() < 1e-8);
        let binary = Loss::BinaryCrossEntropy.of_image(&logits, 0);
        assert!((binary - (0.126_928_011 + std::f64::consts::LN_2) / 2.0).abs() < 1e-8);
    }

    #[test]
    fn the_batch_is_the_mean_of_the_images() {
        let device = burn::tensor::Device::flex();
        let rows = [[0.3, -1.2, 2.0], [1.5, 0.0, -0.7]];
        for loss in [Loss::CategoricalCrossEntropy, Loss::BinaryCrossEntropy] {
            let logits = Tensor::<2>::from_floats(rows, &device);
            let batch: f32 = loss.of_batch(logits, &Targets::one_hot(&[2, 1], &[1.0; 3]), 0.0).into_scalar();
            let images = (loss.of_image(&rows[0], 2) + loss.of_image(&rows[1], 1)) / 2.0;
            assert!((f64::from(batch) - images).abs() < 1e-6, "{batch} {images}");
        }
    }

    #[test]
    fn focal_loss_counts_what_is_well_classified_less() {
        // p = e² / (e² + 1) of class 0, so that the loss is (1 − p)² · -ln p.
        let logits = Tensor::<2>::from_floats([[2.0, 0.0]], &burn::tensor::Device::flex());
        let targets = Targets::one_hot(&[0], &[1.0; 2]);
        let focal: f32 = Loss::CategoricalCrossEntropy.of_batch(logits, &targets, 2.0).into_scalar();
        assert!((focal - 0.001_803_56).abs() < 1e-7, "{focal}");
    }
}
