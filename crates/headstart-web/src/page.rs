//! The page, with the model's facts and, without JavaScript, the results.

use std::fmt::Write;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use headstart::classifier::Card;

use crate::answer::{Answer, Outcome};
use crate::html::{escape, fill, percent};
use crate::problem::{Problem, mebibytes};
use crate::state::{AppState, Predictor};

const TEMPLATE: &str = include_str!("page/index.html");

/// What the page says above its results.
pub(crate) enum Notice<'a> {
    /// Nothing was asked yet.
    Waiting,
    /// The results are below.
    Done,
    /// The request was refused.
    Failed(&'a Problem),
}

pub(crate) async fn show(State(state): State<AppState>) -> Response {
    ([(header::CACHE_CONTROL, "no-cache")], render(&state, &[], Notice::Waiting)).into_response()
}

/// The whole page with these answers on it.
pub(crate) fn render(state: &AppState, answers: &[Answer], notice: Notice<'_>) -> Html<String> {
    let predictor = state.predictor.as_ref();
    let card = predictor.card();
    let values = [
        ("title", escape(&card.title)),
        ("caution", escape(predictor.caution())),
        ("classes", escape(&listed(predictor.classes()))),
        ("limit", mebibytes(state.limits.request_bytes)),
        ("limit-bytes", state.limits.request_bytes.to_string()),
        ("notice", notice_text(&notice)),
        ("results", answers.iter().map(article).collect()),
        ("measured", measured(predictor, card)),
        ("backbone", escape(&card.backbone)),
        ("trained-on", escape(&card.trained_on)),
        ("version", escape(&card.version)),
    ];
    Html(fill(TEMPLATE, |name| {
        let value = values.iter().find(|(known, _)| *known == name);
        value.map(|(_, value)| value.as_str()).expect("the embedded template uses only these names")
    }))
}

fn notice_text(notice: &Notice<'_>) -> String {
    match notice {
        Notice::Waiting => String::new(),
        Notice::Done => "Done.".to_owned(),
        Notice::Failed(problem) => escape(&problem.to_string()),
    }
}

/// "a, b or c".
fn listed(classes: &[String]) -> String {
    match classes {
        [] => String::new(),
        [only] => only.clone(),
        [start @ .., last] => format!("{} or {last}", start.join(", ")),
    }
}

/// One file's result. `script.js` builds the same elements.
fn article(answer: &Answer) -> String {
    let name = escape(&answer.name);
    match &answer.outcome {
        Outcome::Predicted { class, scores, reading, .. } => format!(
            r#"<li class="result"><div class="answer"><p class="name">{name}</p><h3>{}</h3><p>{}</p><ul class="scores">{}</ul></div></li>"#,
            escape(class),
            escape(reading),
            score_rows(class, scores),
        ),
        Outcome::Refused { error, .. } => format!(
            r#"<li class="result refused"><div class="answer"><p class="name">{name}</p><h3>No answer</h3><p>{}</p></div></li>"#,
            escape(error),
        ),
    }
}

fn score_rows(answer: &str, scores: &[(String, f32)]) -> String {
    let mut sorted: Vec<_> = scores.iter().collect();
    sorted.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    sorted.into_iter().fold(String::new(), |mut rows, (class, score)| {
        let mark = if class == answer { r#" class="chosen""# } else { "" };
        let class = escape(class);
        let share = percent(f64::from(*score));
        let written = write!(
            rows,
            r#"<li{mark}><span>{class}</span><span>{share}</span><meter value="{score}" aria-label="Score for {class}">{share}</meter></li>"#
        );
        written.expect("writing to a string cannot fail");
        rows
    })
}

/// The headline numbers on held-out images, each with what it means.
fn measured(predictor: &dyn Predictor, card: &Card) -> String {
    let Some(numbers) = card.test.as_deref().filter(|numbers| !numbers.is_empty()) else {
        return "<p class=\"lead\">It was not measured on held-out images: nobody knows how often it is right.</p>"
            .to_owned();
    };
    let rows: String = numbers.iter().map(|number| measured_row(predictor, number)).collect();
    format!(
        "<p class=\"lead\">Measured on images that it had never seen.</p><dl class=\"measured\">{rows}</dl>"
    )
}

fn measured_row(predictor: &dyn Predictor, (name, value, low, high): &(String, f64, f64, f64)) -> String {
    if !value.is_finite() {
        let name = escape(name);
        return format!(
            "<div><dt>{name}</dt><dd><strong>Unknown</strong> <span>No image to measure it on.</span></dd></div>"
        );
    }
    let is_share = !name.eq_ignore_ascii_case("auc");
    let show = |number: f64| if is_share { percent(number) } else { format!("{number:.3}") };
    let meaning = meaning(predictor, name, *value)
        .map_or(String::new(), |text| format!("<small>{}</small>", escape(&text)));
    format!(
        "<div><dt>{}</dt><dd><strong>{}</strong> <span>95% interval: {} to {}</span>{meaning}</dd></div>",
        escape(name),
        show(*value),
        show(*low),
        show(*high),
    )
}

/// What a number says, in a sentence that needs no statistics.
fn meaning(predictor: &dyn Predictor, name: &str, value: f64) -> Option<String> {
    let classes = predictor.classes();
    let positive = classes.get(predictor.positive())?;
    let negative = match classes {
        [first, second] if first == positive => second.as_str(),
        [first, _] => first.as_str(),
        _ => "other",
    };
    let of_100 = format!("{:.0} of 100", value * 100.0);
    match name.to_lowercase().as_str() {
        "sensitivity" => Some(format!("It recognises {of_100} {positive} images.")),
        "specificity" => Some(format!("It does not take {of_100} {negative} images for {positive}.")),
        "accuracy" => Some(format!("It is right about {of_100} images.")),
        "auc" => Some(format!("How well it ranks {positive} above the rest: 0.5 is guessing, 1 perfect.")),
        _ => None,
    }
}
