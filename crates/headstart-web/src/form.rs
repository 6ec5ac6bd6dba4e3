//! The page's form for a browser without JavaScript: images in, the same page with the results out.

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};

use crate::extractors::{AskedModel, Language};
use crate::intake::Intake;
use crate::respond;
use crate::served_page::{Notice, ServedPage};
use crate::serving::Serving;

pub(crate) async fn predict(
    State(serving): State<Serving>,
    State(intake): State<Intake>,
    AskedModel(model): AskedModel,
    Language(strings): Language,
    uri: Uri,
    request: Request,
) -> Response {
    let answered = respond::answer(&intake, &model, strings, request).await;
    let page =
        ServedPage { models: &serving.models(), model: &model, strings, uri: &uri, limits: &intake.limits };
    match answered {
        Ok(answers) => (respond::status(&answers), page.render(&answers, &Notice::Done)).into_response(),
        Err(problem) => {
            let page = page.render(&[], &Notice::Failed(&problem));
            problem.mark(page.into_response())
        }
    }
}

/// Where a reloaded or bookmarked result leads.
pub(crate) async fn back_to_page() -> Redirect {
    Redirect::to("./")
}
