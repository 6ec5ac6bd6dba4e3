//! What a request asks for: which model, in which language, and what its path names.

use std::convert::Infallible;

use axum::extract::{FromRef, FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::language::{self, Strings};
use crate::models::Model;
use crate::problem::Problem;
use crate::serving::Serving;

/// The model of `?model=`, or the first.
pub(crate) struct AskedModel(pub(crate) Model);

/// What stands in a path's place for a name or a number. One of another kind names nothing that is there.
pub(crate) struct Named<T>(pub(crate) T);

/// The visitor's language.
pub(crate) struct Language(pub(crate) &'static Strings);

#[derive(Deserialize)]
struct Parameters {
    model: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for AskedModel
where
    Serving: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let models = Serving::from_ref(state).models();
        let asked = Query::<Parameters>::try_from_uri(&parts.uri).map_err(|_| Problem::NoSuchModel)?;
        let model = match asked.0.model.as_deref() {
            None => models.first(),
            Some(name) => models.find(name).ok_or(Problem::NoSuchModel)?,
        };
        Ok(Self(model.clone()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(named) = Path::from_request_parts(parts, state).await.map_err(|_| Problem::NotFound)?;
        Ok(Self(named))
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(language_of(&parts.uri, &parts.headers)))
    }
}

/// The language that `?lang=` names, or else the first of the browser's that we speak.
pub(crate) fn language_of(uri: &Uri, headers: &HeaderMap) -> &'static Strings {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    asked_language(uri).or_else(|| language::preferred(accepted)).unwrap_or_else(language::fallback)
}

/// The language in the address, if it is one of ours.
pub(crate) fn asked_language(uri: &Uri) -> Option<&'static Strings> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(language::find)
}
