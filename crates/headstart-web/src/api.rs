//! The JSON half of the app, for the page's script and for programs.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use headstart::classifier::Card;
use serde::Serialize;

use crate::answer::{self, Answer, Outcome};
use crate::problem::Problem;
use crate::state::AppState;

/// The answer to `POST /api/predict`. `error` repeats the first file's when no file could be used.
#[derive(Serialize)]
struct Predictions {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    predictions: Vec<Answer>,
}

/// The answer to `GET /api/model`.
#[derive(Serialize)]
struct Model<'a> {
    card: &'a Card,
    classes: &'a [String],
    positive: Option<&'a str>,
    threshold: f64,
    caution: &'a str,
}

pub(crate) async fn predict(
    State(state): State<AppState>,
    request: Request,
) -> Result<(StatusCode, Json<impl Serialize>), Problem> {
    let predictions = answer::answer(&state, request).await?;
    let status = answer::status(&predictions);
    let error = if status.is_success() { None } else { predictions.iter().find_map(refusal) };
    Ok((status, Json(Predictions { error, predictions })))
}

fn refusal(answer: &Answer) -> Option<String> {
    match &answer.outcome {
        Outcome::Refused { error, .. } => Some(error.clone()),
        Outcome::Predicted { .. } => None,
    }
}

pub(crate) async fn model(State(state): State<AppState>) -> Response {
    let predictor = state.predictor.as_ref();
    Json(Model {
        card: predictor.card(),
        classes: predictor.classes(),
        positive: predictor.classes().get(predictor.positive()).map(String::as_str),
        threshold: predictor.threshold(),
        caution: predictor.caution(),
    })
    .into_response()
}

pub(crate) async fn health() -> &'static str {
    "ok"
}

pub(crate) async fn not_found() -> Problem {
    Problem::NotFound
}
