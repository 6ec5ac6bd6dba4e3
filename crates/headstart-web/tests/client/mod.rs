//! Talks to the app without a socket.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

// Each test program uses its own part of this.
#![allow(dead_code)]

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::{Router, http::request::Builder};
use headstart_web::{AppState, Limits, app};
use serde_json::Value;
use tower::ServiceExt;

use crate::stand_in::StandIn;

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The app around the stand-in classifier.
pub fn app_within(limits: Limits) -> Router {
    app(AppState::new(StandIn::default(), limits))
}

pub async fn send(app: &Router, request: Request<Body>) -> Reply {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    Reply { status: parts.status, headers: parts.headers, body: text, bytes: body.to_vec() }
}

pub async fn get(path: &str) -> Reply {
    send(&app_within(Limits::default()), Request::get(path).body(Body::empty()).unwrap()).await
}

/// `POST`s a body as it is.
pub fn raw(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header("content-type", "image/png").body(body.into()).unwrap()
}

/// `POST`s files in `file` fields, as the page's form does.
pub fn files(path: &str, files: &[(&str, &[u8])]) -> Request<Body> {
    multipart(Request::post(path), "file", files)
}

pub fn multipart(request: Builder, field: &str, files: &[(&str, &[u8])]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--cut\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(b"--cut--\r\n");
    request.header("content-type", "multipart/form-data; boundary=cut").body(body.into()).unwrap()
}
