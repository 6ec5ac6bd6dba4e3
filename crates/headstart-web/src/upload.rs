//! Reads a request's images into memory, within the limits.

use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::intake::{Intake, KIBIBYTE};
use crate::limits::Limits;
use crate::name;
use crate::problem::Problem;
use crate::queue::UnderWay;

/// How much of a refused body is read, as a multiple of what is allowed.
const PATIENCE: usize = 8;

/// One image as it came in.
pub(crate) struct Upload {
    /// The file's name, safe to show.
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// A request's images, and what it holds for as long as this lives: memory, and its place among those under way.
pub(crate) struct Received {
    pub(crate) files: Vec<Upload>,
    _memory: OwnedSemaphorePermit,
    _under_way: UnderWay,
}

/// A request's body, and the memory that it counts for as long as this lives.
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    pub(crate) memory: OwnedSemaphorePermit,
}

/// Reads a request's images when the queue has a place for them.
pub(crate) async fn receive(request: Request, intake: &Intake) -> Result<Received, Problem> {
    match intake.queue.enter() {
        Ok(under_way) => {
            let (files, memory) = read(request, intake).await?;
            Ok(Received { files, _memory: memory, _under_way: under_way })
        }
        Err(problem) => {
            drain(request, &intake.limits).await;
            Err(problem)
        }
    }
}

/// Reads the images of a `multipart/form-data` request's `file` fields, or of any other request's body.
/// What the bytes are is left to the classifier: a content type is only a claim.
async fn read(request: Request, intake: &Intake) -> Result<(Vec<Upload>, OwnedSemaphorePermit), Problem> {
    let (parts, body) = request.into_parts();
    let Held { bytes, memory } = read_body(body, intake).await?;
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let uploads = if content_type.is_some_and(is_multipart) {
        split_form(Request::from_parts(parts, Body::from(bytes)), intake.limits.images).await?
    } else if bytes.is_empty() {
        return Err(Problem::Empty);
    } else {
        vec![Upload { name: name::UNNAMED.to_owned(), bytes }]
    };
    Ok((uploads, memory))
}

/// Reads a refused request's body to its end, keeping nothing: a browser that is cut off while it still
/// sends shows a broken connection instead of our answer.
async fn drain(request: Request, limits: &Limits) {
    let mut body = request.into_body();
    let drained = discard(&mut body, limits.request_bytes);
    // Too slow or not, the answer is the refusal.
    let _ = timeout(limits.body_timeout, drained).await;
}

/// Reads a body within the limits of size, time and memory.
pub(crate) async fn read_body(body: Body, intake: &Intake) -> Result<Held, Problem> {
    let limit = intake.limits.body_timeout;
    timeout(limit, collect(body, intake)).await.unwrap_or(Err(Problem::TooSlow { limit }))
}

fn is_multipart(content_type: &str) -> bool {
    const EXPECTED: &str = "multipart/form-data";
    content_type.get(..EXPECTED.len()).is_some_and(|start| start.eq_ignore_ascii_case(EXPECTED))
}

async fn collect(mut body: Body, intake: &Intake) -> Result<Held, Problem> {
    let limit = intake.limits.request_bytes;
    if body.size_hint().lower() > limit.saturating_mul(PATIENCE) as u64 {
        return Err(Problem::TooLarge { limit });
    }
    let mut collected = Vec::new();
    let mut memory = take(&intake.memory, 1)?;
    while let Some(chunk) = next_chunk(&mut body).await? {
        let refused = if chunk.len() > limit - collected.len() {
            Some(Problem::TooLarge { limit })
        } else {
            let missing =
                (collected.len() + chunk.len()).div_ceil(KIBIBYTE).saturating_sub(memory.num_permits());
            take(&intake.memory, missing).map(|more| memory.merge(more)).err()
        };
        if let Some(problem) = refused {
            drop((collected, memory));
            discard(&mut body, limit).await;
            return Err(problem);
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(Held { bytes: collected.into(), memory })
}

/// Takes so many KiB of the memory of all uploads.
fn take(memory: &Arc<Semaphore>, kibibytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
    let kibibytes = u32::try_from(kibibytes).map_err(|_| Problem::Busy)?;
    Arc::clone(memory).try_acquire_many_owned(kibibytes).map_err(|_| Problem::Busy)
}

/// Reads on to the body's end, but not for ever.
async fn discard(body: &mut Body, limit: usize) {
    let mut left = limit.saturating_mul(PATIENCE);
    while let Ok(Some(chunk)) = next_chunk(body).await {
        let Some(rest) = left.checked_sub(chunk.len()) else { return };
        left = rest;
    }
}

/// The next piece of data; trailers are passed over.
async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::Malformed)?;
        if let Ok(chunk) = frame.into_data() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

async fn split_form(request: Request, most: usize) -> Result<Vec<Upload>, Problem> {
    let malformed = |_| Problem::Malformed;
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| Problem::NoBoundary)?;
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
