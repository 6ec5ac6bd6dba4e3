//! How good a model is: the numbers from held-out images, with their intervals and in words.

use headstart::dataset::Split;
use headstart::evaluate::Doubt;

use crate::html::escape;
use crate::language::Strings;
use crate::predictor::{Predictor, shown_class};

/// A number of the card: its name, value, low and high end of its interval.
type Number = (String, f64, f64, f64);

/// The headline numbers, each with what it means, and of more than two classes what each is recognised by.
pub fn in_full(predictor: &dyn Predictor, strings: &Strings) -> String {
    let card = predictor.card();
    let numbers = card.test.as_deref().unwrap_or_default();
    if numbers.is_empty() {
        return format!(r#"<p class="lead">{}</p>"#, escape(strings.get("not-measured")));
    }
    let rows: String = numbers.iter().map(|number| row(predictor, strings, number)).collect();
    let lead = escape(strings.get(if in_doubt(predictor) { "measured-in-doubt" } else { "measured" }));
    let doubts: String = doubts(predictor, strings).iter().map(|doubt| warning(strings, doubt)).collect();
    let recalls = recalls(predictor, strings);
    format!(r#"<p class="lead">{lead}</p>{doubts}<dl class="measured">{rows}</dl>{recalls}"#)
}

/// Why the numbers say less than they seem to, in whole sentences.
pub fn doubts(predictor: &dyn Predictor, strings: &Strings) -> Vec<String> {
    let said = |doubt: &Doubt| match doubt {
        Doubt::SharedGroups { groups } => {
            strings.say("doubt-shared-groups", &[("groups", &groups.to_string())])
        }
        Doubt::FewImages { split, class, images } => {
            let key = match split {
                Split::Test => "doubt-few-test-images",
                Split::Train | Split::Validation => "doubt-few-validation-images",
            };
            strings.say(key, &[("class", class), ("images", &images.to_string())])
        }
    };
    predictor.card().doubts.iter().map(said).collect()
}

/// Whether the test images may have been seen in training.
fn in_doubt(predictor: &dyn Predictor) -> bool {
    predictor.card().doubts.iter().any(|doubt| matches!(doubt, Doubt::SharedGroups { .. }))
}

fn warning(strings: &Strings, doubt: &str) -> String {
    let label = escape(strings.get("warning"));
    format!(r#"<p class="lead" role="note"><strong>{label}</strong> {}</p>"#, escape(doubt))
}

/// A row for each of more than two classes.
fn recalls(predictor: &dyn Predictor, strings: &Strings) -> String {
    let recalls = &predictor.card().recalls;
    if recalls.is_empty() {
        return String::new();
    }
    let rows = recalls.iter().map(|(class, value, low, high)| {
        let index = predictor.classes().iter().position(|known| known == class);
        let class = index.map_or(class.as_str(), |index| shown_class(predictor, index));
        if !value.is_finite() {
            let why = escape(strings.get("nothing-to-measure"));
            return format!(r#"<tr><th scope="row">{}</th><td colspan="2">{why}</td></tr>"#, escape(class));
        }
        let [value, low, high] = [*value, *low, *high].map(|share| strings.percent(share));
        let interval = strings.say("low-to-high", &[("low", &low), ("high", &high)]);
        format!(
            r#"<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>"#,
            escape(class),
            escape(&value),
            escape(&interval)
        )
    });
    let [caption, class, share, interval] =
        ["recalls", "class", "recognised", "interval-heading"].map(|key| escape(strings.get(key)));
    format!(
        r#"<div class="scroll" role="region" aria-label="{caption}" tabindex="0"><table class="recalls"><caption>{caption}</caption><thead><tr><th scope="col">{class}</th><th scope="col">{share}</th><th scope="col">{interval}</th></tr></thead><tbody>{}</tbody></table></div>"#,
        rows.collect::<String>()
    )
}

/// What matters most, in a line to stand under an answer: sensitivity and specificity, of more than two classes
/// the accuracy.
pub fn in_short(predictor: &dyn Predictor, strings: &Strings) -> String {
    let parts: Vec<String> = predictor
        .card()
        .test
        .iter()
        .flatten()
        .filter(|(name, value, ..)| {
            value.is_finite() && ["sensitivity", "specificity", "accuracy"].contains(&key(name).as_str())
        })
        .map(|(name, value, low, high)| {
            let [value, low, high] = [value, low, high].map(|share| strings.percent(*share));
            let said = strings.say("interval-short", &[("value", &value), ("low", &low), ("high", &high)]);
            format!("{} {said}", shown_name(strings, name))
        })
        .collect();
    let said = if parts.is_empty() {
        strings.get("not-measured").to_owned()
    } else {
        let about = if in_doubt(predictor) { "reliability-in-doubt" } else { "reliability" };
        let doubts: String = doubts(predictor, strings).iter().map(|doubt| format!(" {doubt}")).collect();
        format!("{} {}.{doubts}", strings.get(about), parts.join(", "))
    };
    let card = escape(strings.get("model-card"));
    format!(r##"<p class="reliability">{} <a href="#model-card">{card}</a></p>"##, escape(&said))
}

fn row(predictor: &dyn Predictor, strings: &Strings, (name, value, low, high): &Number) -> String {
    let shown = escape(&shown_name(strings, name));
    if !value.is_finite() {
        let [unknown, why] = ["unknown", "nothing-to-measure"].map(|key| escape(strings.get(key)));
        return format!("<div><dt>{shown}</dt><dd><strong>{unknown}</strong> <span>{why}</span></dd></div>");
    }
    let show = |number: f64| {
        if key(name).ends_with("auc") { strings.number(3, number) } else { strings.percent(number) }
    };
    let interval = strings.say("interval", &[("low", &show(*low)), ("high", &show(*high))]);
    let meaning = meaning(predictor, strings, name, *value)
        .map_or(String::new(), |text| format!("<small>{}</small>", escape(&text)));
    format!(
        "<div><dt>{shown}</dt><dd><strong>{}</strong> <span>{}</span>{meaning}</dd></div>",
        show(*value),
        escape(&interval),
    )
}

/// What a number says, in a sentence that needs no statistics.
fn meaning(predictor: &dyn Predictor, strings: &Strings, name: &str, value: f64) -> Option<String> {
    let key = match key(name).as_str() {
        "sensitivity" => "sensitivity-means",
        "specificity" => "specificity-means",
        "accuracy" => "accuracy-means",
        "auc" => "auc-means",
        "mean sensitivity" | "mean specificity" | "mean auc" => "mean-means",
        _ => return None,
    };
    let (positive, count) = (predictor.positive(), predictor.classes().len());
    let negative =
        if count == 2 { shown_class(predictor, 1 - positive.min(1)) } else { strings.get("other") };
    let of_100 = format!("{:.0}", value * 100.0);
    let values = [
        ("of-100", of_100.as_str()),
        ("positive", shown_class(predictor, positive)),
        ("negative", negative),
        ("count", &count.to_string()),
    ];
    Some(strings.say(key, &values))
}

fn key(name: &str) -> String {
    name.to_lowercase()
}

/// The language's word for it; a name that has none stays as it is.
fn shown_name(strings: &Strings, name: &str) -> String {
    match strings.get(&key(name)) {
        "" => name.to_owned(),
        word => word.to_owned(),
    }
}
