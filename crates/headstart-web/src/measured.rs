//! How good a model is: the numbers from held-out images, with their intervals and in words.

use crate::html::escape;
use crate::language::Strings;
use crate::predictor::Predictor;

/// A number of the card: its name, value, low and high end of its interval.
type Number = (String, f64, f64, f64);

/// The headline numbers, each with what it means.
pub(crate) fn in_full(predictor: &dyn Predictor, strings: &Strings) -> String {
    let numbers = predictor.card().test.as_deref().unwrap_or_default();
    if numbers.is_empty() {
        return format!(r#"<p class="lead">{}</p>"#, escape(strings.get("not-measured")));
    }
    let rows: String = numbers.iter().map(|number| row(predictor, strings, number)).collect();
    let lead = escape(strings.get("measured"));
    format!(r#"<p class="lead">{lead}</p><dl class="measured">{rows}</dl>"#)
}

/// Sensitivity and specificity in a line, to stand under an answer.
pub(crate) fn in_short(predictor: &dyn Predictor, strings: &Strings) -> String {
    let parts: Vec<String> = predictor
        .card()
        .test
        .iter()
        .flatten()
        .filter(|(name, value, ..)| {
            value.is_finite() && ["sensitivity", "specificity"].contains(&key(name).as_str())
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
        format!("{} {}.", strings.get("reliability"), parts.join(", "))
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
    let show =
        |number: f64| if key(name) == "auc" { strings.number(3, number) } else { strings.percent(number) };
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
        _ => return None,
    };
    let classes = predictor.classes();
    let positive = classes.get(predictor.positive())?;
    let negative = match classes {
        [first, second] if first == positive => second.as_str(),
        [first, _] => first.as_str(),
        _ => strings.get("other"),
    };
    let of_100 = format!("{:.0}", value * 100.0);
    Some(strings.say(key, &[("of-100", &of_100), ("positive", positive), ("negative", negative)]))
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
