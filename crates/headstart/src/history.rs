//! What each epoch came to.

use serde::{Deserialize, Serialize};

/// One epoch. Losses are means over images; the training loss holds the penalty, as Keras's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1 on.
    pub epoch: usize,
    /// Mean over the epoch's batches, with dropout.
    pub train_loss: f64,
    /// Share of training images classified right while training.
    pub train_accuracy: f64,
    /// Without dropout and penalty.
    pub validation_loss: f64,
    /// Share of validation images whose largest score is the label's.
    pub validation_accuracy: f64,
    /// Area under the ROC curve of the positive class.
    pub validation_auc: Option<f64>,
    /// Time of the epoch, validation included.
    pub seconds: f64,
}

/// The epochs of a training, and which of them was kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    /// In order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch with the least validation loss.
    pub best_epoch: usize,
}

impl History {
    /// One JSON object a line.
    pub fn to_jsonl(&self) -> String {
        let line = |epoch| serde_json::to_string(epoch).expect("a plain struct becomes JSON") + "\n";
        self.epochs.iter().map(line).collect()
    }
}
