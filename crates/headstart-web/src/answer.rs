//! From a request to its answers: read, queue, predict, put into words.

use axum::extract::Request;
use axum::http::StatusCode;
use headstart::classifier::Prediction;
use headstart::image::DecodeError;
use serde::{Serialize, Serializer};
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::image_kind;
use crate::language::Strings;
use crate::models::Model;
use crate::predictor::{Predictor, caution, refusal};
use crate::problem::Problem;
use crate::state::AppState;
use crate::upload;

/// What is said about one file.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answer {
    /// The file's name, shortened, without folders.
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// A prediction, or why there is none.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Outcome {
    /// The classifier's answer.
    Predicted {
        class: String,
        /// Each class's score, in the order of the classifier's classes.
        #[serde(serialize_with = "as_map")]
        #[schema(value_type = std::collections::BTreeMap<String, f32>)]
        scores: Vec<(String, f32)>,
        /// What the scores mean, in a sentence.
        reading: String,
        /// What the answer must not be used for.
        caution: String,
    },
    /// Why the file cannot be used.
    Refused {
        error: String,
        #[serde(skip)]
        is_image: bool,
    },
}

/// Answers every file of a request, in its order.
pub(crate) async fn answer(
    state: &AppState,
    model: &Model,
    strings: &Strings,
    request: Request,
) -> Result<Vec<Answer>, Problem> {
    let _under_way = match state.queue.enter() {
        Ok(under_way) => under_way,
        Err(problem) => {
            upload::drain(request, &state.limits).await;
            return Err(problem);
        }
    };
    let (files, _memory) = upload::read(request, state).await?;
    let images = files.iter().map(|file| file.bytes.clone()).collect();
    let predicted = timeout(state.limits.answer_timeout, state.queue.predict(model, images));
    let outcomes = predicted.await.map_err(|_| Problem::Busy)??;
    let answers = files.into_iter().zip(outcomes).map(|(file, outcome)| Answer {
        outcome: in_words(model.predictor.as_ref(), strings, outcome, &file.bytes),
        name: file.name,
    });
    Ok(answers.collect())
}

/// 200 when at least one file is fine, 415 when nothing is an image, 422 when no image can be used.
pub(crate) fn status(answers: &[Answer]) -> StatusCode {
    let any = |matches: fn(&Outcome) -> bool| answers.iter().any(|answer| matches(&answer.outcome));
    if any(|outcome| matches!(outcome, Outcome::Predicted { .. })) {
        StatusCode::OK
    } else if any(|outcome| matches!(outcome, Outcome::Refused { is_image: true, .. })) {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    }
}

fn in_words(
    predictor: &dyn Predictor,
    strings: &Strings,
    outcome: Result<Prediction, DecodeError>,
    bytes: &[u8],
) -> Outcome {
    match outcome {
        Ok(prediction) => Outcome::Predicted {
            reading: reading(predictor, strings, &prediction),
            scores: predictor.classes().iter().cloned().zip(prediction.scores).collect(),
            class: prediction.class,
            caution: caution(predictor, strings).to_owned(),
        },
        Err(error) => {
            Outcome::Refused { error: refusal(&error, strings), is_image: image_kind::is_image(bytes) }
        }
    }
}

/// How the answer follows from the scores, in words that need no statistics.
fn reading(predictor: &dyn Predictor, strings: &Strings, prediction: &Prediction) -> String {
    let Prediction { class, label, scores } = prediction;
    let score_of = |index: usize| scores.get(index).copied().map_or(f64::NAN, f64::from);
    let positive = predictor.positive();
    match predictor.classes() {
        [_, _] => {
            let positive_class = predictor.classes().get(positive).map_or(class.as_str(), String::as_str);
            let (score, line) = strings.percents_apart(score_of(positive), predictor.threshold());
            let key = if *label == positive { "reading-positive" } else { "reading-negative" };
            strings.say(key, &[("class", positive_class), ("score", &score), ("line", &line)])
        }
        classes => {
            let (score, count) = (strings.percent(score_of(*label)), classes.len().to_string());
            strings.say("reading-highest", &[("class", class), ("score", &score), ("count", &count)])
        }
    }
}

fn as_map<S: Serializer>(scores: &[(String, f32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(scores.iter().map(|(class, score)| (class, score)))
}
