//! Which learning rate: steps with a rate that climbs from far too small to far too large, and the loss
//! on the way (Smith 2015).

use super::assembly::Assembled;
use super::data::{Prepared, Usable, prepare};
use super::fit::Data;
use super::optimizer::Stepper;
use super::state::Within;
use super::step::{Batch, Images, Step, class_weights};
use super::unfreeze_schedule::{Thaw, UnfreezeSchedule};
use super::views::Views;
use super::{Job, Recipe, depth};
use crate::dataset::Split;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::random::Random;
use crate::rate_curve::RateCurve;

/// The first rate and the last.
const RATES: [f64; 2] = [1e-6, 1.0];
/// Steps from one to the other.
const STEPS: usize = 100;
/// What is kept of the running mean of the loss in each step.
const KEPT: f64 = 0.9;
/// The climb ends when the loss is so many times its least.
const DIVERGED: f64 = 4.0;
/// The mean means little before.
const FIRST: usize = 8;
/// Steps to either side that a slope is taken over.
const REACH: usize = 4;
/// Stream of random numbers that orders the images.
const STREAM: u64 = 0x1f1d;

/// Climbs. Nothing that was learned on the way is kept.
///
/// # Errors
/// As [`super::train`].
pub fn find_rate(job: &Job, observer: &mut dyn Observer) -> Result<RateCurve> {
    job.recipe.check()?;
    let Prepared { dataset, positive, .. } = prepare(job, observer)?;
    let device = job.open_device(observer)?;
    let backbone = job.backbone()?;
    let unfreeze = depth::resolve(job, &backbone, (&dataset, &device), observer)?;
    let job = &Job { recipe: Recipe { unfreeze, ..job.recipe.clone() }, ..job.clone() };
    let net = Assembled::new(backbone, &job.recipe, (dataset.classes.len(), job.seed), &device)?;
    net.announce(dataset.samples.len(), observer);
    let extracted = net.extractor.extract(&dataset.samples, &job.cache, observer)?;
    let usable = Usable::new(&dataset, &extracted)?;
    let data = Data {
        records: &extracted.records,
        views: &Views::default(),
        stressed: &Views::default(),
        labels: &usable.labels,
        train: &usable.of(Split::Train),
        validation: &[],
        classes: dataset.classes.len(),
        positive,
    };
    climb(job, &net, &data, observer)
}

fn climb(job: &Job, net: &Assembled, data: &Data<'_>, observer: &mut dyn Observer) -> Result<RateCurve> {
    let recipe = &job.recipe;
    let unfreeze_schedule = UnfreezeSchedule::new(&net.blocks[net.cut..], Thaw::AtOnce, recipe.block_rate);
    let weights = class_weights(data, recipe.class_weights);
    let mut parameters = net.tail.parameters(&net.weights);
    let (mut stepper, mut within) = (Stepper::new(recipe), Within::start(job.seed, 1));
    let mut order = Vec::new();
    let mut random = Random::new(job.seed, STREAM);
    let (mut rates, mut losses, mut mean) = (Vec::new(), Vec::<f64>::new(), 0.0);
    for step in 0..STEPS {
        if observer.stop() {
            return Err(Error::Interrupted);
        }
        if order.len() < recipe.batch_size {
            let mut again = data.train.to_vec();
            random.shuffle(&mut again);
            order.extend(again);
        }
        let batch: Vec<usize> = order.drain(..recipe.batch_size.min(order.len())).collect();
        let images = Images { data, places: &batch, class_weights: &weights, batch: batch.len() };
        let batch = Batch::gather(&net.tail, recipe, images, &mut within.views)?;
        let learning_rate = RATES[0] * (RATES[1] / RATES[0]).powf(step as f64 / (STEPS - 1) as f64);
        let step_of =
            Step { tail: &net.tail, recipe, unfreeze_schedule: &unfreeze_schedule, epoch: 1, learning_rate };
        let came;
        (parameters, came) = step_of.take(parameters, batch, &mut stepper, &mut within.dropout);
        mean = KEPT * mean + (1.0 - KEPT) * came.loss;
        let smooth = mean / (1.0 - KEPT.powi(step as i32 + 1));
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        rates.push(learning_rate);
        losses.push(smooth);
        observer.step(1, step + 1, STEPS);
        if !smooth.is_finite() || (step > FIRST && smooth > DIVERGED * least) {
            break;
        }
    }
    let suggestion = steepest(&rates, &losses);
    Ok(RateCurve { rates, losses, suggestion })
}

/// The rate at which the loss falls fastest, before it is least.
fn steepest(rates: &[f64], losses: &[f64]) -> Option<f64> {
    let least = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b]))?;
    let slope = |step: usize| losses[step + REACH] - losses[step - REACH];
    let fastest = (FIRST.max(REACH)..least.min(losses.len().saturating_sub(REACH)))
        .min_by(|a, b| slope(*a).total_cmp(&slope(*b)))?;
    (slope(fastest) < 0.0).then(|| rates[fastest])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steepest_fall_is_found() {
        let rates: Vec<f64> = (0..60).map(|step| 1e-6 * 1.2f64.powi(step)).collect();
        // A slide whose middle lies at step 30, and a rise from step 50 on.
        let loss = |step: f64| 1.0 - 0.8 / (1.0 + (-(step - 30.0) / 3.0).exp()) + (step - 50.0).max(0.0);
        let losses: Vec<f64> = (0..60).map(|step| loss(f64::from(step))).collect();
        assert_eq!(steepest(&rates, &losses), Some(rates[30]));
        assert_eq!(steepest(&rates, &vec![0.7; 60]), None);
        assert_eq!(steepest(&rates[..3], &losses[..3]), None);
    }
}
