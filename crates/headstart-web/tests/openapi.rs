//! The OpenAPI document is true: what it lists is there, and answers as it says.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use client::{app_within, files, get, raw, send};
use headstart_web::Limits;
use serde_json::Value;
use stand_in::{PNG, png};

async fn document() -> Value {
    get("/api/openapi.json").await.json()
}

/// The documented schema names of a path's answers, by status.
fn answers<'a>(document: &'a Value, method: &str, path: &str) -> &'a serde_json::Map<String, Value> {
    document["paths"][path][method]["responses"].as_object().unwrap()
}

#[tokio::test]
async fn it_lists_what_programs_call() {
    let document = document().await;
    let mut paths: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    paths.sort_unstable();
    let expected = [
        "/api/explain",
        "/api/model",
        "/api/predict",
        "/healthz",
        "/metrics",
        "/readyz",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{name}",
        "/v2/models/{name}/infer",
        "/v2/models/{name}/ready",
    ];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn every_documented_get_answers_with_the_documented_type() {
    let document = document().await;
    for (path, operations) in document["paths"].as_object().unwrap() {
        if operations.get("get").is_none() {
            continue;
        }
        let reply = get(&path.replace("{name}", "model")).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        let content = answers(&document, "get", path)["200"]["content"].as_object().unwrap();
        let told = reply.header("content-type").split(';').next().unwrap().to_owned();
        assert!(content.contains_key(&told), "{path}: {told}");
    }
}

#[tokio::test]
async fn every_guarded_path_documents_its_guards() {
    let document = document().await;
    for path in ["/api/model", "/api/predict", "/api/explain", "/metrics", "/v2/models/{name}/infer"] {
        let operations = document["paths"][path].as_object().unwrap();
        for (method, operation) in operations {
            for status in ["401", "421"] {
                assert!(operation["responses"].get(status).is_some(), "{method} {path}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn the_statuses_of_an_upload_are_documented() {
    let document = document().await;
    let documented = answers(&document, "post", "/api/predict");
    let small = app_within(Limits { request_bytes: 100, images: 1, ..Limits::default() });
    let other_site =
        Request::post("/api/predict").header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    let requests = [
        raw("/api/predict", PNG),
        raw("/api/predict", Body::empty()),
        raw("/api/predict", vec![0; 101]),
        raw("/api/predict", "text"),
        raw("/api/predict", png("BROKEN")),
        raw("/api/predict", png("PANIC")),
        raw("/api/predict?model=x", PNG),
        files("/api/predict", &[("a.png", PNG), ("b.png", PNG)]),
        other_site,
    ];
    let mut seen = Vec::new();
    for request in requests {
        seen.push(send(&small, request).await.status.as_u16());
    }
    assert_eq!(seen, [200, 400, 413, 415, 422, 500, 404, 413, 403]);
    for status in seen.into_iter().filter(|status| *status != 500) {
        assert!(documented.contains_key(&status.to_string()), "{status}");
    }
}
