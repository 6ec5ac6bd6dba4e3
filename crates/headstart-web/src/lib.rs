//! The web app of a trained classifier: drop an image, read a prediction with an honest caution.
//!
//! ```text
//! GET  /             the page                        POST /api/predict  images in, JSON out
//! GET  /assets/…     its style, script and icon      POST /predict      the same for a browser without JavaScript
//! GET  /api/model    what the classifier is          GET  /healthz      "ok"
//! ```
//!
//! An upload lives in memory for as long as its request does. It is never written to disk and never logged.

mod answer;
mod api;
mod assets;
mod form;
mod html;
mod image_kind;
mod name;
mod origin;
mod page;
mod problem;
mod queue;
mod security_headers;
mod server;
mod state;
mod upload;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_response};
use axum::routing::{get, post};

pub use server::{Server, run, serve, stop_signal};
pub use state::{AppState, Limits, Predictor};

/// The whole app: every route, its limits and its protective headers.
///
/// ```
/// # fn load() -> headstart::Result<()> {
/// use headstart::classifier::Classifier;
/// use headstart_web::{AppState, Limits};
///
/// let classifier = Classifier::load("model.safetensors".as_ref())?;
/// let app = headstart_web::app(AppState::new(classifier, Limits::default()));
/// # Ok(()) }
/// ```
pub fn app(state: AppState) -> Router {
    let uploads = Router::new()
        .route("/api/predict", post(api::predict))
        .route("/predict", post(form::predict).get(form::back_to_page))
        .layer(from_fn(origin::refuse_other_sites))
        // `upload` counts the bytes itself: it must state the limit, and drain what it refuses.
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/", get(page::show))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/script.js", get(assets::script))
        .route("/assets/icon.svg", get(assets::icon))
        .route("/api/model", get(api::model))
        .route("/healthz", get(api::health))
        .merge(uploads)
        .fallback(api::not_found)
        .layer(map_response(security_headers::add))
        .with_state(state)
}
