//! The stress test as text.

use headstart::evaluate::{Stressed, worst};

/// A line for each change, the worst marked; nothing where no test was made.
pub fn table(rows: &[Stressed]) -> String {
    let Some(worst) = worst(rows) else { return String::new() };
    let mut text = format!(
        "\nunder stress{:<17}{:>6} {:>12} {:>12} {:>9} {:>8}\n",
        "", "AUC", "sensitivity", "specificity", "log loss", "refused"
    );
    for row in rows {
        let mark = if row == worst { "  worst" } else { "" };
        text += &format!("{}{mark}\n", line(row));
    }
    text
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
        "{:<28} {:>6.4} {:>12.4} {:>12.4} {:>9.4} {refused:>8}",
        row.change, row.auc.value, row.sensitivity.value, row.specificity.value, row.log_loss
    )
}
