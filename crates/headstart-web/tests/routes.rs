//! What can be fetched: the page, its assets, the model's facts, and the headers around them.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use client::{Reply, app_within, get, send};
use headstart::evaluate::Doubt;
use headstart_web::{AppState, Limits, app};
use stand_in::StandIn;

#[tokio::test]
async fn the_page_states_the_caution_and_the_measured_numbers() {
    let page = get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for expected in [
        "A research tool, not a medical device. Ask a doctor.",
        "NORMAL or PNEUMONIA",
        "EfficientNet-Lite0",
        "<dt>Sensitivity</dt><dd><strong>96%</strong> <span>95% interval: 94% to 98%</span>",
        "<dt>AUC</dt><dd><strong>0.974</strong> <span>95% interval: 0.962 to 0.985</span>",
        "Up to 20 MiB",
    ] {
        assert!(page.body.contains(expected), "{expected} is not in {}", page.body);
    }
}

#[tokio::test]
async fn a_model_without_test_numbers_says_so() {
    let mut unmeasured = StandIn::default();
    unmeasured.card.test = None;
    let app = app(AppState::new(unmeasured, Limits::default()));
    let page = send(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert!(page.body.contains("It was not measured on held-out images"), "{}", page.body);
}

#[tokio::test]
async fn a_leak_is_told_beside_the_numbers_on_page_and_api() {
    let mut leaking = StandIn::default();
    leaking.card.doubts = vec![Doubt::SharedGroups { groups: 170 }];
    let app = app(AppState::new(leaking, Limits::default()));
    let fetch = async |path: &str| send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
    let page = fetch("/").await.body;
    // The dictionary that the page's script reads has all sentences; the page shows some.
    let shown: Vec<&str> = page.lines().filter(|line| !line.trim_start().starts_with("&quot;")).collect();
    assert!(!shown.concat().contains("never seen"), "{page}");
    // Beside the numbers of the card, and beside those under each answer.
    assert_eq!(page.matches("share 170 groups of images").count(), 2, "{page}");
    assert!(fetch("/?lang=de").await.body.contains("haben 170 Gruppen von Bildern gemeinsam"));
    let warnings = fetch("/api/model").await.json()["card"]["warnings"].clone();
    assert!(warnings[0].as_str().is_some_and(|warning| warning.contains("170 groups")), "{warnings}");
}

#[tokio::test]
async fn a_number_that_could_not_be_measured_is_unknown() {
    let mut without_sick = StandIn::default();
    without_sick.card.test = Some(vec![("Sensitivity".to_owned(), f64::NAN, f64::NAN, f64::NAN)]);
    let app = app(AppState::new(without_sick, Limits::default()));
    let page = send(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert!(page.body.contains("<dt>Sensitivity</dt><dd><strong>Unknown</strong>"), "{}", page.body);
    assert!(!page.body.contains("NaN"), "{}", page.body);
}

#[tokio::test]
async fn markup_in_the_model_file_stays_text() {
    let mut hostile = StandIn::default();
    hostile.classes[0] = "<script>alert(1)</script>{{caution}}".to_owned();
    hostile.card.classes.clone_from(&hostile.classes);
    hostile.caution = "\"><img src=x>".to_owned();
    let app = app(AppState::new(hostile, Limits::default()));
    let page = send(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;{{caution}}"), "{}", page.body);
    assert!(page.body.contains("&quot;&gt;&lt;img src=x&gt;"), "{}", page.body);
}

#[tokio::test]
async fn assets_come_with_their_type_and_are_revalidated() {
    for (path, content_type) in [
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/script.js", "text/javascript; charset=utf-8"),
        ("/assets/answers.js", "text/javascript; charset=utf-8"),
        ("/assets/decision.js", "text/javascript; charset=utf-8"),
        ("/assets/threshold.js", "text/javascript; charset=utf-8"),
        ("/assets/heat_map.js", "text/javascript; charset=utf-8"),
        ("/assets/requests.js", "text/javascript; charset=utf-8"),
        ("/assets/words.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let asset = get(path).await;
        assert_eq!((asset.status, asset.header("content-type")), (StatusCode::OK, content_type));
        assert_eq!(asset.header("cache-control"), "no-cache");
        let again = Request::get(path).header("if-none-match", asset.header("etag")).body(Body::empty());
        let again = send(&app_within(Limits::default()), again.unwrap()).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }
}

#[tokio::test]
async fn every_response_carries_the_protective_headers() {
    for path in ["/", "/assets/script.js", "/api/model", "/healthz", "/nothing", "/api/predict"] {
        let reply = get(path).await;
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn the_page_has_nothing_inline_and_nothing_from_elsewhere() {
    let Reply { body, .. } = get("/").await;
    for forbidden in ["<style", " style=", "onclick", "onload", "http://", "https://", "//cdn"] {
        assert!(!body.contains(forbidden), "{forbidden}");
    }
    assert_eq!(body.matches("<script").count(), 1);
}

#[tokio::test]
async fn the_model_describes_itself() {
    let model = get("/api/model").await;
    assert_eq!(model.header("cache-control"), "no-store");
    let model = model.json();
    assert_eq!(model["classes"], serde_json::json!(["NORMAL", "PNEUMONIA"]));
    assert_eq!(model["positive"], "PNEUMONIA");
    assert_eq!(model["threshold"], 0.42);
    assert_eq!(model["card"]["backbone"], "EfficientNet-Lite0");
    assert_eq!(model["caution"], "A research tool, not a medical device. Ask a doctor.");
}

#[tokio::test]
async fn health_missing_pages_and_wrong_methods() {
    let health = get("/healthz").await;
    assert_eq!((health.status, health.body.as_str()), (StatusCode::OK, "ok"));
    let missing = get("/nothing").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json()["error"], "There is nothing at this address.");
    assert_eq!(get("/api/predict").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_path_that_names_nothing_is_our_own_404() {
    for path in ["/assets/%ff", "/examples/first", "/examples/-1", "/examples/%ff", "/v2/models/%ff"] {
        let missing = get(path).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(missing.json()["error"], "There is nothing at this address.", "{path}");
    }
}

#[tokio::test]
async fn a_browser_reads_a_refusal_as_a_page() {
    let app = app_within(Limits::default());
    let ask = async |path: &str| {
        let request = Request::get(path)
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("accept-language", "de");
        send(&app, request.body(Body::empty()).unwrap()).await
    };
    for (path, start) in [("/nothing", "./"), ("/a/b/c?x=1", "../../"), ("/examples/9", "../")] {
        let page = ask(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("vary"), "accept, accept-language", "{path}");
        assert!(page.body.contains("<html lang=\"de\">"), "{}", page.body);
        assert!(page.body.contains("<h1>Unter dieser Adresse gibt es nichts.</h1>"), "{}", page.body);
        assert!(page.body.contains(&format!("<a href=\"{start}\">")), "{}", page.body);
        assert!(page.body.contains(&format!("href=\"{start}assets/style.css\"")), "{}", page.body);
    }
    // What only programs ask stays JSON.
    for path in ["/api/nothing", "/v2/models/other"] {
        assert_eq!(ask(path).await.header("content-type"), "application/json", "{path}");
    }
}
