//! Whether the server lives, and whether it takes requests.

use axum::extract::State;

use crate::problem::{ErrorBody, Problem};
use crate::serving::Serving;

#[utoipa::path(get, path = "/healthz", tag = "server",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain")))]
pub(crate) async fn live() -> &'static str {
    "ok"
}

#[utoipa::path(get, path = "/readyz", tag = "server", responses(
    (status = 200, description = "It takes requests", body = String, content_type = "text/plain"),
    (status = 503, description = "It is about to stop", body = ErrorBody),
))]
pub(crate) async fn ready(State(serving): State<Serving>) -> Result<&'static str, Problem> {
    if serving.is_stopping() { Err(Problem::Stopping) } else { Ok("ready") }
}
