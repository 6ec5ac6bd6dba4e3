//! The stress test as text.

use headstart::external::{Stressed, worst};

/// A line for each change, and which is the worst; nothing where no test was made.
pub fn table(rows: &[Stressed]) -> String {
    let Some(worst) = worst(rows) else { return String::new() };
    let mut text = format!(
        "\n{:<28} {:>6} {:>12} {:>12} {:>8} {:>8}\n",
        "under stress", "AUC", "sensitivity", "specificity", "log loss", "refused"
    );
    rows.iter().for_each(|row| text += &format!("{}\n", line(row)));
    text + &format!("worst: {}\n", worst.change)
}

/// The images as they are, the worst change, and all changes at once; nothing where no test was made.
pub fn short(rows: &[Stressed]) -> String {
    let (Some(first), Some(worst), Some(last)) = (rows.first(), worst(rows), rows.last()) else {
        return String::new();
    };
    let shown: Vec<Stressed> = [first, worst, last]
        .into_iter()
        .enumerate()
        .filter(|(at, row)| *at != 1 || (*row != first && *row != last))
        .map(|(_, row)| row.clone())
        .collect();
    table(&shown)
}

fn line(row: &Stressed) -> String {
    let refused = row.refused.map_or(String::new(), |refused| format!("{:.1} %", refused.value * 100.0));
    format!(
        "{:<28} {:>6.4} {:>12.4} {:>12.4} {:>8.4} {refused:>8}",
        row.change, row.auc.value, row.sensitivity.value, row.specificity.value, row.log_loss
    )
}
