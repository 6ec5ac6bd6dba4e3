//! One training step: a batch of cached features through the tail and back.

use burn::tensor::{Tensor, TensorData};

use super::fit::Data;
use super::optimizer::Stepper;
use super::recipe::Recipe;
use crate::network::{Parameters, Tail, host};
use crate::random::Random;

/// What a step needs besides what it changes.
pub(super) struct Step<'a> {
    pub(super) tail: &'a Tail,
    pub(super) recipe: &'a Recipe,
    pub(super) class_weights: &'a [f32],
    pub(super) labels: &'a [usize],
}

impl Step<'_> {
    /// The parameters after the step, the loss before it, and how many images were classified right.
    pub(super) fn take(
        &self,
        mut parameters: Parameters,
        features: Tensor<4>,
        stepper: &mut Stepper,
        dropout: &mut Random,
    ) -> (Parameters, f64, usize) {
        for parameter in parameters.values_mut() {
            parameter.values = Tensor::from_inner(parameter.values.clone()).require_grad();
        }
        let (loss, hits) = self.loss(&parameters, features, dropout);
        let mut gradients = loss.backward();
        let value: f32 = loss.inner().into_scalar();
        (stepper.step(self.recipe.learning_rate, parameters, &mut gradients), f64::from(value), hits)
    }

    /// The loss with its penalty, `[1]`, and how many images are classified right.
    pub(super) fn loss(
        &self,
        parameters: &Parameters,
        features: Tensor<4>,
        dropout: &mut Random,
    ) -> (Tensor<1>, usize) {
        let logits = self.tail.forward(parameters, Tensor::from_inner(features), Some(dropout));
        let classes = logits.dims()[1];
        let rows = host(logits.clone().inner());
        let hits = self.labels.iter().zip(rows.chunks_exact(classes)).filter(|(label, row)| {
            row.iter().enumerate().all(|(class, logit)| class == **label || *logit < row[**label])
        });
        let hits = hits.count();
        let loss = self.recipe.loss.of_batch(logits, self.labels, self.class_weights);
        match self.tail.penalty(parameters) {
            Some(penalty) => (loss + penalty, hits),
            None => (loss, hits),
        }
    }
}

/// Gathers records, `[batch, H, W, C]`.
pub(super) fn features(tail: &Tail, data: &Data<'_>, batch: &[usize]) -> Tensor<4> {
    let shape = tail.input();
    let mut values = vec![0.0; batch.len() * shape.len()];
    for (index, output) in batch.iter().zip(values.chunks_exact_mut(shape.len())) {
        data.records.copy(*index, output);
    }
    let dims = [batch.len(), shape.height, shape.width, shape.channels];
    Tensor::from_data(TensorData::new(values, dims), tail.device())
}

/// Weights that make each class count the same, with mean 1 over the images.
pub(super) fn class_weights(data: &Data<'_>, wanted: bool) -> Vec<f32> {
    let mut counts = vec![0usize; data.classes];
    data.train.iter().for_each(|index| counts[data.labels[*index]] += 1);
    let share = data.train.len() as f32 / data.classes as f32;
    counts.iter().map(|count| if wanted { share / (*count).max(1) as f32 } else { 1.0 }).collect()
}
