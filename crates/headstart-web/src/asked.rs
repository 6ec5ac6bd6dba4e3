//! What a request asks for: which model, in which language.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;

use crate::language::{self, Strings};
use crate::models::Model;
use crate::problem::Problem;
use crate::state::AppState;

/// The model of `?model=`, or the first.
pub(crate) struct AskedModel(pub(crate) Model);

/// The visitor's language.
pub(crate) struct Language(pub(crate) &'static Strings);

#[derive(Deserialize)]
struct Parameters {
    model: Option<String>,
}

impl FromRequestParts<AppState> for AskedModel {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let models = state.models();
        let asked = Query::<Parameters>::try_from_uri(&parts.uri).map_err(|_| Problem::NoSuchModel)?;
        let model = match asked.0.model.as_deref() {
            None => models.first(),
            Some(name) => models.find(name).ok_or(Problem::NoSuchModel)?,
        };
        Ok(Self(model.clone()))
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(language::of(&parts.uri, &parts.headers)))
    }
}
