//! The Open Inference Protocol, version 2 (KServe's and Triton's): the same models for programs that speak it.
//!
//! A model takes one tensor, `image`: BYTES `[n]`, each element an image file (in JSON as base64). It gives
//! `scores`, FP32 `[n, classes]`, `verdict`, BYTES `[n]`: `decided`, `undecided` or `refused`, and `class`, BYTES `[n]`,
//! empty where the verdict is not `decided`.

mod counted;
mod message;
mod tensor;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::extractors::{Language, Named};
use crate::intake::Intake;
use crate::models::Model;
use crate::openapi::Guarded;
use crate::predictor::refusal;
use crate::problem::{ErrorBody, Problem};
use crate::serving::Serving;
use crate::upload;
use message::{InferRequest, InferResponse};

/// The protocol has versions of a model; a sealed model has but one.
const VERSION: &str = "1";

/// What the server is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerMetadata {
    name: &'static str,
    version: &'static str,
    extensions: Vec<&'static str>,
}

/// What a model takes and gives.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelMetadata {
    name: String,
    versions: Vec<&'static str>,
    platform: &'static str,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
}

/// A tensor's name, type and shape; -1 is any number.
#[derive(Serialize, ToSchema)]
pub(crate) struct TensorMetadata {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<i64>,
}

/// Whether a model takes requests.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    name: String,
    ready: bool,
}

#[utoipa::path(get, path = "/v2", tag = "inference", responses(
    (status = 200, description = "What the server is", body = ServerMetadata),
    Guarded,
))]
pub(crate) async fn server() -> Json<ServerMetadata> {
    let version = env!("CARGO_PKG_VERSION");
    Json(ServerMetadata { name: "headstart", version, extensions: vec!["binary_tensor_data"] })
}

#[utoipa::path(get, path = "/v2/health/live", tag = "inference",
    responses((status = 200, description = "The server lives", body = String, content_type = "text/plain")))]
pub(crate) async fn live() -> &'static str {
    "ok"
}

#[utoipa::path(get, path = "/v2/health/ready", tag = "inference", responses(
    (status = 200, description = "The server takes requests", body = String, content_type = "text/plain"),
    (status = 503, description = "It is about to stop", body = ErrorBody),
))]
pub(crate) async fn ready(serving: State<Serving>) -> Result<&'static str, Problem> {
    crate::health::ready(serving).await
}

#[utoipa::path(get, path = "/v2/models/{name}", tag = "inference",
    params(("name" = String, Path, description = "The model's name")),
    responses(
        (status = 200, description = "What the model takes and gives", body = ModelMetadata),
        Guarded,
        (status = 404, description = "No such model", body = ErrorBody),
    ))]
pub(crate) async fn metadata(
    State(serving): State<Serving>,
    Named(name): Named<String>,
) -> Result<Json<ModelMetadata>, Problem> {
    let model = find(&serving, &name)?;
    let classes = model.predictor.classes().len() as i64;
    let tensor = |name, datatype, shape: &[i64]| TensorMetadata { name, datatype, shape: shape.to_vec() };
    Ok(Json(ModelMetadata {
        name: model.name,
        versions: vec![VERSION],
        platform: "headstart",
        inputs: vec![tensor("image", "BYTES", &[-1])],
        outputs: vec![
            tensor("scores", "FP32", &[-1, classes]),
            tensor("class", "BYTES", &[-1]),
            tensor("verdict", "BYTES", &[-1]),
        ],
    }))
}

#[utoipa::path(get, path = "/v2/models/{name}/ready", tag = "inference",
    params(("name" = String, Path, description = "The model's name")),
    responses(
        (status = 200, description = "The model takes requests", body = Readiness),
        Guarded,
        (status = 404, description = "No such model", body = ErrorBody),
    ))]
pub(crate) async fn model_ready(
    State(serving): State<Serving>,
    Named(name): Named<String>,
) -> Result<Json<Readiness>, Problem> {
    let model = find(&serving, &name)?;
    Ok(Json(Readiness { name: model.name, ready: !serving.is_stopping() }))
}

#[utoipa::path(post, path = "/v2/models/{name}/infer", tag = "inference",
    params(
        ("name" = String, Path, description = "The model's name"),
        ("Inference-Header-Content-Length" = Option<u64>, Header,
            description = "Length of the JSON, when binary tensors follow it"),
    ),
    request_body = InferRequest,
    responses(
        (status = 200, description = "Scores and classes", content(
            (InferResponse = "application/json"), (Vec<u8> = "application/octet-stream"))),
        (status = 400, description = "A request that the model cannot take", body = ErrorBody),
        Guarded,
        (status = 403, description = "Sent by another site's page", body = ErrorBody),
        (status = 404, description = "No such model", body = ErrorBody),
        (status = 408, description = "The body arrives too slowly", body = ErrorBody),
        (status = 413, description = "Too many bytes or images", body = ErrorBody),
        (status = 429, description = "Too many uploads from this address", body = ErrorBody),
        (status = 503, description = "The queue is full", body = ErrorBody),
    ))]
pub(crate) async fn infer(
    State(serving): State<Serving>,
    State(intake): State<Intake>,
    Named(name): Named<String>,
    Language(strings): Language,
    request: Request,
) -> Result<Response, Problem> {
    let model = find(&serving, &name)?;
    let _under_way = intake.queue.enter()?;
    let (parts, body) = request.into_parts();
    // The memory stays counted: the images take the place of the body.
    let upload::Held { bytes, memory: _memory } = upload::read_body(body, &intake).await?;
    let (mut request, binary) = message::parse(&parts.headers, bytes)?;
    let wanted = message::wanted(&request)?;
    let id = request.id.take();
    let images = tensor::images(request, binary, intake.limits.images)?;
    let predicted = timeout(intake.limits.answer_timeout, intake.queue.assess(&model, images));
    let mut answers = Vec::new();
    for (index, outcome) in predicted.await.map_err(|_| Problem::Busy)??.into_iter().enumerate() {
        let because = |error| Problem::Tensor(format!("image {index}: {}", refusal(&error, strings)));
        answers.push(outcome.map_err(because)?);
    }
    message::respond(id, &wanted, &model, &answers)
}

fn find(serving: &Serving, name: &str) -> Result<Model, Problem> {
    serving.models().find(name).cloned().ok_or(Problem::NoSuchModel)
}
