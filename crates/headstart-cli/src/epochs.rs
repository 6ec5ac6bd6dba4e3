//! The epochs of a training as a table that grows, no wider than 80 columns.

use headstart::history::EpochRecord;

/// The lines above the first epoch.
pub fn head(record: &EpochRecord) -> String {
    let loss = if has_penalty(record) { "     loss    plain" } else { "     loss" };
    let space = loss.len() + 10;
    let training = format!("{:>space$}", "training");
    let validation = format!("{:>width$}", "validation", width = space + 1);
    format!("{:5}{training}{validation}\nepoch{loss}  accuracy {loss}  accuracy     AUC      time", "")
}

/// An epoch. Losses are with the penalty of the weights, as the training sees them, and `plain` without it.
pub fn row(record: &EpochRecord) -> String {
    let auc = record.validation_auc.map_or("–".into(), |auc| format!("{auc:.4}"));
    let training = losses(record.train_loss, record.train_plain_loss);
    let validation = match record.validation_penalised_loss {
        Some(penalised) => losses(penalised, Some(record.validation_loss)),
        None => losses(record.validation_loss, None),
    };
    format!(
        "{:>5}{training}  {:>8.4} {validation}  {:>8.4}  {auc:>6}  {:>8}",
        record.epoch,
        record.train_accuracy,
        record.validation_accuracy,
        format!("{:.1} s", record.seconds),
    )
}

fn has_penalty(record: &EpochRecord) -> bool {
    record.train_plain_loss.is_some()
}

fn losses(loss: f64, plain: Option<f64>) -> String {
    let plain = plain.map(|plain| format!(" {:>8}", short(plain))).unwrap_or_default();
    format!(" {:>8}{plain}", short(loss))
}

/// Four digits behind the point; fewer of a number that is large.
fn short(loss: f64) -> String {
    match loss {
        large if large >= 100.0 => format!("{large:.1}"),
        small => format!("{small:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(penalty: bool) -> EpochRecord {
        EpochRecord {
            epoch: 112,
            train_loss: 20.4012,
            train_plain_loss: penalty.then_some(0.7801),
            train_accuracy: 0.9812,
            validation_loss: 0.7811,
            validation_penalised_loss: penalty.then_some(20.4022),
            validation_accuracy: 0.9756,
            validation_auc: Some(0.9989),
            stressed_loss: None,
            stressed_auc: None,
            selection_loss: None,
            learning_rate: 1e-3,
            thawed: vec![],
            seconds: 1234.5,
        }
    }

    #[test]
    fn head_and_rows_are_aligned_and_narrow() {
        for penalty in [false, true] {
            let (head, row) = (head(&record(penalty)), row(&record(penalty)));
            let names = head.lines().nth(1).expect("two lines");
            assert_eq!(names.chars().count(), row.chars().count(), "{head}\n{row}");
            assert!(row.chars().count() <= 80, "{row}");
            assert_eq!(names.find("time").map(|at| at + 4), Some(row.len()), "{head}\n{row}");
        }
        assert!(row(&record(true)).contains("20.4012   0.7801"), "{}", row(&record(true)));
    }
}
