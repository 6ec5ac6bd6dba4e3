//! The web app: a page that classifies an upload, and the same as JSON. Uploads stay in memory.

use std::future::Future;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use headstart::classifier::{CAUTION, Classifier};
use headstart::image::{DecodeError, Limits};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Bytes of one request at most.
const REQUEST_BYTES: usize = 20 << 20;
/// Pixels of one image at most.
const PIXELS: u64 = 40_000_000;
/// Requests that may wait for a core; more are told to come back.
const QUEUE: usize = 32;

/// A loaded classifier and the places in its queue.
struct Served {
    classifier: Classifier,
    places: Semaphore,
}

/// Serves `classifier` until `stop` resolves; requests under way are answered first.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    classifier: Classifier,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, app(classifier)).with_graceful_shutdown(stop).await
}

/// The routes.
pub fn app(classifier: Classifier) -> Router {
    let served = Arc::new(Served { classifier, places: Semaphore::new(QUEUE) });
    Router::new()
        .route("/", get(|| file("text/html; charset=utf-8", include_str!("page/index.html"))))
        .route("/app.css", get(|| file("text/css", include_str!("page/app.css"))))
        .route("/app.js", get(|| file("text/javascript", include_str!("page/app.js"))))
        .route("/healthz", get(|| async { "ok" }))
        .route("/api/model", get(model))
        .route("/api/predict", post(predict))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES))
        .layer(middleware::from_fn(guard))
        .with_state(served)
}

async fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], content)
}

/// Refuses uploads that another site's page sends, and sets the headers of every answer.
async fn guard(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let foreign =
        request.method() == axum::http::Method::POST && matches!(site, Some("cross-site" | "same-site"));
    let mut response = match foreign {
        true => problem(StatusCode::FORBIDDEN, "requests from other sites are refused"),
        false => next.run(request).await,
    };
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    for (name, value) in [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn model(State(served): State<Arc<Served>>) -> Json<Value> {
    let description = served.classifier.description();
    Json(json!({
        "backbone": description.backbone,
        "classes": description.classes,
        "positive": description.classes[description.positive],
        "threshold": description.threshold,
        "training_images": description.training_images,
        "test": description.test,
        "version": description.version,
        "caution": CAUTION,
    }))
}

/// Classifies the images of a multipart form, or one image that is the body.
async fn predict(State(served): State<Arc<Served>>, headers: HeaderMap, request: Request) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let files = match kind.starts_with("multipart/form-data") {
        true => form_files(request).await,
        false => body_file(request).await,
    };
    let files = match files {
        Ok(files) if files.iter().any(|(_, bytes)| !bytes.is_empty()) => files,
        Ok(_) => return problem(StatusCode::BAD_REQUEST, "expected an image, found an empty request"),
        Err(response) => return response,
    };
    let Ok(_place) = served.places.try_acquire() else {
        let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "busy: try again in a second");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return response;
    };
    let worker = Arc::clone(&served);
    let answer = tokio::task::spawn_blocking(move || classify(&worker.classifier, &files)).await;
    match answer {
        Ok((status, answer)) => (status, Json(answer)).into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the image could not be classified"),
    }
}

type Files = Vec<(String, Bytes)>;

async fn form_files(request: Request) -> Result<Files, Response> {
    let form: Result<Multipart, MultipartRejection> = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(IntoResponse::into_response)?;
    let refused = |error: axum::extract::multipart::MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        status => problem(status, "the form cannot be read"),
    };
    let mut files = Vec::new();
    while let Some(field) = form.next_field().await.map_err(refused)? {
        let name: String = field.file_name().unwrap_or("image").chars().take(100).collect();
        files.push((name, field.bytes().await.map_err(refused)?));
    }
    Ok(files)
}

async fn body_file(request: Request) -> Result<Files, Response> {
    match axum::body::to_bytes(request.into_body(), REQUEST_BYTES).await {
        Ok(bytes) => Ok(vec![("image".into(), bytes)]),
        Err(_) => Err(too_large()),
    }
}

fn too_large() -> Response {
    let message = format!("too large: at most {} MiB a request", REQUEST_BYTES >> 20);
    problem(StatusCode::PAYLOAD_TOO_LARGE, &message)
}

/// The answer: an entry for each file; without any image among them, the fault of the last.
fn classify(classifier: &Classifier, files: &Files) -> (StatusCode, Value) {
    let limits = Limits { bytes: REQUEST_BYTES, pixels: PIXELS };
    let mut status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let mut predictions = Vec::new();
    for (name, bytes) in files {
        match classifier.predict(bytes, &limits) {
            Ok(prediction) => {
                status = StatusCode::OK;
                let scores: serde_json::Map<String, Value> = classifier
                    .classes()
                    .iter()
                    .zip(&prediction.scores)
                    .map(|(class, score)| (class.clone(), (*score).into()))
                    .collect();
                predictions.push(json!({ "name": name, "class": prediction.class, "scores": scores }));
            }
            Err(error) => {
                if status != StatusCode::OK {
                    status = status_of(&error);
                }
                predictions.push(json!({ "name": name, "error": error.to_string() }));
            }
        }
    }
    (status, json!({ "predictions": predictions, "caution": CAUTION }))
}

fn status_of(error: &DecodeError) -> StatusCode {
    match error {
        DecodeError::Empty => StatusCode::BAD_REQUEST,
        DecodeError::Unknown => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        DecodeError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        DecodeError::Damaged(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
