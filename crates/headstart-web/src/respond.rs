//! From a request to its answers: read, queue, predict, put into words.

use axum::extract::Request;
use axum::http::StatusCode;
use tokio::time::timeout;

use crate::answer::{FileAnswer, Outcome, in_words};
use crate::intake::Intake;
use crate::language::Strings;
use crate::models::Model;
use crate::problem::Problem;
use crate::upload;

/// Answers every file of a request, in its order.
pub(crate) async fn answer(
    intake: &Intake,
    model: &Model,
    strings: &Strings,
    request: Request,
) -> Result<Vec<FileAnswer>, Problem> {
    let received = upload::receive(request, intake).await?;
    let images = received.files.iter().map(|file| file.bytes.clone()).collect();
    let predicted = timeout(intake.limits.answer_timeout, intake.queue.assess(model, images));
    let outcomes = predicted.await.map_err(|_| Problem::Busy)??;
    let answers = received.files.iter().zip(outcomes).map(|(file, outcome)| FileAnswer {
        outcome: in_words(model.predictor.as_ref(), strings, outcome, &file.bytes),
        name: file.name.clone(),
    });
    Ok(answers.collect())
}

/// 200 when at least one file is fine, 415 when nothing is an image, 422 when no image can be used.
pub(crate) fn status(answers: &[FileAnswer]) -> StatusCode {
    let any = |matches: fn(&Outcome) -> bool| answers.iter().any(|answer| matches(&answer.outcome));
    if any(|outcome| matches!(outcome, Outcome::Predicted { .. })) {
        StatusCode::OK
    } else if any(|outcome| matches!(outcome, Outcome::Unusable { is_image: true, .. })) {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    }
}
