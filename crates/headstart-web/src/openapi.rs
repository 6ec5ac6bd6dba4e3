//! The OpenAPI document. Each documented handler stands in it with its route, because [`crate::app`] adds both at
//! once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;

/// The document's frame.
#[derive(OpenApi)]
#[openapi(
    info(title = "headstart", description = "Predictions of a sealed image classifier."),
    tags(
        (name = "predict", description = "Images in, predictions out"),
        (name = "model", description = "What a model is, and how good"),
        (name = "inference", description = "The Open Inference Protocol, version 2"),
        (name = "server", description = "Health and counters"),
    )
)]
pub(crate) struct Frame;

pub(crate) fn show(document: &utoipa::openapi::OpenApi) -> Response {
    Json(document).into_response()
}
