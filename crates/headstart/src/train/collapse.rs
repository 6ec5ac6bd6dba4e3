//! Sees a training that has stopped to learn, while it happens, and says what to try.

use super::fit::{Data, Fit};
use super::validate::outputs;
use crate::backbone::spec::{Activation, Dense, Layer};
use crate::backbone::weights::Weights;
use crate::history::EpochRecord;

/// A loss of at least this share of guessing's is stuck.
const STUCK: f64 = 0.98;
/// Images that tell whether a unit is dead.
const IMAGES: usize = 64;

/// A sentence when every validation image is called the same and the loss is no better than that of
/// a net that knows only how frequent the classes are. `predicted` are their classes, `weights` the tail's.
pub(super) fn look(
    record: &EpochRecord,
    predicted: &[usize],
    weights: &Weights,
    fit: &Fit<'_>,
) -> Option<String> {
    let first = predicted.first()?;
    let guessing = guessing(fit);
    if predicted.iter().any(|class| class != first) || record.validation_loss < STUCK * guessing {
        return None;
    }
    let rate = fit.recipe.learning_rate;
    let dead = dead_units(weights, fit).map(|units| format!("; {units}")).unwrap_or_default();
    Some(format!(
        "the training has collapsed in epoch {}: every validation image is called the same, and the loss ({:.3}) is \
         no better than guessing by how frequent the classes are ({guessing:.3}){dead}. Try a learning rate of {:.1e} \
         instead of {rate:.1e}, or unfreeze less.",
        record.epoch,
        record.validation_loss,
        rate / 10.0,
    ))
}

/// The loss of scores that are the classes' shares for every image.
fn guessing(fit: &Fit<'_>) -> f64 {
    let Data { labels, validation, classes, .. } = *fit.data;
    let count = |class| validation.iter().filter(|index| labels[**index] == class).count();
    let shares: Vec<f64> = (0..classes).map(|class| count(class) as f64 / validation.len() as f64).collect();
    fit.recipe.loss.of_nothing_learned(&shares)
}

/// How many units of the last hidden layer are 0 for every image: no gradient can wake them.
fn dead_units(weights: &Weights, fit: &Fit<'_>) -> Option<String> {
    let hidden = |layer: &Layer| matches!(layer, Layer::Dense(Dense { activation: Activation::Relu, .. }));
    let layers = fit.tail.layers();
    let last = layers.iter().rposition(hidden)?;
    let images = &fit.data.validation[..IMAGES.min(fit.data.validation.len())];
    let rows = outputs(fit.tail, &layers[..=last], weights, fit.data.records, images);
    let units = rows.first()?.len();
    let dead = (0..units).filter(|unit| rows.iter().all(|row| row[*unit] <= 0.0)).count();
    (dead > 0).then(|| format!("{dead} of the {units} units of the hidden layer are dead"))
}
