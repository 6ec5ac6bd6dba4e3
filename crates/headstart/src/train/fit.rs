//! Trains a tail on cached features, epoch by epoch; the best one on validation is kept.

use std::time::Instant;

use super::Observer;
use super::checkpoint::Checkpoint;
use super::collapse;
use super::optimizer::Stepper;
use super::recipe::Recipe;
use super::step::{Step, class_weights, features};
use super::validate::validate;
use crate::backbone::weights::Weights;
use crate::error::{Error, Result};
use crate::features::Records;
use crate::history::{EpochRecord, History};
use crate::network::{Parameters, Tail};
use crate::random::Random;

/// Streams of random numbers: the order of images, and dropout. Each epoch has its own, so that a
/// training that goes on after any epoch draws what it would have drawn.
const ORDER: u64 = 0x5eed_1000_0000;
const DROPOUT: u64 = 0x5eed_2000_0000;

/// Features with labels, and which of them train and which validate.
pub(super) struct Data<'a> {
    /// Features of every image.
    pub(super) records: &'a Records,
    /// The class of each record.
    pub(super) labels: &'a [usize],
    /// Records that train.
    pub(super) train: &'a [usize],
    /// Records that validate.
    pub(super) validation: &'a [usize],
    /// Number of classes.
    pub(super) classes: usize,
    /// The positive class.
    pub(super) positive: usize,
}

/// A trained tail.
#[derive(Debug, Clone)]
pub(super) struct Fitted {
    /// Weights of the best epoch.
    pub(super) weights: Weights,
    /// Every epoch.
    pub(super) history: History,
    /// What went wrong, in words for the user.
    pub(super) warnings: Vec<String>,
}

/// Where a training stands between two epochs: all that the next one depends on.
pub(super) struct State {
    pub(super) parameters: Parameters,
    pub(super) stepper: Stepper,
    pub(super) fitted: Fitted,
}

impl State {
    fn new(tail: &Tail, weights: &Weights, recipe: &Recipe) -> Self {
        let parameters = tail.parameters(weights);
        let weights = tail.weights(&parameters);
        let fitted = Fitted { weights, history: History::default(), warnings: vec![] };
        Self { parameters, stepper: Stepper::new(recipe), fitted }
    }

    /// Epochs that are behind it.
    fn epochs(&self) -> usize {
        self.fitted.history.epochs.len()
    }

    fn is_finished(&self, recipe: &Recipe) -> bool {
        let best = self.fitted.history.best_epoch.unwrap_or(0);
        self.epochs() >= recipe.epochs || self.epochs() - best >= recipe.patience.max(1)
    }
}

/// What stays the same in all epochs.
pub(super) struct Fit<'a> {
    pub(super) tail: &'a Tail,
    pub(super) data: &'a Data<'a>,
    pub(super) recipe: &'a Recipe,
    pub(super) seed: u64,
}

impl Fit<'_> {
    /// Trains from `weights`, or from where `checkpoint` stands; that is brought up to date after each epoch.
    ///
    /// # Errors
    /// [`Error::Interrupted`], a checkpoint that cannot be written, or a loss that is no number any more.
    pub(super) fn run(
        &self,
        weights: &Weights,
        checkpoint: &Checkpoint,
        observer: &mut dyn Observer,
    ) -> Result<Fitted> {
        let mut state = match checkpoint.load(self.tail, self.recipe)? {
            Some(state) => {
                observer.say(&format!("going on after epoch {}", state.epochs()));
                state
            }
            None => State::new(self.tail, weights, self.recipe),
        };
        while !state.is_finished(self.recipe) {
            state = self.epoch(state, observer).inspect_err(|error| {
                // A loss that is no number would come again; after a stop the training can go on.
                if !matches!(error, Error::Interrupted) {
                    checkpoint.remove();
                }
            })?;
            checkpoint.save(&state, self.tail)?;
        }
        Ok(state.fitted)
    }

    fn epoch(&self, mut state: State, observer: &mut dyn Observer) -> Result<State> {
        let Self { tail, data, recipe, seed } = *self;
        let (epoch, start) = (state.epochs() + 1, Instant::now());
        let mut order = data.train.to_vec();
        Random::new(seed, ORDER + epoch as u64).shuffle(&mut order);
        let mut dropout = Random::new(seed, DROPOUT + epoch as u64);
        let class_weights = class_weights(data, recipe.class_weights);
        let (mut loss_sum, mut right, mut seen) = (0.0, 0, 0);
        for batch in order.chunks(recipe.batch_size) {
            if observer.stop() {
                return Err(Error::Interrupted);
            }
            let labels: Vec<usize> = batch.iter().map(|index| data.labels[*index]).collect();
            let step = Step { tail, recipe, class_weights: &class_weights, labels: &labels };
            let features = features(tail, data, batch);
            let (next, loss, hits) = step.take(state.parameters, features, &mut state.stepper, &mut dropout);
            state.parameters = next;
            loss_sum += loss * batch.len() as f64;
            right += hits;
            seen += batch.len();
            observer.step(epoch, seen, order.len());
        }
        let train_loss = loss_sum / seen as f64;
        if !train_loss.is_finite() {
            let (rate, lower) = (recipe.learning_rate, recipe.learning_rate / 10.0);
            return Err(Error::Usage(format!(
                "the loss is no number any more in epoch {epoch}: try a learning rate below {rate}, for example {lower}"
            )));
        }
        let weights = tail.weights(&state.parameters);
        let validation = validate(tail, &weights, data, recipe);
        let record = EpochRecord {
            epoch,
            train_loss,
            train_accuracy: right as f64 / seen as f64,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            validation_auc: validation.auc,
            learning_rate: recipe.learning_rate,
            seconds: start.elapsed().as_secs_f64(),
        };
        observer.epoch(&record);
        let warning = collapse::look(&record, &validation.predicted, &weights, self);
        let fitted = &mut state.fitted;
        if let Some(warning) = warning.filter(|_| fitted.warnings.is_empty()) {
            observer.warn(&warning);
            fitted.warnings.push(warning);
        }
        if fitted.history.best().is_none_or(|best| record.validation_loss < best.validation_loss) {
            fitted.weights = weights;
            fitted.history.best_epoch = Some(epoch);
        }
        fitted.history.epochs.push(record);
        Ok(state)
    }
}
