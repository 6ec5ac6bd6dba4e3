//! Reads a request's images into memory, within the limits.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::name;
use crate::problem::Problem;
use crate::state::Limits;

/// One image as it came in.
pub(crate) struct Upload {
    /// The file's name, safe to show.
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// Reads the images of a `multipart/form-data` request's `file` fields, or of any other request's body.
/// What the bytes are is left to the classifier: a content type is only a claim.
pub(crate) async fn read(request: Request, limits: &Limits) -> Result<Vec<Upload>, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read_body(body, limits).await?;
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(is_multipart) {
        return split_form(Request::from_parts(parts, Body::from(bytes)), limits.images).await;
    }
    match bytes.is_empty() {
        true => Err(Problem::Empty),
        false => Ok(vec![Upload { name: name::UNNAMED.to_owned(), bytes }]),
    }
}

/// Reads a refused request's body to its end, keeping nothing: a browser that is cut off while it still
/// sends shows a broken connection instead of our answer.
pub(crate) async fn drain(request: Request, limits: &Limits) {
    let mut body = request.into_body();
    let drained = discard(&mut body, limits.request_bytes);
    // Too slow or not, the answer is the refusal.
    let _ = timeout(limits.body_timeout, drained).await;
}

fn is_multipart(content_type: &str) -> bool {
    const EXPECTED: &str = "multipart/form-data";
    content_type.get(..EXPECTED.len()).is_some_and(|start| start.eq_ignore_ascii_case(EXPECTED))
}

async fn read_body(body: Body, limits: &Limits) -> Result<Bytes, Problem> {
    timeout(limits.body_timeout, collect(body, limits.request_bytes))
        .await
        .unwrap_or(Err(Problem::TooSlow { limit: limits.body_timeout }))
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut collected = Vec::new();
    while let Some(chunk) = next_chunk(&mut body).await? {
        if chunk.len() > limit - collected.len() {
            drop(collected);
            discard(&mut body, limit).await;
            return Err(Problem::TooLarge { limit });
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.into())
}

/// Reads on to the body's end, but not for ever.
async fn discard(body: &mut Body, limit: usize) {
    const PATIENCE: usize = 8; // times the limit
    let mut left = limit.saturating_mul(PATIENCE);
    while let Ok(Some(chunk)) = next_chunk(body).await {
        let Some(rest) = left.checked_sub(chunk.len()) else { return };
        left = rest;
    }
}

/// The next piece of data; trailers are passed over.
async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::Malformed("the connection broke off".to_owned()))?;
        if let Ok(chunk) = frame.into_data() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

async fn split_form(request: Request, most: usize) -> Result<Vec<Upload>, Problem> {
    let malformed = |_| Problem::Malformed("its form is broken or incomplete".to_owned());
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        Problem::Malformed("its content type names no boundary between the form's fields".to_owned())
    })?;
    let mut uploads = Vec::new();
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        if field.name() != Some("file") {
            continue;
        }
        let given_name = field.file_name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(malformed)?;
        // A browser sends one nameless, empty file when none was chosen.
        if given_name.is_empty() && bytes.is_empty() {
            continue;
        }
        if uploads.len() == most {
            return Err(Problem::TooMany { limit: most });
        }
        uploads.push(Upload { name: name::shown(&given_name), bytes });
    }
    if uploads.is_empty() { Err(Problem::Empty) } else { Ok(uploads) }
}
