//! Several models in one server, and models that are replaced while it runs.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use client::{Reply, raw, send};
use headstart_web::{AppState, Limits, Models, app};
use serde_json::json;
use stand_in::{PNG, StandIn, png};

fn ants() -> StandIn {
    StandIn::of(&["ants", "bees"])
}

fn two_models() -> Router {
    app(AppState::new(Models::from(StandIn::default()).and("insects", ants()), Limits::default()))
}

async fn fetch(app: &Router, path: &str) -> Reply {
    send(app, Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_first_model_answers_who_names_none() {
    let app = two_models();
    let class = async |path| send(&app, raw(path, PNG)).await.json()["predictions"][0]["class"].clone();
    assert_eq!(class("/api/predict").await, "PNEUMONIA");
    assert_eq!(class("/api/predict?model=model").await, "PNEUMONIA");
    assert_eq!(class("/api/predict?model=insects").await, "bees");
    let model = fetch(&app, "/api/model?model=insects").await.json();
    assert_eq!((&model["name"], &model["models"]), (&json!("insects"), &json!(["model", "insects"])));
}

#[tokio::test]
async fn a_model_that_is_not_there_is_404() {
    let app = two_models();
    for path in ["/?model=x", "/api/model?model=x", "/api/model?model=%FF"] {
        assert_eq!(fetch(&app, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(send(&app, raw("/api/predict?model=x", PNG)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_leads_to_each_model() {
    let page = fetch(&two_models(), "/?model=insects&lang=de").await.body;
    assert!(page.contains("<h1>ants oder bees</h1>"), "{page}");
    assert!(page.contains(r#"<a href="./?model=model&amp;lang=de">model</a>"#), "{page}");
    assert!(page.contains(r#"action="predict?model=insects&amp;lang=de""#), "{page}");
}

#[tokio::test]
async fn a_request_under_way_ends_with_the_model_that_it_began_with() {
    let state = AppState::new(StandIn::default(), Limits::default());
    let app = app(state.clone());
    let under_way = tokio::spawn({
        let app = app.clone();
        async move { send(&app, raw("/api/predict", png("HOLD"))).await }
    });
    tokio::task::yield_now().await;
    state.replace(ants());
    let after = send(&app, raw("/api/predict", PNG));
    stand_in::release();
    assert_eq!(under_way.await.unwrap().json()["predictions"][0]["class"], "PNEUMONIA");
    assert_eq!(after.await.json()["predictions"][0]["class"], "bees");
}
