//! What each epoch of a training came to, and which epoch was kept.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, Result};

/// One epoch. A loss that is not a number any more (a training that diverged) is `null` in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1 on.
    pub epoch: usize,
    /// Mean over the training images, with dropout, and with the L2 penalty of the weights where the head has one.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_loss: f64,
    /// The same without the penalty; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_plain_loss: Option<f64>,
    /// Share of the training images that were classified right, with dropout.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_accuracy: f64,
    /// Mean over the validation images, without dropout and without penalty: what tells the best epoch.
    #[serde(deserialize_with = "null_is_nan")]
    pub validation_loss: f64,
    /// The same with the penalty of the weights as they then are, as Keras shows it; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_penalised_loss: Option<f64>,
    /// Share of the validation images that were classified right.
    #[serde(deserialize_with = "null_is_nan")]
    pub validation_accuracy: f64,
    /// Area under the ROC curve on the validation images; `None` when one class is missing there.
    #[serde(default)]
    pub validation_auc: Option<f64>,
    /// Mean loss over the restyled validation images, where the recipe looks at them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stressed_loss: Option<f64>,
    /// Area under the ROC curve on the restyled validation images, where the recipe looks at them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stressed_auc: Option<f64>,
    /// The loss that chooses the epoch, where it is not the validation loss: of the restyled images, or the mean of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection_loss: Option<f64>,
    /// As it was in the last step of the epoch.
    #[serde(deserialize_with = "null_is_nan")]
    pub learning_rate: f64,
    /// Blocks that begin to move in this epoch, having waited before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thawed: Vec<String>,
    /// Time that the epoch took, validation included; not a number in a sealed model, which holds no times.
    #[serde(deserialize_with = "null_is_nan")]
    pub seconds: f64,
}

impl EpochRecord {
    /// The loss by which the best epoch is chosen.
    pub fn deciding_loss(&self) -> f64 {
        self.selection_loss.unwrap_or(self.validation_loss)
    }
}

/// The epochs of a training, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// In order, `epoch` counting from 1.
    pub epochs: Vec<EpochRecord>,
    /// The [`EpochRecord::epoch`] whose weights were kept. Sealed models call it as it was called first.
    #[serde(rename = "best_epoch")]
    pub kept_epoch: Option<usize>,
}

impl History {
    /// A history of which the best epoch was kept, if there is one.
    pub fn new(epochs: Vec<EpochRecord>) -> Self {
        let mut history = Self { epochs, kept_epoch: None };
        history.kept_epoch = history.best().map(|record| record.epoch);
        history
    }

    /// The epoch with the least loss on what decides, the first of equals; none when none of these losses is a number.
    pub fn best(&self) -> Option<&EpochRecord> {
        let numbers = self.epochs.iter().filter(|record| record.deciding_loss().is_finite());
        numbers.min_by(|a, b| a.deciding_loss().total_cmp(&b.deciding_loss()))
    }

    /// The epoch that was kept.
    pub fn kept(&self) -> Option<&EpochRecord> {
        self.epochs.iter().find(|record| Some(record.epoch) == self.kept_epoch)
    }

    /// One JSON object a line, one line an epoch: what `history.jsonl` holds.
    pub fn to_jsonl(&self) -> String {
        let line = |record| serde_json::to_string(record).expect("a plain struct becomes JSON") + "\n";
        self.epochs.iter().map(line).collect()
    }

    /// Reads what [`Self::to_jsonl`] wrote. The lines don't name the epoch that was kept: see [`Self::new`].
    ///
    /// # Errors
    /// [`Error::Invalid`] with the line's number when a line is not an epoch's JSON object.
    pub fn from_jsonl(text: &str) -> Result<Self> {
        let parse = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|why| {
                let found = format!("line {}: {why}", number + 1);
                Error::invalid(Path::new("history.jsonl"), "one JSON object a line", found)
            })
        };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.map(parse).collect::<Result<_>>().map(Self::new)
    }
}

/// JSON has no NaN: serde writes `null`, and this reads it back.
pub(crate) fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: usize, validation_loss: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            train_loss: 0.5,
            train_plain_loss: None,
            train_accuracy: 0.75,
            validation_loss,
            validation_penalised_loss: None,
            validation_accuracy: 0.5,
            validation_auc: Some(0.625),
            stressed_loss: None,
            stressed_auc: None,
            selection_loss: None,
            learning_rate: 1e-4,
            thawed: vec![],
            seconds: 2.0,
        }
    }

    #[test]
    fn the_best_epoch_has_the_least_validation_loss() {
        let history = History::new(vec![record(1, 0.9), record(2, 0.4), record(3, 0.4), record(4, f64::NAN)]);
        assert_eq!(history.kept_epoch, Some(2));
        assert_eq!(history.best(), Some(&history.epochs[1]));
        assert_eq!(History::new(vec![record(1, f64::NAN)]).kept_epoch, None);
        let last = History { kept_epoch: Some(3), ..history };
        assert_eq!((last.kept(), last.best()), (Some(&last.epochs[2]), Some(&last.epochs[1])));
    }

    #[test]
    fn lines_come_back_as_they_were() {
        let history = History::new(vec![record(1, 0.9), record(2, 0.4)]);
        assert_eq!(history.to_jsonl().lines().count(), 2);
        assert_eq!(History::from_jsonl(&history.to_jsonl()).expect("own lines"), history);
    }

    #[test]
    fn a_diverged_epoch_can_be_read_back() {
        let text = History::new(vec![record(1, f64::NAN)]).to_jsonl();
        assert!(text.contains("\"validation_loss\":null"));
        assert!(History::from_jsonl(&text).expect("own lines").epochs[0].validation_loss.is_nan());
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = History::from_jsonl("\n{\"epoch\":1}").expect_err("fields are missing").to_string();
        assert!(error.contains("line 2") && error.contains("train_loss"), "{error}");
    }
}
