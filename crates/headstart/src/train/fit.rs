//! Trains a tail on cached features: shuffled batches, the best epoch on validation kept.

use std::time::Instant;

use burn::tensor::{Tensor, TensorData};

use super::Observer;
use super::collapse::{self, Epoch};
use super::optimizer::Stepper;
use super::recipe::Recipe;
use crate::backbone::weights::Weights;
use crate::error::{Error, Result};
use crate::evaluate;
use crate::features::Records;
use crate::history::{EpochRecord, History};
use crate::network::{Parameters, Tail};
use crate::random::Random;
use crate::trunk::{Buffers, Plan};

/// Streams of random numbers: the order of images, and dropout.
const ORDER: u64 = 0x5eed_1000_0000;
const DROPOUT: u64 = 0x5eed_2000_0000;

/// Features with labels, and which of them train and which validate.
pub struct Data<'a> {
    /// Features of every image.
    pub records: &'a Records,
    /// The class of each record.
    pub labels: &'a [usize],
    /// Records that train.
    pub train: &'a [usize],
    /// Records that validate.
    pub validation: &'a [usize],
    /// Number of classes.
    pub classes: usize,
    /// The positive class.
    pub positive: usize,
}

/// A trained tail.
#[derive(Debug)]
pub struct Fitted {
    /// Weights of the best epoch.
    pub weights: Weights,
    /// Every epoch.
    pub history: History,
    /// What went wrong, in words for the user.
    pub warnings: Vec<String>,
}

/// Trains `tail` from `weights` on.
///
/// # Errors
/// [`Error::Interrupted`], or a loss that is no number any more.
pub fn fit(
    tail: &Tail,
    weights: &Weights,
    data: &Data<'_>,
    recipe: &Recipe,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<Fitted> {
    let mut parameters = tail.parameters(weights);
    let mut stepper = Stepper::new(recipe);
    let class_weights = class_weights(data, recipe.class_weights);
    let mut fitted =
        Fitted { weights: tail.weights(&parameters), history: History::default(), warnings: vec![] };
    let mut least = f64::INFINITY;
    for epoch in 1..=recipe.epochs {
        let start = Instant::now();
        let mut order = data.train.to_vec();
        Random::new(seed, ORDER + epoch as u64).shuffle(&mut order);
        let mut dropout = Random::new(seed, DROPOUT + epoch as u64);
        let (mut loss_sum, mut right, mut seen) = (0.0, 0, 0);
        for batch in order.chunks(recipe.batch_size) {
            if observer.stop() {
                return Err(Error::Interrupted);
            }
            let labels: Vec<usize> = batch.iter().map(|index| data.labels[*index]).collect();
            let step = Step { tail, recipe, class_weights: &class_weights, labels: &labels };
            let (next, loss, hits) =
                step.take(parameters, features(tail, data, batch), &mut stepper, &mut dropout);
            parameters = next;
            loss_sum += loss * batch.len() as f64;
            right += hits;
            seen += batch.len();
            observer.step(epoch, seen, order.len());
        }
        let weights = tail.weights(&parameters);
        let validation = validate(tail, &weights, data, recipe);
        let record = EpochRecord {
            epoch,
            train_loss: loss_sum / seen as f64,
            train_accuracy: right as f64 / seen as f64,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            validation_auc: validation.auc,
            learning_rate: recipe.learning_rate,
            seconds: start.elapsed().as_secs_f64(),
        };
        observer.epoch(&record);
        if !record.train_loss.is_finite() {
            let rate = recipe.learning_rate;
            return Err(Error::Usage(format!(
                "the loss is no number any more in epoch {epoch}: try a learning rate below {rate}, for example {}",
                rate / 10.0
            )));
        }
        let seen = Epoch { record: &record, predictions: &validation.predicted };
        if let Some(warning) = collapse::look(&seen, data, recipe)
            && fitted.warnings.is_empty()
        {
            observer.warn(&warning);
            fitted.warnings.push(warning);
        }
        if record.validation_loss < least {
            least = record.validation_loss;
            fitted.weights = weights;
            fitted.history.best_epoch = Some(epoch);
        }
        fitted.history.epochs.push(record);
        if epoch - fitted.history.best_epoch.unwrap_or(0) >= recipe.patience {
            break;
        }
    }
    Ok(fitted)
}

/// One batch's way through the tail and back.
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
        let logits = self.tail.forward(&parameters, Tensor::from_inner(features), Some(dropout));
        let classes = logits.dims()[1];
        let rows = crate::network::host(logits.clone().inner());
        let hits = self.labels.iter().zip(rows.chunks_exact(classes)).filter(|(label, row)| {
            row.iter().enumerate().all(|(class, logit)| class == **label || *logit < row[**label])
        });
        let hits = hits.count();
        let mut loss = self.recipe.loss.of_batch(logits, self.labels, self.class_weights);
        if let Some(penalty) = self.tail.penalty(&parameters) {
            loss = loss + penalty;
        }
        let mut gradients = loss.backward();
        let value: f32 = loss.inner().into_scalar();
        (stepper.step(self.recipe.learning_rate, parameters, &mut gradients), f64::from(value), hits)
    }
}

/// Gathers records, `[batch, H, W, C]`.
fn features(tail: &Tail, data: &Data<'_>, batch: &[usize]) -> Tensor<4> {
    let shape = tail.input();
    let mut values = vec![0.0; batch.len() * shape.len()];
    for (index, output) in batch.iter().zip(values.chunks_exact_mut(shape.len())) {
        data.records.copy(*index, output);
    }
    let dims = [batch.len(), shape.height, shape.width, shape.channels];
    Tensor::from_data(TensorData::new(values, dims), tail.device())
}

/// Weights that make each class count the same, with mean 1 over the images.
fn class_weights(data: &Data<'_>, wanted: bool) -> Vec<f32> {
    let mut counts = vec![0usize; data.classes];
    data.train.iter().for_each(|index| counts[data.labels[*index]] += 1);
    let share = data.train.len() as f32 / data.classes as f32;
    counts.iter().map(|count| if wanted { share / (*count).max(1) as f32 } else { 1.0 }).collect()
}

struct Validation {
    loss: f64,
    accuracy: f64,
    auc: Option<f64>,
    predicted: Vec<usize>,
}

fn validate(tail: &Tail, weights: &Weights, data: &Data<'_>, recipe: &Recipe) -> Validation {
    let logits = logits(tail, weights, data.records, data.validation);
    let labels: Vec<usize> = data.validation.iter().map(|index| data.labels[*index]).collect();
    let loss: f64 = logits.iter().zip(&labels).map(|(row, label)| recipe.loss.of_image(row, *label)).sum();
    let scores: Vec<Vec<f32>> = logits.iter().map(|row| recipe.loss.output().scores(row)).collect();
    let (truth, of_positive) = evaluate::one_against_rest(&labels, &scores, data.positive);
    let largest = |row: &Vec<f32>| {
        (0..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
    };
    Validation {
        loss: loss / labels.len() as f64,
        accuracy: evaluate::accuracy(&labels, &scores),
        auc: evaluate::auc(&truth, &of_positive),
        predicted: logits.iter().map(largest).collect(),
    }
}

/// Logits of records by the compiled tail: the code that predicts.
pub fn logits(tail: &Tail, weights: &Weights, records: &Records, indices: &[usize]) -> Vec<Vec<f32>> {
    let plan = Plan::new(tail.layers(), weights, tail.input());
    let (mut buffers, mut rows) = (Buffers::default(), Vec::with_capacity(indices.len()));
    for batch in indices.chunks(32) {
        let mut maps = vec![0.0; batch.len() * tail.input().len()];
        for (index, output) in batch.iter().zip(maps.chunks_exact_mut(tail.input().len())) {
            records.copy(*index, output);
        }
        let output = plan.forward(&maps, batch.len(), &mut buffers);
        rows.extend(output.chunks_exact(plan.output().len()).map(<[f32]>::to_vec));
        buffers.recycle(output);
    }
    rows
}
