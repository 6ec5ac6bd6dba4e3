//! The protocol's messages: JSON, perhaps with binary tensors behind it.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use headstart::classifier::Answer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::counted::Counted;
use super::tensor::OUTPUTS;
use super::{VERSION, tensor};
use crate::models::Model;
use crate::problem::Problem;

/// Length of a message's JSON when binary tensors follow it.
const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Images to be predicted.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InferRequest {
    /// Comes back with the answer.
    pub(super) id: Option<String>,
    /// One tensor, `image`.
    #[schema(min_items = 1, max_items = 1, value_type = Vec<InputTensor>)]
    pub(super) inputs: Counted<InputTensor, 1>,
    /// Which of `scores`, `class` and `verdict` to answer with, each once: all if not given.
    #[schema(max_items = 3, value_type = Option<Vec<OutputRequest>>)]
    pub(super) outputs: Option<Counted<OutputRequest, { OUTPUTS.len() }>>,
    pub(super) parameters: Option<Parameters>,
}

/// Image files.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InputTensor {
    #[schema(pattern = "^image$")]
    pub(super) name: String,
    #[schema(pattern = "^BYTES$")]
    pub(super) datatype: String,
    /// `[n]`
    #[schema(min_items = 1, max_items = 8, value_type = Vec<usize>)]
    pub(super) shape: Counted<usize, 8>,
    /// Each image file as base64, unless the tensor is binary.
    #[schema(value_type = Option<Vec<String>>)]
    pub(super) data: Option<Counted<String, MOST_ELEMENTS>>,
    pub(super) parameters: Option<Parameters>,
}

/// An output that the answer shall have.
#[derive(Deserialize, ToSchema)]
pub(crate) struct OutputRequest {
    #[schema(pattern = "^(scores|class|verdict)$")]
    pub(super) name: String,
    pub(super) parameters: Option<Parameters>,
}

/// Of the protocol's parameters those that are heeded; others are passed over.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Parameters {
    /// Bytes of a binary tensor behind the JSON.
    pub(super) binary_data_size: Option<usize>,
    /// Whether this output shall be binary.
    pub(super) binary_data: Option<bool>,
    /// Whether all outputs shall be binary.
    pub(super) binary_data_output: Option<bool>,
}

/// What the model says.
#[derive(Serialize, ToSchema)]
pub(crate) struct InferResponse {
    model_name: String,
    model_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    outputs: Vec<OutputTensor>,
}

/// A tensor of the answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct OutputTensor {
    pub(super) name: &'static str,
    pub(super) datatype: &'static str,
    pub(super) shape: Vec<usize>,
    /// Missing when the tensor is binary.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>)]
    pub(super) data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameters: Option<BinarySize>,
}

/// Where a binary tensor ends.
#[derive(Serialize, ToSchema)]
pub(crate) struct BinarySize {
    pub(super) binary_data_size: usize,
}

/// What is said of other outputs, and of one that is asked for twice.
const NAMES: &str = "the outputs are “scores”, “class” and “verdict”, each at most once";
/// The most bytes of a request's id: it comes back with the answer.
const LONGEST_ID: usize = 1024;
/// The most images of a request that are kept, whatever the server's limit.
pub(super) const MOST_ELEMENTS: usize = 4096;

/// An output to answer with, and whether it shall be binary.
pub(super) type Wanted = (&'static str, bool);

/// Splits a body into its JSON and the binary tensors behind it.
pub(super) fn parse(headers: &HeaderMap, body: Bytes) -> Result<(InferRequest, Bytes), Problem> {
    let length = match headers.get(JSON_LENGTH) {
        None => body.len(),
        Some(length) => length
            .to_str()
            .ok()
            .and_then(|length| length.parse().ok())
            .filter(|length| *length <= body.len())
            .ok_or_else(|| Problem::Tensor("its header length is not one of this body".to_owned()))?,
    };
    // serde's message may quote the request: only its place is told.
    let broken = |why: serde_json::Error| {
        Problem::Tensor(format!(
            "the JSON is not an inference request (line {}, column {})",
            why.line(),
            why.column()
        ))
    };
    let request = serde_json::from_slice(&body[..length]).map_err(broken)?;
    Ok((request, body.slice(length..)))
}

/// The outputs that are asked for: each once, so that the answer has a bound.
pub(super) fn wanted(request: &InferRequest) -> Result<Vec<Wanted>, Problem> {
    let all_binary = request.parameters.as_ref().and_then(|it| it.binary_data_output).unwrap_or(false);
    if request.id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
        return Err(tensor::wrong(&format!("the id is longer than {LONGEST_ID} bytes")));
    }
    let Some(outputs) = request.outputs.as_ref().filter(|outputs| outputs.count > 0) else {
        return Ok(OUTPUTS.map(|name| (name, all_binary)).to_vec());
    };
    let mut wanted: Vec<Wanted> = Vec::new();
    for output in outputs.all().ok_or_else(|| tensor::wrong(NAMES))? {
        let name = OUTPUTS.into_iter().find(|name| *name == output.name);
        let name = name.filter(|name| wanted.iter().all(|(other, _)| other != name));
        let binary = output.parameters.as_ref().and_then(|it| it.binary_data);
        wanted.push((name.ok_or_else(|| tensor::wrong(NAMES))?, binary.unwrap_or(all_binary)));
    }
    Ok(wanted)
}

/// The outputs that were asked for, as JSON or binary.
pub(super) fn respond(
    id: Option<String>,
    wanted: &[Wanted],
    model: &Model,
    answers: &[Answer],
) -> Result<Response, Problem> {
    let mut tensors = Vec::new();
    let mut behind = Vec::new();
    for (name, is_binary) in wanted {
        let mut output = tensor::output(name, answers)?;
        if *is_binary {
            let bytes = tensor::to_binary(&output);
            output.data = None;
            output.parameters = Some(BinarySize { binary_data_size: bytes.len() });
            behind.extend(bytes);
        }
        tensors.push(output);
    }
    let answer =
        InferResponse { model_name: model.name.clone(), model_version: VERSION, id, outputs: tensors };
    if behind.is_empty() {
        return Ok(Json(answer).into_response());
    }
    let mut body = serde_json::to_vec(&answer).map_err(|_| Problem::Internal)?;
    let length = body.len().to_string();
    body.extend(behind);
    let headers = [(JSON_LENGTH, length), (header::CONTENT_TYPE, "application/octet-stream".to_owned())];
    Ok((headers, body).into_response())
}
