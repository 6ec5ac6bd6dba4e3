//! One training step: a batch of cached features through the tail and back.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};

use super::fit::Data;
use super::mix::Pairs;
use super::optimizer::Stepper;
use super::recipe::Recipe;
use super::targets::Targets;
use super::unfreeze_schedule::UnfreezeSchedule;
use crate::error::Result;
use crate::network::{Parameter, Parameters, Tail, host};
use crate::random::Random;

/// Which training images a step takes.
#[derive(Clone, Copy)]
pub(super) struct Images<'a> {
    pub(super) data: &'a Data<'a>,
    /// Their records, by place.
    pub(super) places: &'a [usize],
    pub(super) class_weights: &'a [f32],
    /// How many the batch has that they are, or are a slice of.
    pub(super) batch: usize,
}

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

/// Of each parameter that moves.
pub(super) type Gradients = BTreeMap<String, Tensor<1>>;

impl Step<'_> {
    /// The parameters after the step, and what the batch came to before it.
    pub(super) fn take(
        &self,
        parameters: Parameters,
        batch: Batch,
        stepper: &mut Stepper,
        dropout: &mut Random,
    ) -> (Parameters, Came) {
        let (gradients, came) = self.gradients(&parameters, batch, dropout);
        (self.go(parameters, &gradients, stepper), came)
    }

    /// The gradients of the loss with its penalty, and what the batch came to.
    pub(super) fn gradients(
        &self,
        parameters: &Parameters,
        batch: Batch,
        dropout: &mut Random,
    ) -> (Gradients, Came) {
        let leaves = self.leaves(parameters);
        let (loss, penalty, hits) = self.loss(&leaves, batch, dropout);
        let gradients = gradients(&leaves, loss.backward());
        (gradients, Came { loss: value(loss), penalty: penalty.map_or(0.0, value), hits })
    }

    /// The gradients of a slice of a batch, whose loss has no penalty.
    pub(super) fn gradients_of_slice(
        &self,
        parameters: &Parameters,
        slice: Batch,
        dropout: &mut Random,
    ) -> (Gradients, Came) {
        let leaves = self.leaves(parameters);
        let (loss, hits) = self.loss_of_images(&leaves, slice, dropout);
        let gradients = gradients(&leaves, loss.backward());
        (gradients, Came { loss: value(loss), penalty: 0.0, hits })
    }

    /// The gradients of the weights' penalty, and how much it is; `None` where there is none.
    pub(super) fn gradients_of_penalty(&self, parameters: &Parameters) -> Option<(Gradients, f64)> {
        let leaves = self.leaves(parameters);
        let penalty = self.tail.penalty(&leaves)?;
        // What stands still has none.
        let gradients = match self.tail.penalised().any(|name| self.moves(&name)) {
            true => gradients(&leaves, penalty.backward()),
            false => Gradients::new(),
        };
        Some((gradients, value(penalty)))
    }

    /// The parameters one step further.
    pub(super) fn go(
        &self,
        parameters: Parameters,
        gradients: &Gradients,
        stepper: &mut Stepper,
    ) -> Parameters {
        let share = |name: &str| self.unfreeze_schedule.share(name, self.epoch).unwrap_or(0.0);
        stepper.step(&|name| self.learning_rate * share(name), parameters, gradients)
    }

    /// Whether a parameter moves in this epoch.
    pub(super) fn moves(&self, name: &str) -> bool {
        self.unfreeze_schedule.share(name, self.epoch).is_some()
    }

    fn leaves(&self, parameters: &Parameters) -> Parameters {
        let mut leaves = parameters.clone();
        for (name, parameter) in &mut leaves {
            let leaf = Tensor::from_inner(parameter.values.clone());
            parameter.values = if self.moves(name) { leaf.require_grad() } else { leaf };
        }
        leaves
    }

    /// The loss with its penalty, `[1]`, the penalty alone, and how many images are classified right.
    pub(super) fn loss(
        &self,
        parameters: &Parameters,
        batch: Batch,
        dropout: &mut Random,
    ) -> (Tensor<1>, Option<Tensor<1>>, usize) {
        let (loss, hits) = self.loss_of_images(parameters, batch, dropout);
        match self.tail.penalty(parameters) {
            Some(penalty) => (loss + penalty.clone(), Some(penalty), hits),
            None => (loss, None, hits),
        }
    }

    /// The loss without a penalty, `[1]`, and how many images are classified right.
    fn loss_of_images(
        &self,
        parameters: &Parameters,
        batch: Batch,
        dropout: &mut Random,
    ) -> (Tensor<1>, usize) {
        let Batch { features, labels, targets } = batch;
        let logits = self.tail.forward(parameters, Tensor::from_inner(features), Some(dropout));
        let classes = logits.dims()[1];
        let rows = host(logits.clone().inner());
        let hits = labels.iter().zip(rows.chunks_exact(classes)).filter(|(label, row)| {
            row.iter().enumerate().all(|(class, logit)| class == **label || *logit < row[**label])
        });
        let hits = hits.count();
        (self.recipe.loss.of_batch(logits, &targets, self.recipe.focal_gamma), hits)
    }
}

/// Those of the leaves that have one.
fn gradients(leaves: &Parameters, mut found: burn::tensor::Gradients) -> Gradients {
    let gradient =
        |(name, leaf): (&String, &Parameter)| Some((name.clone(), leaf.values.grad_remove(&mut found)?));
    leaves.iter().filter_map(gradient).collect()
}

fn value(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.inner().into_scalar::<f32>())
}

impl Batch {
    /// Gathers training images, or views of them, and mixes them when the recipe says so.
    ///
    /// # Errors
    /// When a file that must be read again has changed.
    pub(super) fn gather(
        tail: &Tail,
        recipe: &Recipe,
        Images { data, places, class_weights, batch }: Images<'_>,
        random: &mut Random,
    ) -> Result<Self> {
        let shape = tail.input();
        let mut values = vec![0.0; places.len() * shape.len()];
        data.views.draw(data, places, &mut values, random)?;
        let labels: Vec<usize> = places.iter().map(|place| data.labels[*place]).collect();
        let pairs = match recipe.mix {
            Some(mix) => mix.apply(&mut values, shape, random),
            None => Pairs::none(labels.len()),
        };
        let targets = Targets::new(&labels, class_weights, recipe.label_smoothing, &pairs);
        let targets = Targets { whole: batch, ..targets };
        let dims = [labels.len(), shape.height, shape.width, shape.channels];
        let features = Tensor::from_data(TensorData::new(values, dims), tail.device().tensors());
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
        let records = Cache::open(folder.path(), "k", 1).expect("opens").read(&[]);
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
