//! Who may use the app, and how often.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use client::{Reply, app_within, raw, send};
use headstart_web::{Access, AppState, Limits, app};
use stand_in::{PNG, StandIn};

fn locked() -> Router {
    let state = AppState::new(StandIn::default(), Limits::default());
    app(state.guarded_by(Access::Token("secret".to_owned())))
}

async fn fetch(app: &Router, path: &str, authorization: Option<&str>) -> Reply {
    let request = Request::get(path);
    let request = match authorization {
        Some(given) => request.header("authorization", given),
        None => request,
    };
    send(app, request.body(Body::empty()).unwrap()).await
}

fn from(address: [u8; 4], mut request: Request<Body>) -> Request<Body> {
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 4000))));
    request
}

#[tokio::test]
async fn without_the_token_only_health_is_told() {
    let app = locked();
    for path in ["/", "/assets/script.js", "/api/model", "/metrics", "/v2", "/v2/models/model", "/predict"] {
        let reply = fetch(&app, path, None).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(reply.header("www-authenticate"), "Basic realm=\"headstart\", charset=\"UTF-8\"");
        assert!(!reply.body.contains("PNEUMONIA"), "{path}");
    }
    assert_eq!(send(&app, raw("/api/predict", PNG)).await.status, StatusCode::UNAUTHORIZED);
    for path in ["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"] {
        assert_eq!(fetch(&app, path, None).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_token_opens_everything() {
    let app = locked();
    assert_eq!(fetch(&app, "/", Some("Bearer secret")).await.status, StatusCode::OK);
    assert_eq!(fetch(&app, "/", Some("Basic bWU6c2VjcmV0")).await.status, StatusCode::OK); // me:secret
    assert_eq!(fetch(&app, "/", Some("Bearer wrong")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_client_that_sends_too_often_is_429_and_others_are_not() {
    let app = app_within(Limits { uploads_per_minute: Some(1), ..Limits::default() });
    let upload = |address| from(address, raw("/api/predict", PNG));
    assert_eq!(send(&app, upload([10, 0, 0, 1])).await.status, StatusCode::OK);
    let refused = send(&app, upload([10, 0, 0, 1])).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((50..=60).contains(&seconds), "{seconds}");
    assert_eq!(send(&app, upload([10, 0, 0, 2])).await.status, StatusCode::OK);
    let page = from([10, 0, 0, 1], Request::get("/").body(Body::empty()).unwrap());
    assert_eq!(send(&app, page).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_guessed_too_often_is_refused_even_with_the_right_token() {
    let limits = Limits { guesses_per_minute: 2, ..Limits::default() };
    let app = app(AppState::new(StandIn::default(), limits).guarded_by(Access::Token("secret".to_owned())));
    let ask = async |address, authorization: Option<&str>| {
        let request = Request::get("/");
        let request = match authorization {
            Some(given) => request.header("authorization", given),
            None => request,
        };
        send(&app, from(address, request.body(Body::empty()).unwrap())).await
    };
    let (me, you) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    // Who brings no word guesses nothing, and the right one costs nothing.
    for _ in 0..5 {
        assert_eq!(ask(me, None).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(ask(me, Some("Bearer secret")).await.status, StatusCode::OK);
    }
    for _ in 0..2 {
        assert_eq!(ask(me, Some("Bearer guess")).await.status, StatusCode::UNAUTHORIZED);
    }
    for word in ["Bearer guess", "Bearer secret"] {
        let refused = ask(me, Some(word)).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{word}");
        assert!(refused.body.contains("wrong tokens or passwords"), "{}", refused.body);
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!((20..=30).contains(&seconds), "{seconds}");
    }
    assert_eq!(ask(you, Some("Bearer secret")).await.status, StatusCode::OK);
}
