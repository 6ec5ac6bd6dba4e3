//! Trains a tail on cached features, epoch by epoch; the best one on validation is kept, or the last.

use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::collapse;
use super::moving_average;
use super::optimizer::Stepper;
use super::phases::Phases;
use super::recipe::{Keep, Recipe};
use super::slices::Slices;
use super::state::{Fitted, State, Within};
use super::step::{Batch, Came, Gradients, Images, Step, class_weights};
use super::unfreeze_schedule::{Thaw, UnfreezeSchedule};
use super::validate::validate;
use super::views::Views;
use crate::backbone::weights::Weights;
use crate::error::{Error, Result};
use crate::features::Records;
use crate::history::EpochRecord;
use crate::network::{Parameters, Tail};
use crate::observer::Observer;
use crate::random::Random;
use crate::ranks::Ranks;

/// Stream of random numbers that orders the images; each epoch has its own.
const ORDER: u64 = 0x5eed_1000_0000;

/// Features with labels, and which of them train and which validate.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    /// Features of every image.
    pub(super) records: &'a Records,
    /// Features of views of the training images.
    pub(super) views: &'a Views<'a>,
    /// Features of the validation images, restyled.
    pub(super) stressed: &'a Views<'a>,
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

/// `a is`, or `a, b are`.
fn are(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// What stays the same in all steps.
pub(super) struct Fit<'a> {
    pub(super) tail: &'a Tail,
    pub(super) data: &'a Data<'a>,
    pub(super) recipe: &'a Recipe,
    pub(super) unfreeze_schedule: &'a UnfreezeSchedule,
    /// What trains on features at later cuts.
    pub(super) phases: &'a Phases,
    pub(super) seed: u64,
    /// Without one a training that is stopped is lost.
    pub(super) checkpoint: Option<&'a Checkpoint>,
    /// Time between two checkpoints; there is one after each epoch, too.
    pub(super) checkpoint_every: Duration,
    /// Those that share each step.
    pub(super) ranks: &'a Ranks,
}

impl Fit<'_> {
    /// Trains from `weights`, or from where the checkpoint stands.
    ///
    /// # Errors
    /// [`Error::Interrupted`], a checkpoint that cannot be written, or a loss that is no number any more.
    pub(super) fn run(&self, weights: &Weights, observer: &mut dyn Observer) -> Result<Fitted> {
        let stopped = self
            .checkpoint
            .map(|checkpoint| checkpoint.load(self.tail, self.recipe, self.ranks))
            .transpose()?;
        let mut state = match stopped.flatten() {
            Some(state) => {
                let (epochs, seen) = (state.epochs(), state.within.seen);
                observer.say(&format!("going on after epoch {epochs} and {seen} images of the next"));
                state
            }
            None => State::new(self.tail, weights, self.recipe, self.seed),
        };
        while !state.is_finished(self.recipe) {
            self.steps(&mut state, observer)?;
            self.close(&mut state, observer)?;
            self.save(&state)?;
        }
        Ok(state.fitted)
    }

    fn save(&self, state: &State) -> Result<()> {
        self.checkpoint
            .filter(|_| self.ranks.is_first())
            .map_or(Ok(()), |checkpoint| checkpoint.save(state, self.tail))
    }

    /// Takes what steps are left of an epoch.
    fn steps(&self, state: &mut State, observer: &mut dyn Observer) -> Result<()> {
        let Self { recipe, unfreeze_schedule, .. } = *self;
        let epoch = state.epochs() + 1;
        let head_epochs = recipe.thaw.head_epochs();
        if head_epochs > 0 && epoch == head_epochs + 1 && state.within.seen == 0 {
            // What was learned of the head's gradients while all else stood still does not hold any more.
            state.stepper = Stepper::new(recipe);
        }
        let thawed = self.unfreeze_schedule.thawed(epoch);
        if state.within.seen == 0 && !thawed.is_empty() {
            observer.say(&format!("from epoch {epoch} on {} trained, too", are(&thawed)));
        }
        let (tail, data) = self.moving(epoch);
        let mut order = data.train.to_vec();
        Random::new(self.seed, ORDER + epoch as u64).shuffle(&mut order);
        let class_weights = class_weights(&data, recipe.class_weights);
        let (mut clock, mut saved) = (Instant::now(), Instant::now());
        for batch in order[state.within.seen..].chunks(recipe.batch_size) {
            if self.ranks.any(observer.stop())? {
                self.save(state)?;
                // Whoever ends first ends all.
                self.ranks.meet()?;
                return Err(Error::Interrupted);
            }
            let learning_rate = self.learning_rate(epoch, state.within.seen);
            let step = Step { tail, recipe, unfreeze_schedule, epoch, learning_rate };
            let images =
                Images { data: &data, places: batch, class_weights: &class_weights, batch: batch.len() };
            let (gradients, came) = self.gradients(&step, &state.parameters, images, &mut state.within)?;
            let Came { loss, penalty, hits } = came;
            let parameters = std::mem::take(&mut state.parameters);
            state.parameters = step.go(parameters, &gradients, &mut state.stepper);
            let within = &mut state.within;
            if let (Some(mean), Some(decay)) = (&mut state.average, recipe.average) {
                moving_average::follow(mean, &state.parameters, decay, state.stepper.steps());
            }
            within.loss += loss * batch.len() as f64;
            within.penalty += penalty * batch.len() as f64;
            within.right += hits;
            within.seen += batch.len();
            within.seconds += std::mem::replace(&mut clock, Instant::now()).elapsed().as_secs_f64();
            observer.step(epoch, within.seen, order.len());
            if saved.elapsed() >= self.checkpoint_every {
                self.save(state)?;
                saved = Instant::now();
            }
        }
        Ok(())
    }

    /// The gradients of a batch, and what it came to: at once, or slice by slice.
    fn gradients(
        &self,
        step: &Step<'_>,
        parameters: &Parameters,
        images: Images<'_>,
        within: &mut Within,
    ) -> Result<(Gradients, Came)> {
        if self.recipe.slices > 1 {
            let slices = Slices::new(self.recipe.slices, self.ranks);
            return slices.gradients(step, parameters, images, within);
        }
        let batch = Batch::gather(step.tail, step.recipe, images, &mut within.views)?;
        Ok(step.gradients(parameters, batch, &mut within.dropout))
    }

    /// The tail and its features; while blocks wait, what follows them and the features there.
    fn moving(&self, epoch: usize) -> (&Tail, Data<'_>) {
        match self.phases.at(self.unfreeze_schedule.waiting(self.tail.layers(), epoch)) {
            Some(phase) => {
                let data = Data {
                    records: &phase.records,
                    views: &phase.views,
                    stressed: &phase.stressed,
                    ..*self.data
                };
                (&phase.tail, data)
            }
            None => (self.tail, *self.data),
        }
    }

    /// The rate of the step that follows `seen` images of an epoch, counted from 1. The head alone has a
    /// schedule of its own.
    fn learning_rate(&self, epoch: usize, seen: usize) -> f64 {
        let recipe = self.recipe;
        let head = recipe.thaw.head_epochs();
        let (epoch, epochs, rate) = match (epoch.checked_sub(head), recipe.thaw) {
            (None | Some(0), Thaw::HeadFirst { learning_rate, .. }) => (epoch, head, learning_rate),
            (after, _) => (after.unwrap_or(epoch), recipe.epochs, None),
        };
        let in_epoch = self.data.train.len().div_ceil(recipe.batch_size);
        let taken = (epoch - 1) * in_epoch + seen / recipe.batch_size;
        rate.unwrap_or(recipe.learning_rate) * recipe.schedule.share(taken, epochs * in_epoch, epoch)
    }

    /// Ends an epoch: validates, looks for a collapse, keeps the weights if the recipe says so.
    fn close(&self, state: &mut State, observer: &mut dyn Observer) -> Result<()> {
        let Self { recipe, .. } = *self;
        let (epoch, start) = (state.epochs() + 1, Instant::now());
        let next = Within::start(self.seed, epoch + 1);
        let within = std::mem::replace(&mut state.within, next);
        let train_loss = within.loss / within.seen as f64;
        if !train_loss.is_finite() {
            // It would come again.
            if let Some(checkpoint) = self.checkpoint.filter(|_| self.ranks.is_first()) {
                checkpoint.remove();
            }
            let (rate, lower) = (recipe.learning_rate, recipe.learning_rate / 10.0);
            return Err(Error::Usage(format!(
                "the loss is no number any more in epoch {epoch}: try a learning rate below {rate}, for example {lower}"
            )));
        }
        let parameters = state.average.as_ref().unwrap_or(&state.parameters);
        let weights = self.tail.weights(parameters);
        let penalty = self.tail.penalty(parameters).map(|penalty| f64::from(penalty.into_scalar::<f32>()));
        let (tail, data) = self.moving(epoch);
        let validation = validate(tail, &weights, &data, (recipe, self.ranks))?;
        let record = EpochRecord {
            epoch,
            train_loss,
            train_plain_loss: penalty.map(|_| (within.loss - within.penalty) / within.seen as f64),
            train_accuracy: within.right as f64 / within.seen as f64,
            validation_loss: validation.plain.loss,
            validation_penalised_loss: penalty.map(|penalty| validation.plain.loss + penalty),
            validation_accuracy: validation.plain.accuracy,
            validation_auc: validation.plain.auc,
            stressed_loss: validation.stressed.map(|stressed| stressed.loss),
            stressed_auc: validation.stressed.and_then(|stressed| stressed.auc),
            selection_loss: validation.selection_loss(recipe.validate_on),
            learning_rate: self.learning_rate(epoch, data.train.len() - 1),
            thawed: self.unfreeze_schedule.thawed(epoch),
            seconds: within.seconds + start.elapsed().as_secs_f64(),
        };
        observer.epoch(&record);
        let warning = collapse::look(&record, &validation.predicted, &weights, self);
        let fitted = &mut state.fitted;
        if let Some(warning) = warning.filter(|_| fitted.warnings.is_empty()) {
            observer.warn(&warning);
            fitted.warnings.push(warning);
        }
        let is_best = fitted.history.kept().is_none_or(|kept| record.deciding_loss() < kept.deciding_loss());
        if is_best || recipe.keep == Keep::Last {
            fitted.weights = weights;
            fitted.history.kept_epoch = Some(epoch);
        }
        fitted.history.epochs.push(record);
        Ok(())
    }
}
