//! From a request to its answers: queue, read, predict, put into words.

use axum::extract::Request;
use axum::http::StatusCode;
use headstart::classifier::Prediction;
use serde::{Serialize, Serializer};

use crate::html::{percent, percents_apart};
use crate::image_kind;
use crate::problem::Problem;
use crate::state::{AppState, Predictor};
use crate::upload::{self, Upload};

/// What is said about one file.
#[derive(Serialize)]
pub(crate) struct Answer {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    /// The classifier's answer.
    Predicted {
        class: String,
        /// In the order of the classifier's classes.
        #[serde(serialize_with = "as_map")]
        scores: Vec<(String, f32)>,
        /// What the scores mean, in a sentence.
        reading: String,
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
pub(crate) async fn answer(state: &AppState, request: Request) -> Result<Vec<Answer>, Problem> {
    let _place = match state.queue.enter() {
        Ok(place) => place,
        Err(problem) => {
            upload::drain(request, &state.limits).await;
            return Err(problem);
        }
    };
    let mut answers = Vec::new();
    for file in upload::read(request, &state.limits).await? {
        answers.push(answer_one(state, file).await?);
    }
    Ok(answers)
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

async fn answer_one(state: &AppState, file: Upload) -> Result<Answer, Problem> {
    if file.bytes.is_empty() {
        let error = "The file is empty.".to_owned();
        return Ok(Answer { name: file.name, outcome: Outcome::Refused { error, is_image: false } });
    }
    let predictor = state.predictor.clone();
    let outcome = state.queue.run(move || predict(predictor.as_ref(), &file.bytes)).await?;
    Ok(Answer { name: file.name, outcome })
}

fn predict(predictor: &dyn Predictor, bytes: &[u8]) -> Outcome {
    match predictor.predict_bytes(bytes) {
        Ok(prediction) => Outcome::Predicted {
            reading: reading(predictor, &prediction),
            scores: predictor.classes().iter().cloned().zip(prediction.scores).collect(),
            class: prediction.class,
            caution: predictor.caution().to_owned(),
        },
        Err(error) => Outcome::Refused { error, is_image: image_kind::is_image(bytes) },
    }
}

/// How the answer follows from the scores, in words that need no statistics.
fn reading(predictor: &dyn Predictor, prediction: &Prediction) -> String {
    let Prediction { class, label, scores } = prediction;
    let score_of = |index: usize| scores.get(index).copied().map_or(f64::NAN, f64::from);
    let positive = predictor.positive();
    match predictor.classes() {
        [_, _] => {
            let positive_class = predictor.classes().get(positive).map_or(class.as_str(), String::as_str);
            let (score, line) = percents_apart(score_of(positive), predictor.threshold());
            match *label == positive {
                true => format!("Its score for {class} is {score}; the model says {class} from {line} up."),
                false => format!(
                    "Its score for {positive_class} is {score}; the model says {positive_class} only from {line} up."
                ),
            }
        }
        classes => {
            format!(
                "Its score for {class} is {}, the highest of {}.",
                percent(score_of(*label)),
                classes.len()
            )
        }
    }
}

fn as_map<S: Serializer>(scores: &[(String, f32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(scores.iter().map(|(class, score)| (class, score)))
}
