//! Why a whole request is refused, in words that its sender can act on.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headstart::image::DecodeError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::language::{Strings, mebibytes};
use crate::predictor::refusal;

/// Why a whole request is refused. As a response it has no body yet: [`crate::refusal::speak`] writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    Empty,
    Malformed,
    NoBoundary,
    TooLarge {
        limit: usize,
    },
    TooMany {
        limit: usize,
    },
    TooSlow {
        limit: Duration,
    },
    OtherSite,
    /// Its host name is none of this server's.
    OtherHost,
    SeveralHosts,
    /// The one image that was sent cannot be used.
    Unusable {
        error: DecodeError,
        is_image: bool,
    },
    /// The net has no layer that could tell where it looks.
    NoHeatMap,
    Busy,
    TooOften {
        retry_after: Duration,
    },
    TooManyGuesses {
        retry_after: Duration,
    },
    Locked,
    Stopping,
    NoSuchModel,
    /// An inference request that asks for what there is not; why, in the protocol's own (English) terms.
    Tensor(String),
    NotFound,
    Method,
    Internal,
}

/// How long a refused client should wait: about the time that a few predictions take.
const BUSY_SECONDS: u64 = 2;

/// Why a request was refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: String,
}

impl Problem {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Empty | Self::Malformed | Self::NoBoundary | Self::SeveralHosts | Self::Tensor(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLarge { .. } | Self::TooMany { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::OtherHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Unusable { is_image: false, .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unusable { .. } | Self::NoHeatMap => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooOften { .. } | Self::TooManyGuesses { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Locked => StatusCode::UNAUTHORIZED,
            Self::NoSuchModel | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What a person reads.
    pub(crate) fn words(&self, strings: &Strings) -> String {
        let say = |key, name, value: &str| strings.say(key, &[(name, value)]);
        match self {
            Self::Empty => strings.get("problem-empty").to_owned(),
            Self::Malformed => strings.get("problem-malformed").to_owned(),
            Self::NoBoundary => strings.get("problem-boundary").to_owned(),
            Self::TooLarge { limit } => say("problem-too-large", "limit", &mebibytes(*limit, strings)),
            Self::TooMany { limit } => say("problem-too-many", "limit", &limit.to_string()),
            Self::TooSlow { limit } => say("problem-too-slow", "limit", &limit.as_secs().to_string()),
            Self::OtherSite => strings.get("problem-other-site").to_owned(),
            Self::OtherHost => strings.get("problem-other-host").to_owned(),
            Self::SeveralHosts => strings.get("problem-several-hosts").to_owned(),
            Self::Unusable { error, .. } => refusal(error, strings),
            Self::NoHeatMap => strings.get("problem-no-heat-map").to_owned(),
            Self::Busy => strings.get("problem-busy").to_owned(),
            Self::TooOften { .. } => strings.get("problem-too-often").to_owned(),
            Self::TooManyGuesses { retry_after } => {
                say("problem-too-many-guesses", "seconds", &whole_seconds(*retry_after).to_string())
            }
            Self::Locked => strings.get("problem-locked").to_owned(),
            Self::Stopping => strings.get("problem-stopping").to_owned(),
            Self::NoSuchModel => strings.get("problem-no-such-model").to_owned(),
            Self::Tensor(why) => say("problem-tensor", "why", why),
            Self::NotFound => strings.get("problem-not-found").to_owned(),
            Self::Method => strings.get("problem-method").to_owned(),
            Self::Internal => strings.get("problem-internal").to_owned(),
        }
    }

    pub(crate) fn body(&self, strings: &Strings) -> Json<ErrorBody> {
        Json(ErrorBody { error: self.words(strings) })
    }

    /// Gives a response this problem's status, and says when to come back or how to get in.
    pub(crate) fn mark(&self, mut response: Response) -> Response {
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        match self {
            Self::Busy | Self::Stopping => {
                headers.insert(header::RETRY_AFTER, BUSY_SECONDS.into());
            }
            Self::TooOften { retry_after } | Self::TooManyGuesses { retry_after } => {
                headers.insert(header::RETRY_AFTER, whole_seconds(*retry_after).into());
            }
            Self::Locked => {
                const CHALLENGE: HeaderValue =
                    HeaderValue::from_static("Basic realm=\"headstart\", charset=\"UTF-8\"");
                headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Rounded up: who comes back then has waited long enough.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
