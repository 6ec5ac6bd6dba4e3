//! The web app of trained classifiers: drop an image, read a prediction with an honest caution.
//!
//! ```text
//! GET  /             the page                        POST /api/predict  images in, JSON out
//! GET  /assets/…     its style, script and icon      POST /predict      the same for a browser without JavaScript
//! GET  /api/model    what the classifier is          POST /api/explain  an image in, its heat map out
//! GET  /examples/…   images to try it with           …  /v2/…           the Open Inference Protocol
//! GET  /healthz, /readyz, /metrics                   GET  /api/openapi.json
//! ```
//!
//! An upload lives in memory for as long as its request does. It is never written to disk and never logged.

mod access;
mod api;
mod assets;
mod body;
mod connections;
mod examples;
mod explain;
mod extractors;
mod form;
mod health;
mod hosts;
mod inference;
mod intake;
mod limits;
mod metrics;
mod models;
mod name;
mod offline;
mod openapi;
mod origin;
mod problem;
mod prometheus;
mod queue;
mod rate;
mod recent;
mod refusal;
mod respond;
mod security_headers;
mod served_page;
mod server;
mod serving;
mod signals;
mod socket;
mod state;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::{get, post};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use headstart_page::{answer, html, image_kind, language, measured, page, page_files, predictor};

pub use access::Access;
pub use examples::Example;
pub use headstart_page::predictor::{Layer, Predictor};
pub use hosts::Hosts;
pub use limits::Limits;
pub use models::Models;
pub use offline::{Written, export};
pub use server::{Server, Service, run};
pub use signals::stop as stop_signal;
pub use state::AppState;

/// The whole app: every route, its limits and its protective headers.
///
/// ```
/// # fn load() -> headstart::Result<()> {
/// use headstart::Classifier;
/// use headstart_web::{AppState, Limits};
///
/// let classifier = Classifier::load("model.safetensors")?;
/// let app = headstart_web::app(AppState::new(classifier, Limits::default()));
/// # Ok(()) }
/// ```
pub fn app(state: AppState) -> Router {
    let guarded = uploads(&state)
        .merge(facts())
        .layer(from_fn_with_state(state.guard.clone(), access::guard))
        .layer(from_fn_with_state(Arc::clone(&state.hosts), hosts::guard));
    let (router, document) = OpenApiRouter::with_openapi(openapi::Frame::openapi())
        .merge(guarded)
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(inference::live))
        .routes(routes!(inference::ready))
        .split_for_parts();
    let document = Arc::new(document);
    router
        .route("/api/openapi.json", get(async move || openapi::show(&document)))
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::other_method)
        .layer(from_fn(hosts::refuse_several))
        .layer(from_fn_with_state(Arc::clone(&state.metrics), metrics::count))
        .layer(from_fn(refusal::speak))
        .layer(map_response(security_headers::add))
        .with_state(state)
}

/// What takes images in.
fn uploads(state: &AppState) -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(api::predict))
        .routes(routes!(explain::explain))
        .routes(routes!(inference::infer))
        .route("/predict", post(form::predict).get(form::back_to_page))
        .layer(from_fn(origin::refuse_other_sites))
        .layer(from_fn_with_state(state.rate.clone(), rate::limit))
        // `upload` counts the bytes itself: it must state the limit, and drain what it refuses.
        .layer(DefaultBodyLimit::disable())
}

/// What only tells.
fn facts() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(api::model))
        .routes(routes!(prometheus::show))
        .routes(routes!(inference::server))
        .routes(routes!(inference::metadata))
        .routes(routes!(inference::model_ready))
        .route("/", get(served_page::show))
        .route("/assets/{name}", get(assets::show))
        .route("/examples/{number}", get(assets::example))
}
