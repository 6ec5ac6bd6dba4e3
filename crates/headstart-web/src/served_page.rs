//! The page as the server gives it out, with links to its models and languages and images to try.

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{Html, IntoResponse, Response};

use crate::answer::FileAnswer;
use crate::extractors::{AskedModel, Language, asked_language};
use crate::html::escape;
use crate::intake::Intake;
use crate::language::{self, Strings, mebibytes};
use crate::limits::Limits;
use crate::models::{Model, Models};
use crate::page::{Frame, Page};
use crate::problem::Problem;
use crate::serving::Serving;

/// Under the stricter "no-referrer" a browser would send the form with "Origin: null", as another site's.
const HEAD: &str = r#"<meta name="referrer" content="same-origin">
  <link rel="icon" href="assets/icon.svg">
  <link rel="stylesheet" href="assets/style.css">
  <script type="module" src="assets/script.js"></script>"#;

/// What the page says above its results.
pub(crate) enum Notice<'a> {
    /// Nothing was asked yet.
    Waiting,
    /// The results are below.
    Done,
    /// The request was refused.
    Failed(&'a Problem),
}

/// What a page of this server is made of.
pub(crate) struct ServedPage<'a> {
    pub(crate) models: &'a Models,
    pub(crate) model: &'a Model,
    pub(crate) strings: &'static Strings,
    pub(crate) uri: &'a Uri,
    pub(crate) limits: &'a Limits,
}

pub(crate) async fn show(
    State(serving): State<Serving>,
    State(intake): State<Intake>,
    AskedModel(model): AskedModel,
    Language(strings): Language,
    uri: Uri,
) -> Response {
    let page =
        ServedPage { models: &serving.models(), model: &model, strings, uri: &uri, limits: &intake.limits };
    let headers = [(header::CACHE_CONTROL, "no-cache"), (header::VARY, "accept-language")];
    (headers, page.render(&[], &Notice::Waiting)).into_response()
}

impl ServedPage<'_> {
    /// The whole page with these answers on it.
    pub(crate) fn render(&self, answers: &[FileAnswer], notice: &Notice<'_>) -> Html<String> {
        let page = Page {
            predictor: self.model.predictor.as_ref(),
            strings: self.strings,
            name: &self.model.name,
            most_bytes: self.limits.request_bytes,
            frame: self.frame(),
        };
        Html(page.render(answers, &self.notice(notice)))
    }

    fn frame(&self) -> Frame {
        let strings = self.strings;
        let query = self.query(&self.model.name, asked_language(self.uri));
        let shown = escape(&query);
        let limit = mebibytes(self.limits.request_bytes, strings);
        let [together, promise] =
            [strings.say("together", &[("limit", &limit)]), strings.get("promise").to_owned()]
                .map(|text| escape(&text));
        let [submit, programs] = ["submit", "for-programs"].map(|key| escape(strings.get(key)));
        Frame {
            head: HEAD.to_owned(),
            models: self.model_links(),
            action: format!(r#" action="predict{shown}" method="post" enctype="multipart/form-data""#),
            without_script: format!(
                r#"<button class="button without-script" type="submit">{submit}</button>"#
            ),
            promise: format!(r#"<span class="without-script">{together}</span> {promise}"#),
            examples: self.examples(),
            languages: self.language_links(),
            footer: format!(
                r#"<p>{programs}: <a href="api/model{shown}">api/model</a>, <a href="api/openapi.json">api/openapi.json</a></p>"#
            ),
            query,
        }
    }

    fn notice(&self, notice: &Notice<'_>) -> String {
        match notice {
            Notice::Waiting => String::new(),
            Notice::Done => self.strings.get("done").to_owned(),
            Notice::Failed(problem) => problem.words(self.strings),
        }
    }

    /// What follows an address to stay with a model and a language. Names of models need no encoding.
    fn query(&self, model: &str, language: Option<&Strings>) -> String {
        let is_choice = self.models.all().nth(1).is_some();
        let model = is_choice.then(|| format!("model={model}"));
        let language = language.map(|strings| format!("lang={}", strings.tag));
        let pairs: Vec<String> = model.into_iter().chain(language).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    /// Buttons that try the model; the script makes them work.
    fn examples(&self) -> String {
        let examples = &self.model.examples;
        if examples.is_empty() {
            return String::new();
        }
        let query = self.query(&self.model.name, None);
        let buttons = examples.iter().enumerate().map(|(number, example)| {
            let (address, name) = (escape(&format!("examples/{number}{query}")), escape(&example.name));
            let label = escape(&self.strings.say("example", &[("name", &example.name)]));
            format!(
                r#"<li><button type="button" data-example="{address}" data-name="{name}" title="{name}"><img src="{address}" alt="{label}" loading="lazy"></button></li>"#
            )
        });
        let heading = escape(self.strings.get("examples"));
        format!(
            r#"<div class="examples with-script"><p id="examples" class="hint">{heading}</p><ul aria-labelledby="examples">{}</ul></div>"#,
            buttons.collect::<String>()
        )
    }

    fn model_links(&self) -> String {
        if self.models.all().nth(1).is_none() {
            return String::new();
        }
        let links = self.models.all().map(|model| {
            let query = self.query(&model.name, asked_language(self.uri));
            link(&query, &model.name, model.name == self.model.name, "")
        });
        let label = escape(self.strings.get("model"));
        format!(r#"<nav class="models" aria-label="{label}">{}</nav>"#, links.collect::<String>())
    }

    fn language_links(&self) -> String {
        let links = language::all().iter().map(|strings| {
            let query = self.query(&self.model.name, Some(strings));
            let attributes = format!(r#" lang="{0}" hreflang="{0}""#, strings.tag);
            link(&query, strings.get("language"), strings.tag == self.strings.tag, &attributes)
        });
        links.collect()
    }
}

fn link(query: &str, text: &str, is_current: bool, attributes: &str) -> String {
    let current = if is_current { r#" aria-current="true""# } else { "" };
    format!(r#"<a href="./{}"{current}{attributes}>{}</a>"#, escape(query), escape(text))
}
