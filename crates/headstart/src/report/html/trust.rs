//! How far the answers can be trusted: calibration, prediction sets, the gate, the surest mistakes, and
//! subgroups.

use super::class_name;
use super::element::{Cell, note, table, text};
use crate::evaluate::{Calibration, Coverage, Estimate, SplitMetrics};
use crate::gate::{GateFacts, GateKind};
use crate::numbers::{decimals, percent, thousands};
use crate::report::numbers::{decimal_interval, percent_interval};
use crate::report::{Mistake, Report, escape};

/// Everything about trust.
pub(super) fn trust(report: &Report) -> String {
    [calibration(report), sets(report), gate(report)].concat()
}

fn calibration(report: &Report) -> String {
    text(&match report.calibration {
        None => "The scores are the net's own: they were not calibrated.".into(),
        Some(Calibration::Temperature { temperature }) => format!(
            "The scores were calibrated on the validation images, by a temperature of {} (above 1: the net was too \
             sure). They hold for images like those.",
            decimals(temperature)
        ),
        Some(Calibration::Platt { slope, intercept }) => format!(
            "The scores were calibrated on the validation images, by Platt's line: log odds × {} {} {:.3} (a slope below 1: \
             the net was too sure). They hold for images like those.",
            decimals(slope),
            if intercept < 0.0 { "−" } else { "+" },
            intercept.abs()
        ),
    })
}

fn sets(report: &Report) -> String {
    let measured: Vec<(&str, &Coverage)> = report
        .results
        .iter()
        .filter_map(|result| Some((result.name.as_str(), result.metrics.sets.as_ref()?)))
        .collect();
    let Some((_, first)) = measured.first() else {
        return note("There were too few validation images for prediction sets.");
    };
    let cell =
        |estimate: &Estimate| Cell { text: percent(estimate.value), below: percent_interval(estimate) };
    let row = |(name, coverage): &(&str, &Coverage)| {
        let own = [(*name).into(), cell(&coverage.coverage)].into_iter();
        own.chain(coverage.by_class.iter().map(cell)).chain([cell(&coverage.decided)]).collect()
    };
    let rows: Vec<Vec<Cell>> = measured.iter().map(row).collect();
    let classes = (0..first.by_class.len()).map(|class| class_name(report, class));
    let head: Vec<&str> = ["", "All"].into_iter().chain(classes).chain(["Decided"]).collect();
    let lead = format!(
        "For each image the model also names the classes that it cannot rule out. On images like the validation's that \
         set holds the truth for {} of each class. When it is not a single class, the model says that it can't decide. \
         Measured coverage:",
        percent(first.nominal)
    );
    let main = report.main_result().and_then(|result| result.metrics.sets.as_ref());
    let fallen = main.filter(|coverage| coverage.coverage.high < coverage.nominal).map(|coverage| {
        text(&format!(
            "The coverage of {} on these images lies below what was promised: they are not like the validation images.",
            percent(coverage.coverage.value)
        ))
    });
    text(&lead) + &table("numbers", &head, &rows) + &fallen.unwrap_or_default()
}

fn gate(report: &Report) -> String {
    let Some(gate) = report.gate else {
        return note("There were too few validation images for a gate against unfamiliar ones.");
    };
    let measured = |of: fn(&SplitMetrics) -> Option<Estimate>| {
        let shares = report.results.iter().filter_map(|result| {
            let share = of(&result.metrics)?;
            let (name, value) = (&result.name, percent(share.value));
            Some(format!("{value} of the {name} images ({})", percent_interval(&share)))
        });
        shares.collect::<Vec<String>>().join(" and ")
    };
    let refusing = text(&format!(
        "An image whose features lie farther than {} from the training images ({}; about 1 for one like them) is refused as \
         unlike what the model was trained on. The limit lets {} of the validation images pass; it refuses {}.{}",
        decimals(gate.threshold),
        kind(&gate),
        percent(1.0 - gate.false_refusals),
        measured(|metrics| metrics.refused),
        copies(&gate),
    ));
    let unusual = gate.unusual.map(|_| {
        text(&format!(
            "A second, softer distance (Mahalanobis, at the end of the frozen layers) sees how an image was made. An image \
             beyond its limit is answered, and called unusual: {}.",
            measured(|metrics| metrics.unusual)
        ))
    });
    refusing + &unusual.unwrap_or_default()
}

fn kind(gate: &GateFacts) -> &'static str {
    match gate.kind {
        GateKind::Mahalanobis => "Mahalanobis distance",
        GateKind::Residual { .. } => {
            "the part of its features that lies outside the principal components of theirs"
        }
    }
}

fn copies(gate: &GateFacts) -> &'static str {
    match gate.kind {
        GateKind::Residual { probes: 1.., .. } => {
            " So is an image that looks like an inverted or an upside-down copy, as far as these can be told in the \
             training images."
        }
        _ => "",
    }
}

/// The surest mistakes, with pictures.
pub(super) fn mistakes(report: &Report) -> String {
    if report.mistakes.is_empty() {
        return text("No image was classified wrong.");
    }
    let mut kinds: Vec<(String, Vec<&Mistake>)> = Vec::new();
    for mistake in &report.mistakes {
        let kind = format!("{}, called {}", mistake.truth, mistake.predicted);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, mistakes)) => mistakes.push(mistake),
            None => kinds.push((kind, vec![mistake])),
        }
    }
    let part = |(kind, mistakes): &(String, Vec<&Mistake>)| {
        let figures: String = mistakes.iter().map(|mistake| figure(mistake)).collect();
        format!("<h3>{}</h3>\n<div class=\"gallery\">\n{figures}</div>\n", escape(kind))
    };
    let kinds: String = kinds.iter().map(part).collect();
    let lead = "Of each kind the images with the greatest loss, the surest mistake first: the image, and where in it the \
                answer was seen (Grad-CAM: yellow spoke for what it was called). A heat map shows where, not why. A click, \
                or the space bar, enlarges a picture.";
    text(lead) + &kinds
}

fn figure(mistake: &Mistake) -> String {
    let path = escape(&mistake.path);
    let picture = match &mistake.picture {
        Some(address) => format!(
            "<label class=\"zoom\"><input type=\"checkbox\" aria-label=\"Enlarge {path}\" /><img alt=\"{path}\" \
             src=\"{}\" /></label>",
            escape(address)
        ),
        None => "<div class=\"unreadable\"></div>".into(),
    };
    let words = format!("{}, called {} ({})", mistake.truth, mistake.predicted, percent(mistake.score));
    format!("<figure>{picture}<figcaption>{}<small>{path}</small></figcaption></figure>\n", escape(&words))
}

/// The headline's split by the CSV's attributes.
pub(super) fn subgroups(report: &Report) -> String {
    let share =
        |estimate: &Estimate| Cell { text: percent(estimate.value), below: percent_interval(estimate) };
    let rows: Vec<Vec<Cell>> = report
        .subgroups
        .iter()
        .map(|group| {
            let name = format!("{}: {}", group.attribute, group.value);
            let auc = Cell { text: decimals(group.auc.value), below: decimal_interval(&group.auc) };
            let [accuracy, sensitivity, specificity] =
                [&group.accuracy, &group.sensitivity, &group.specificity].map(share);
            vec![name.into(), thousands(group.images).into(), accuracy, auc, sensitivity, specificity]
        })
        .collect();
    let head = ["", "Images", "Accuracy", "AUC", "Sensitivity", "Specificity"];
    let caution = "Many small groups: some differ by chance alone. A group whose interval leaves out the whole's number \
                   is worth a look.";
    table("numbers", &head, &rows) + &note(caution)
}
