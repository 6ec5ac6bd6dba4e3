//! Puts a refused request's [`Problem`] into words: a page for who reads it in a browser, JSON for programs.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use crate::extractors::language_of;
use crate::html::{escape, fill};
use crate::language::Strings;
use crate::problem::Problem;

const TEMPLATE: &str = include_str!("problem.html");
/// What the answer depends on.
const VARY: HeaderValue = HeaderValue::from_static("accept, accept-language");

pub(crate) async fn speak(request: Request, next: Next) -> Response {
    let strings = language_of(request.uri(), request.headers());
    let start = reads_pages(request.headers(), request.uri()).then(|| start(request.uri()));
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let said = match start {
        Some(start) => page(&problem, strings, &start).into_response(),
        None => problem.body(strings).into_response(),
    };
    let mut said = problem.mark(said);
    said.headers_mut().insert(header::VARY, VARY);
    said
}

/// Whether a browser asks, for something that people look at.
fn reads_pages(headers: &HeaderMap, uri: &Uri) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_for_programs = ["/api/", "/v2"].iter().any(|start| uri.path().starts_with(start));
    accepted.contains("text/html") && !is_for_programs
}

/// The way from an address to the start page. Relative, because a proxy may serve the app under a path.
fn start(uri: &Uri) -> String {
    match uri.path().matches('/').count() {
        0 | 1 => "./".to_owned(),
        depth => "../".repeat(depth - 1),
    }
}

fn page(problem: &Problem, strings: &Strings, start: &str) -> Html<String> {
    let (said, to_start) = (escape(&problem.words(strings)), escape(strings.get("to-start")));
    Html(fill(TEMPLATE, |name| match name {
        "tag" => strings.tag,
        "said" => &said,
        "start" => start,
        _ => &to_start,
    }))
}
