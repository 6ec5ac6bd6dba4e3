//! Sees a training that has stopped to learn, and says what to try.

use super::fit::Data;
use super::recipe::Recipe;
use crate::history::EpochRecord;

/// What an epoch came to.
pub(super) struct Epoch<'a> {
    pub(super) record: &'a EpochRecord,
    /// The class with the largest score of each validation image.
    pub(super) predictions: &'a [usize],
}

/// A sentence when every validation image is called the same and the loss is no better than that of
/// a net that knows only how frequent the classes are.
pub(super) fn look(epoch: &Epoch<'_>, data: &Data<'_>, recipe: &Recipe) -> Option<String> {
    let first = epoch.predictions.first()?;
    if epoch.predictions.iter().any(|class| class != first) {
        return None;
    }
    let labels: Vec<usize> = data.validation.iter().map(|index| data.labels[*index]).collect();
    let share = |class| labels.iter().filter(|label| **label == class).count() as f64 / labels.len() as f64;
    let shares: Vec<f64> = (0..data.classes).map(share).collect();
    let nothing = recipe.loss.of_nothing_learned(&shares);
    if epoch.record.validation_loss < 0.98 * nothing {
        return None;
    }
    Some(format!(
        "epoch {}: collapsed: every validation image is called the same class, and the loss ({:.3}) is no better than \
         guessing by class frequency ({nothing:.3}). The learning rate {} is too high for this net: try {}, \
         or unfreeze less.",
        epoch.record.epoch,
        epoch.record.validation_loss,
        recipe.learning_rate,
        recipe.learning_rate / 10.0,
    ))
}
