//! What curves show, in words.

use crate::history::{EpochRecord, History};
use crate::numbers::{decimals, percent};

/// A validation loss this much above the best one has risen, not wobbled.
const RISE: f64 = 1.15;
/// Training accuracy this far above validation accuracy is a gap worth a word.
const GAP: f64 = 0.05;
/// A schedule has ended where the learning rate is less than this share of its highest.
const ENDED: f64 = 0.1;
/// From this many epochs on an accuracy that never moves is no accident.
const STANDSTILL: usize = 3;
/// A net that still ranks its images this well has not collapsed, whatever its accuracy.
const RANKS: f64 = 0.7;

/// One or two sentences: which epoch was kept, and whether the net diverged, collapsed, overfitted or
/// could have learned on.
pub fn curves_in_words(history: &History) -> String {
    let (Some(first), Some(last)) = (history.epochs.first(), history.epochs.last()) else {
        return "No epoch was trained.".into();
    };
    let diverged = history
        .epochs
        .iter()
        .find(|record| !record.train_loss.is_finite() || !record.validation_loss.is_finite());
    if let Some(record) = diverged {
        let epoch = record.epoch;
        return format!("The loss stopped being a number in epoch {epoch}: a lower learning rate is needed.");
    }
    let Some(kept) = history.kept() else {
        return "No epoch is marked as the one that was kept.".into();
    };
    if history.epochs.len() == 1 {
        return "A single epoch was trained: there is no course yet from which to tell whether more would help.".into();
    }
    let which = format!(
        "Epoch {} was kept, with a validation loss of {} and a validation accuracy of {}. ",
        kept.epoch,
        decimals(kept.validation_loss),
        percent(kept.validation_accuracy)
    );
    which + &verdict(history, first, kept, last)
}

fn verdict(history: &History, first: &EpochRecord, kept: &EpochRecord, last: &EpochRecord) -> String {
    let stands_still =
        history.epochs.iter().all(|record| record.validation_accuracy == first.validation_accuracy);
    let ranks = last.validation_auc.is_some_and(|auc| auc >= RANKS);
    if stands_still && !ranks && history.epochs.len() >= STANDSTILL {
        return "The validation accuracy never moved: the net may have collapsed to calling every image the same; \
                look at the confusion matrix, and try a lower learning rate."
            .into();
    }
    let best = history.best().unwrap_or(kept);
    if last.validation_loss > RISE * best.validation_loss && last.train_loss < best.train_loss {
        let kept = match kept.epoch == best.epoch {
            true => "The kept epoch lies before it",
            false => "The kept epoch, by the recipe the last, does not lie before it",
        };
        return format!(
            "After epoch {} the training loss went on falling while the validation loss rose: overfitting. {kept}; more \
             images, augmentation or stronger dropout would help.",
            best.epoch
        );
    }
    let gap = kept.train_accuracy - kept.validation_accuracy;
    if gap > GAP {
        return format!(
            "There the training accuracy is {:.1} points above the validation accuracy: the net knows its training \
             images better than new ones.",
            gap * 100.0
        );
    }
    let highest = history.epochs.iter().map(|record| record.learning_rate).fold(0.0, f64::max);
    if best.epoch == last.epoch && last.learning_rate < ENDED * highest {
        return "The validation loss was at its lowest in the last epoch, where the learning rate had come down to its \
                end: that says nothing of more epochs."
            .into();
    }
    if best.epoch == last.epoch {
        return "The validation loss was at its lowest in the last epoch: the net may be underfitted, and more epochs \
                may help."
            .into();
    }
    format!(
        "There training and validation accuracy lie {:.1} points apart: little sign of overfitting.",
        gap.abs() * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn words_after(change: impl Fn(&mut EpochRecord)) -> String {
        let mut epochs = sample::history(6).epochs;
        epochs.iter_mut().for_each(change);
        curves_in_words(&History::new(epochs))
    }

    #[test]
    fn overfitting_is_seen() {
        let words = words_after(|record| {
            if record.epoch > 3 {
                record.validation_loss = 0.9;
            }
        });
        assert!(words.starts_with("Epoch 3 was kept") && words.contains("overfitting"), "{words}");
        let mut history = sample::history(6);
        history.epochs.iter_mut().skip(3).for_each(|record| record.validation_loss = 0.9);
        history.kept_epoch = Some(6);
        let words = curves_in_words(&history);
        assert!(words.starts_with("Epoch 6 was kept") && words.contains("does not lie before it"), "{words}");
    }

    #[test]
    fn a_collapse_is_seen() {
        let words = words_after(|record| {
            record.validation_accuracy = 0.625;
            record.validation_auc = Some(0.5);
        });
        assert!(words.contains("collapsed"), "{words}");
        let ranking = words_after(|record| record.validation_accuracy = 0.974);
        assert!(!ranking.contains("collapsed"), "{ranking}");
    }

    #[test]
    fn divergence_is_seen() {
        let words = words_after(|record| {
            if record.epoch == 4 {
                record.train_loss = f64::NAN;
            }
        });
        assert!(words.contains("in epoch 4"), "{words}");
    }

    #[test]
    fn a_loss_that_still_falls_is_seen() {
        let words = words_after(|record| {
            record.validation_loss = record.train_loss;
            record.validation_accuracy = record.train_accuracy;
        });
        assert!(words.contains("more epochs"), "{words}");
    }

    #[test]
    fn a_schedule_that_ended_is_no_reason_for_more_epochs() {
        let words = words_after(|record| {
            record.validation_loss = record.train_loss;
            record.validation_accuracy = record.train_accuracy;
            record.learning_rate /= f64::from(1 << (2 * record.epoch));
        });
        assert!(words.contains("to its end") && !words.contains("underfitted"), "{words}");
    }

    #[test]
    fn short_histories_have_words_too() {
        assert_eq!(curves_in_words(&History::default()), "No epoch was trained.");
        assert!(curves_in_words(&sample::history(1)).starts_with("A single epoch"));
    }
}
