//! `headstart compare`.

use anyhow::Result;
use headstart::evaluate::{Comparison, Estimate, compare_runs};
use headstart::visible::visible;

use crate::cli::CompareArguments;
use crate::print::{json, out};

pub fn run(arguments: &CompareArguments) -> Result<()> {
    let comparisons = compare_runs(&arguments.runs, &arguments.split)?;
    if arguments.json {
        json(&comparisons)?;
        return Ok(());
    }
    for comparison in &comparisons {
        show(comparison);
    }
    out!(
        "AUC: DeLong's paired test. Accuracy: McNemar's exact test. Where patients have several images both are of whole \
         patients (Obuchowski 1997, Durkalski 2003). p-values are Holm's, for both tests of all pairs together; noise \
         means above 0.05."
    );
    Ok(())
}

fn show(comparison: &Comparison) {
    let Comparison { first, second, images, groups, .. } = comparison;
    let (first, second) = (visible(first), visible(second));
    out!("{first}  against  {second}  ({images} images of {groups} patients or pictures)");
    for (name, values, difference, p) in [
        ("AUC", comparison.auc, comparison.auc_difference, comparison.auc_p),
        ("accuracy", comparison.accuracy, comparison.accuracy_difference, comparison.accuracy_p),
    ] {
        let Estimate { value, low, high } = difference;
        let verdict = match p {
            p if p.is_nan() || p > 0.05 => "noise",
            _ if value > 0.0 => "the first is better",
            _ => "the second is better",
        };
        out!(
            "  {name:<9} {:.4} and {:.4}: difference {value:+.4} ({low:+.4} to {high:+.4}), {}: {verdict}",
            values[0],
            values[1],
            p_value(p)
        );
    }
}

/// A p-value, never as 0.
pub(super) fn p_value(p: f64) -> String {
    match p {
        p if p.is_nan() => "p unknown".into(),
        p if p < 0.001 => "p < 0.001".into(),
        p => format!("p = {p:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::p_value;

    #[test]
    fn a_p_value_is_never_nothing() {
        assert_eq!(
            [0.0, 0.000_9, 0.001, 0.05, 1.0].map(p_value),
            ["p < 0.001", "p < 0.001", "p = 0.001", "p = 0.050", "p = 1.000"]
        );
        assert_eq!(p_value(f64::NAN), "p unknown");
    }
}
