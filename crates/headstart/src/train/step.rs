//! One training step: a batch of cached features through the tail and back.

use burn::tensor::{Tensor, TensorData};

use super::fit::Data;
use super::mix::Pairs;
use super::optimizer::Stepper;
use super::recipe::Recipe;
use super::targets::Targets;
use super::unfreeze_schedule::UnfreezeSchedule;
use crate::error::Result;
use crate::network::{Parameters, Tail, host};
use crate::random::Random;

/// Images of a step.
pub(super) struct Batch {
    /// `[batch, H, W, C]`.
    pub(super) features: Tensor<4>,
    pub(super) labels: Vec<usize>,
    pub(super) targets: Targets,
}

/// What a batch came to.
pub(super) struct Came {
    /// Mean over its images, with the weights' penalty.
    pub(super) loss: f64,
    /// The penalty alone.
    pub(super) penalty: f64,
    /// How many images were classified right.
    pub(super) hits: usize,
}

/// What a step needs besides its images and what it changes.
pub(super) struct Step<'a> {
    pub(super) tail: &'a Tail,
    pub(super) recipe: &'a Recipe,
    pub(super) unfreeze_schedule: &'a UnfreezeSchedule,
    /// From 1 on.
    pub(super) epoch: usize,
    pub(super) learning_rate: f64,
}

impl Step<'_> {
    /// The parameters after the step, and what the batch came to before it.
    pub(super) fn take(
        &self,
        mut parameters: Parameters,
        batch: Batch,
        stepper: &mut Stepper,
        dropout: &mut Random,
    ) -> (Parameters, Came) {
        for (name, parameter) in &mut parameters {
            let leaf = Tensor::from_inner(parameter.values.clone());
            let moves = self.unfreeze_schedule.share(name, self.epoch).is_some();
            parameter.values = if moves { leaf.require_grad() } else { leaf };
        }
        let (loss, penalty, hits) = self.loss(&parameters, batch, dropout);
        let mut gradients = loss.backward();
        let value = |tensor: Tensor<1>| f64::from(tensor.inner().into_scalar::<f32>());
        let came = Came { loss: value(loss), penalty: penalty.map_or(0.0, value), hits };
        let rate =
            |name: &str| self.learning_rate * self.unfreeze_schedule.share(name, self.epoch).unwrap_or(0.0);
        (stepper.step(&rate, parameters, &mut gradients), came)
    }

    /// The loss with its penalty, `[1]`, the penalty alone, and how many images are classified right.
    pub(super) fn loss(
        &self,
        parameters: &Parameters,
        batch: Batch,
        dropout: &mut Random,
    ) -> (Tensor<1>, Option<Tensor<1>>, usize) {
        let Batch { features, labels, targets } = batch;
        let logits = self.tail.forward(parameters, Tensor::from_inner(features), Some(dropout));
        let classes = logits.dims()[1];
        let rows = host(logits.clone().inner());
        let hits = labels.iter().zip(rows.chunks_exact(classes)).filter(|(label, row)| {
            row.iter().enumerate().all(|(class, logit)| class == **label || *logit < row[**label])
        });
        let hits = hits.count();
        let loss = self.recipe.loss.of_batch(logits, &targets, self.recipe.focal_gamma);
        match self.tail.penalty(parameters) {
            Some(penalty) => (loss + penalty.clone(), Some(penalty), hits),
            None => (loss, None, hits),
        }
    }
}

impl Batch {
    /// Gathers the training images at `indices`, or views of them, and mixes them when the recipe says so.
    ///
    /// # Errors
    /// When a file that must be read again has changed.
    pub(super) fn gather(
        tail: &Tail,
        data: &Data<'_>,
        recipe: &Recipe,
        (indices, class_weights): (&[usize], &[f32]),
        random: &mut Random,
    ) -> Result<Self> {
        let shape = tail.input();
        let mut values = vec![0.0; indices.len() * shape.len()];
        data.views.draw(data, indices, &mut values, random)?;
        let labels: Vec<usize> = indices.iter().map(|index| data.labels[*index]).collect();
        let pairs = match recipe.mix {
            Some(mix) => mix.apply(&mut values, shape, random),
            None => Pairs::none(labels.len()),
        };
        let targets = Targets::new(&labels, class_weights, recipe.label_smoothing, &pairs);
        let dims = [labels.len(), shape.height, shape.width, shape.channels];
        let features = Tensor::from_data(TensorData::new(values, dims), tail.device());
        Ok(Self { features, labels, targets })
    }
}

/// Weights that make each class count the same, with mean 1 over the images.
pub(super) fn class_weights(data: &Data<'_>, wanted: bool) -> Vec<f32> {
    let mut counts = vec![0usize; data.classes];
    data.train.iter().for_each(|index| counts[data.labels[*index]] += 1);
    let share = data.train.len() as f32 / data.classes as f32;
    counts.iter().map(|count| if wanted { share / (*count).max(1) as f32 } else { 1.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Cache;
    use crate::train::views::Views;

    #[test]
    fn classes_weigh_the_same_and_images_one_on_average() {
        let folder = tempfile::tempdir().expect("a folder");
        let records = Cache::open(folder.path(), "k", 1, &|| false).expect("opens").read(&[]);
        let data = Data {
            records: &records,
            views: &Views::default(),
            stressed: &Views::default(),
            labels: &[0, 1, 1, 1, 0],
            // Three of class 1, and one of class 0: the last does not train.
            train: &[0, 1, 2, 3],
            validation: &[4],
            classes: 2,
            positive: 1,
        };
        assert_eq!(class_weights(&data, true), [2.0, 2.0 / 3.0]);
        assert_eq!(class_weights(&data, false), [1.0, 1.0]);
    }
}
