//! The counters, as Prometheus reads them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::openapi::Guarded;
use crate::serving::Serving;

#[utoipa::path(get, path = "/metrics", tag = "server", responses(
    (status = 200, description = "Counters in Prometheus's text format", body = String, content_type = "text/plain"),
    Guarded,
))]
pub(crate) async fn show(
    State(metrics): State<Arc<Metrics>>,
    State(intake): State<Intake>,
    State(serving): State<Serving>,
) -> Response {
    let text = metrics.text(intake.queue.length(), !serving.is_stopping());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
