//! Losses on logits, for training and on the host.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Tensor, TensorData};

use super::recipe::Loss;
use crate::classifier::Output;

impl Loss {
    /// Mean loss over a batch, each image times the weight of its class.
    ///
    /// # Shapes
    /// - `logits`: `[batch, classes]`
    /// - result: `[1]`
    pub(super) fn of_batch(self, logits: Tensor<2>, labels: &[usize], weights: &[f32]) -> Tensor<1> {
        let [batch, classes] = logits.dims();
        let target = |value: &dyn Fn(usize, bool) -> f32| {
            let cells =
                labels.iter().flat_map(|label| (0..classes).map(|class| value(*label, class == *label)));
            Tensor::<2>::from_data(
                TensorData::new(cells.collect::<Vec<f32>>(), [batch, classes]),
                &logits.device(),
            )
        };
        let hit = target(&|label, hit| if hit { weights[label] } else { 0.0 });
        match self {
            Self::CategoricalCrossEntropy => {
                (log_softmax(logits, 1) * hit).sum().mul_scalar(-1.0 / batch as f32)
            }
            Self::BinaryCrossEntropy => {
                let miss = target(&|label, hit| if hit { 0.0 } else { weights[label] });
                let terms = log_sigmoid(logits.clone()) * hit + log_sigmoid(logits.neg()) * miss;
                terms.sum().mul_scalar(-1.0 / (batch * classes) as f32)
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
            let batch: f32 = loss.of_batch(logits, &[2, 1], &[1.0; 3]).into_scalar();
            let images = (loss.of_image(&rows[0], 2) + loss.of_image(&rows[1], 1)) / 2.0;
            assert!((f64::from(batch) - images).abs() < 1e-6, "{batch} {images}");
        }
    }
}
