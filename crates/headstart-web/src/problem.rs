//! Why a whole request is refused, in words that its sender can act on.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a whole request is refused. `Display` is what a person reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error(
        "There is no image in this request. Send at least one, in a form field named “file” or as the body."
    )]
    Empty,
    #[error("This upload could not be read: {0}.")]
    Malformed(String),
    #[error("This upload is too large: at most {} in one request.", mebibytes(*.limit))]
    TooLarge { limit: usize },
    #[error("These are too many images: at most {limit} in one request.")]
    TooMany { limit: usize },
    #[error("This upload took too long: it has to arrive within {} seconds.", .limit.as_secs())]
    TooSlow { limit: Duration },
    #[error(
        "This request comes from another site's page. Open this app's own page and upload the image there."
    )]
    OtherSite,
    #[error("Many images are waiting at the moment. Try again in a few seconds.")]
    Busy,
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("Something went wrong on the server. The image may be fine: try again.")]
    Internal,
}

/// How long a refused client should wait: about the time that a few predictions take.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

#[derive(Serialize)]
struct Body {
    error: String,
}

impl Problem {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Empty | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } | Self::TooMany { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Gives a response this problem's status, and says when to come back.
    pub(crate) fn mark(&self, mut response: Response) -> Response {
        *response.status_mut() = self.status();
        if *self == Self::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.mark(Json(Body { error: self.to_string() }).into_response())
    }
}

/// A number of bytes as a person says it: "20 MiB", "1.5 MiB", or in bytes below a tenth of that.
pub(crate) fn mebibytes(bytes: usize) -> String {
    const TENTH: usize = (1 << 20) / 10;
    let tenths = bytes / TENTH;
    match (tenths / 10, tenths % 10) {
        (0, 0) => format!("{bytes} bytes"),
        (whole, 0) => format!("{whole} MiB"),
        (whole, tenth) => format!("{whole}.{tenth} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_a_person_says_them() {
        assert_eq!(mebibytes(20 << 20), "20 MiB");
        assert_eq!(mebibytes(3 << 19), "1.5 MiB");
        assert_eq!(mebibytes(1000), "1000 bytes");
    }
}
