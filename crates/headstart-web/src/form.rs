//! The page's form for a browser without JavaScript: images in, the same page with the results out.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};

use crate::answer;
use crate::page::{self, Notice};
use crate::state::AppState;

pub(crate) async fn predict(State(state): State<AppState>, request: Request) -> Response {
    match answer::answer(&state, request).await {
        Ok(answers) => {
            let page = page::render(&state, &answers, Notice::Done);
            (answer::status(&answers), page).into_response()
        }
        Err(problem) => {
            let page = page::render(&state, &[], Notice::Failed(&problem));
            problem.mark(page.into_response())
        }
    }
}

/// Where a reloaded or bookmarked result leads.
pub(crate) async fn back_to_page() -> Redirect {
    Redirect::to("./")
}
