//! What of an image spoke for its class, as a picture: asked for by itself, so that no answer waits for it.

use axum::extract::{Query, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::extractors::AskedModel;
use crate::image_kind;
use crate::intake::Intake;
use crate::openapi::Guarded;
use crate::predictor::Layer;
use crate::problem::{ErrorBody, Problem};
use crate::upload;

/// What the picture shows over the image.
#[derive(Deserialize, Default, ToSchema, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AskedLayer {
    /// Where the class was seen.
    #[default]
    HeatMap,
    /// Nothing: the image as the model reads it, for a format that browsers do not show.
    None,
}

#[derive(Deserialize)]
pub(crate) struct Parameters {
    #[serde(default)]
    layer: AskedLayer,
}

#[utoipa::path(post, path = "/api/explain", tag = "predict",
    params(
        ("model" = Option<String>, Query, description = "The model's name; the first model if not given"),
        ("layer" = inline(Option<AskedLayer>), Query, description = "What lies over the image: `heat-map` (Grad-CAM), or `none`"),
        ("lang" = Option<String>, Query, description = "The language of refusals; else Accept-Language decides"),
    ),
    request_body(description = "One image as it is, or in the form's `file` field", content(
        (Vec<u8> = "application/octet-stream"),
        (crate::api::Form = "multipart/form-data"),
    )),
    responses(
        (status = 200, description = "The image, shrunk to at most 448 pixels, with what spoke for its class laid over it",
            body = Vec<u8>, content_type = "image/png"),
        (status = 400, description = "No image, a broken form or an unknown layer", body = ErrorBody),
        (status = 403, description = "Sent by another site's page", body = ErrorBody),
        (status = 404, description = "No such model", body = ErrorBody),
        (status = 408, description = "The body arrives too slowly", body = ErrorBody),
        (status = 413, description = "Too many bytes, or more than one image", body = ErrorBody),
        (status = 415, description = "The file is no image", body = ErrorBody),
        (status = 422, description = "The image cannot be used, or the model has no heat map", body = ErrorBody),
        (status = 429, description = "Too many uploads from this address", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds to wait"))),
        (status = 503, description = "The queue is full", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds to wait"))),
        Guarded,
    ))]
pub(crate) async fn explain(
    State(intake): State<Intake>,
    AskedModel(model): AskedModel,
    request: Request,
) -> Result<Response, Problem> {
    let layer = layer(&request)?;
    let received = upload::receive(request, &intake).await?;
    let [file] = received.files.as_slice() else { return Err(Problem::TooMany { limit: 1 }) };
    let drawn =
        timeout(intake.limits.answer_timeout, intake.queue.picture(&model, file.bytes.clone(), layer));
    let png = drawn.await.map_err(|_| Problem::Busy)??.map_err(|error| {
        let is_image = image_kind::is_image(&file.bytes);
        Problem::Unusable { error, is_image }
    })?;
    Ok(([(CONTENT_TYPE, "image/png")], png.ok_or(Problem::NoHeatMap)?).into_response())
}

fn layer(request: &Request) -> Result<Layer, Problem> {
    let asked = Query::<Parameters>::try_from_uri(request.uri()).map_err(|_| Problem::Malformed)?;
    Ok(match asked.0.layer {
        AskedLayer::HeatMap => Layer::HeatMap,
        AskedLayer::None => Layer::Bare,
    })
}
