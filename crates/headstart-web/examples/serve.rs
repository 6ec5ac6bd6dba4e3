//! Serves a sealed model inside an axum app of one's own, under `/classifier`.
//!
//! `cargo run --release -p headstart-web --example serve -- MODEL`, then open http://127.0.0.1:3000/classifier/

use axum::Router;
use axum::routing::get;
use headstart::Classifier;
use headstart_web::{AppState, Limits};

/// The app: a page of one's own beside the classifier's.
fn app(classifier: Classifier) -> Router {
    let classifier = headstart_web::app(AppState::new(classifier, Limits::default()));
    Router::new().route("/", get(|| async { "my own page" })).nest_service("/classifier", classifier)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(model) = std::env::args().nth(1) else { return Err("expected a sealed model".into()) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://127.0.0.1:3000/classifier/");
    axum::serve(listener, app(Classifier::load(model)?)).await?;
    Ok(())
}
