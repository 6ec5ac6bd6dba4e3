//! How the models' last images compare with those that they were validated on, as gauges.

use std::collections::BTreeMap;

use headstart::evaluate::{Drift, Finding};

use super::text::Text;

/// Writes the gauges of all models that can tell.
pub(super) fn write(text: &mut Text, by_model: &BTreeMap<String, Drift>) {
    if by_model.is_empty() {
        return;
    }
    let help =
        "Whether a model's last images as a whole differ from those it was validated on: 1 when they do.";
    write_each(text, "headstart_drifted", help, by_model, |drift| usize::from(drift.drifted));
    write_each(text, "headstart_drift_images", "Last images that were compared.", by_model, |drift| {
        drift.images
    });
    let help = "Share of pairs of a last image and a validation image in which the last one's value is larger: 0.5 \
                when they are alike.";
    write_findings(text, "headstart_drift_higher", help, by_model, |finding| finding.higher);
    let help = "How often chance alone gives such a difference.";
    write_findings(text, "headstart_drift_p", help, by_model, |finding| finding.p);
    write_stability(text, by_model);
}

fn write_each(
    text: &mut Text,
    name: &str,
    help: &str,
    by_model: &BTreeMap<String, Drift>,
    value: fn(&Drift) -> usize,
) {
    text.family(name, "gauge", help);
    for (model, drift) in by_model {
        text.sample(name, &[("model", model)], value(drift));
    }
}

fn write_findings(
    text: &mut Text,
    name: &str,
    help: &str,
    by_model: &BTreeMap<String, Drift>,
    value: fn(&Finding) -> f64,
) {
    text.family(name, "gauge", help);
    for (model, drift) in by_model {
        for finding in &drift.findings {
            text.sample(name, &[("model", model), ("measure", finding.measure.word())], value(finding));
        }
    }
}

fn write_stability(text: &mut Text, by_model: &BTreeMap<String, Drift>) {
    let help = "Population stability index of a model's last images against those it was validated on.";
    text.family("headstart_stability_index", "gauge", help);
    for (model, drift) in by_model {
        for index in &drift.stability {
            let labels = [("model", model.as_str()), ("of", index.of.word())];
            text.sample("headstart_stability_index", &labels, index.value);
        }
    }
    let help = "Whether one of the indices is 0.25 or larger, by more than chance: 1 when it is.";
    write_each(text, "headstart_changed", help, by_model, |drift| usize::from(drift.has_changed()));
}
