//! The JSON half of the app, for the page's script and for programs.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use headstart::classifier::Card;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{FileAnswer, Outcome};
use crate::extractors::{AskedModel, Language};
use crate::intake::Intake;
use crate::measured;
use crate::openapi::Guarded;
use crate::predictor::{caution, deciding_threshold};
use crate::problem::{ErrorBody, Problem};
use crate::respond;
use crate::serving::Serving;

/// Images in a form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes what `upload` reads")]
pub(crate) struct Form {
    /// One image or several: JPEG, PNG, TIFF, BMP, WebP or DICOM.
    #[schema(content_media_type = "application/octet-stream")]
    file: Vec<String>,
}

/// The answer to an upload. `error` repeats the first file's when no file could be used.
#[derive(Serialize, ToSchema)]
pub(crate) struct Predictions {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    predictions: Vec<FileAnswer>,
}

/// What a model is, and how good.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelFacts {
    /// What requests ask for it by.
    name: String,
    /// All models of this server.
    models: Vec<String>,
    card: CardFacts,
    classes: Vec<String>,
    /// Of two classes: the one whose score is held against the threshold; otherwise null.
    positive: Option<String>,
    /// Of two classes: its score from which on it is the answer; otherwise null.
    threshold: Option<f64>,
    caution: String,
}

/// What a reader has to know about a model before trusting it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CardFacts {
    /// What it tells apart, in a few words.
    title: String,
    /// How its classes are called where people read of them, in their order.
    classes: Vec<String>,
    /// The pretrained net that it grew from.
    backbone: String,
    /// The images that it was trained on.
    trained_on: String,
    /// Measured on held-out images, if there were any. Means over more than two classes are called so.
    test: Option<Vec<Measured>>,
    /// With more than two classes: the share of each one's held-out images that are recognised.
    recalls: Vec<Measured>,
    /// Why these numbers say less than they seem to, in whole sentences.
    warnings: Vec<String>,
    /// The version of the program that trained it.
    version: String,
}

/// A number measured on held-out images, with its 95 % interval; null where no image measures it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Measured {
    name: String,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

#[utoipa::path(post, path = "/api/predict", tag = "predict",
    params(
        ("model" = Option<String>, Query, description = "The model's name; the first model if not given"),
        ("lang" = Option<String>, Query, description = "The language of the texts; else Accept-Language decides"),
    ),
    request_body(description = "One image as it is, or images in the form's `file` fields", content(
        (Vec<u8> = "application/octet-stream"),
        (Form = "multipart/form-data"),
    )),
    responses(
        (status = 200, description = "At least one file was predicted", body = Predictions),
        (status = 400, description = "No image, or a broken form", body = ErrorBody),
        Guarded,
        (status = 403, description = "Sent by another site's page", body = ErrorBody),
        (status = 404, description = "No such model", body = ErrorBody),
        (status = 408, description = "The body arrives too slowly", body = ErrorBody),
        (status = 413, description = "Too many bytes or images", body = ErrorBody),
        (status = 415, description = "No file is an image", body = Predictions),
        (status = 422, description = "No image can be used", body = Predictions),
        (status = 429, description = "Too many uploads from this address", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds to wait"))),
        (status = 503, description = "The queue is full", body = ErrorBody,
            headers(("Retry-After" = u64, description = "Seconds to wait"))),
    ))]
pub(crate) async fn predict(
    State(intake): State<Intake>,
    AskedModel(model): AskedModel,
    Language(strings): Language,
    request: Request,
) -> Result<(StatusCode, Json<Predictions>), Problem> {
    let predictions = respond::answer(&intake, &model, strings, request).await?;
    let status = respond::status(&predictions);
    let error = if status.is_success() { None } else { predictions.iter().find_map(refusal) };
    Ok((status, Json(Predictions { error, predictions })))
}

fn refusal(answer: &FileAnswer) -> Option<String> {
    match &answer.outcome {
        Outcome::Unusable { error, .. } => Some(error.clone()),
        Outcome::Predicted { .. } => None,
    }
}

#[utoipa::path(get, path = "/api/model", tag = "model",
    params(("model" = Option<String>, Query, description = "The model's name; the first model if not given")),
    responses(
        (status = 200, description = "What the model is", body = ModelFacts),
        Guarded,
        (status = 404, description = "No such model", body = ErrorBody),
    ))]
pub(crate) async fn model(
    State(serving): State<Serving>,
    AskedModel(model): AskedModel,
    Language(strings): Language,
) -> Json<ModelFacts> {
    let predictor = model.predictor.as_ref();
    let threshold = deciding_threshold(predictor);
    Json(ModelFacts {
        models: serving.models().all().map(|model| model.name.clone()).collect(),
        card: CardFacts::of(predictor.card(), measured::doubts(predictor, strings)),
        classes: predictor.classes().to_vec(),
        positive: threshold.and_then(|_| predictor.classes().get(predictor.positive()).cloned()),
        threshold,
        caution: caution(predictor, strings).to_owned(),
        name: model.name,
    })
}

impl CardFacts {
    fn of(card: &Card, warnings: Vec<String>) -> Self {
        let finite = |number: f64| number.is_finite().then_some(number);
        let measured = |(name, value, low, high): &(String, f64, f64, f64)| Measured {
            name: name.clone(),
            value: finite(*value),
            low: finite(*low),
            high: finite(*high),
        };
        Self {
            title: card.title.clone(),
            classes: card.classes.clone(),
            backbone: card.backbone.clone(),
            trained_on: card.trained_on.clone(),
            test: card.test.as_ref().map(|numbers| numbers.iter().map(measured).collect()),
            recalls: card.recalls.iter().map(measured).collect(),
            warnings,
            version: card.version.clone(),
        }
    }
}

pub(crate) async fn not_found() -> Problem {
    Problem::NotFound
}

pub(crate) async fn other_method() -> Problem {
    Problem::Method
}
