//! The OpenAPI document. Each documented handler stands in it with its route, because [`crate::app`] adds both at
//! once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use utoipa::{IntoResponses, OpenApi};

use crate::problem::ErrorBody;

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

/// How the guards refuse, before a handler sees the request.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it only describes what `access` and `hosts` answer")]
pub(crate) enum Guarded {
    /// A token or password is needed
    #[response(status = 401)]
    Locked(ErrorBody),
    /// The request asks for a host name that is not this server's
    #[response(status = 421)]
    OtherHost(ErrorBody),
}

pub(crate) fn show(document: &utoipa::openapi::OpenApi) -> Response {
    Json(document).into_response()
}
