//! `POST /api/explain`: where the model looked, as a picture.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use client::{app_within, files, raw, send};
use headstart::image::decode;
use headstart_web::{AppState, Limits, app};
use stand_in::{PNG, StandIn, png};

const PATH: &str = "/api/explain";

async fn post(request: Request<Body>) -> client::Reply {
    send(&app_within(Limits::default()), request).await
}

#[tokio::test]
async fn the_heat_map_is_a_picture_that_nobody_keeps() {
    for request in [raw(PATH, PNG), files(PATH, &[("a.png", PNG)]), raw("/api/explain?layer=heat-map", PNG)] {
        let reply = post(request).await;
        assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "image/png"));
        assert_eq!(reply.header("cache-control"), "no-store");
        let picture = decode(&reply.bytes, &Default::default()).unwrap();
        assert_eq!(picture.to_rgb8()[..3], [200, 0, 0]);
    }
}

#[tokio::test]
async fn without_a_layer_it_is_the_image_alone() {
    let reply = post(raw("/api/explain?layer=none", PNG)).await;
    assert_eq!(decode(&reply.bytes, &Default::default()).unwrap().to_rgb8()[..3], [0, 200, 0]);
    assert_eq!(post(raw("/api/explain?layer=x", PNG)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn it_takes_one_usable_image() {
    let two = files(PATH, &[("a.png", PNG), ("b.png", PNG)]);
    for (request, status, why) in [
        (two, StatusCode::PAYLOAD_TOO_LARGE, "at most 1 in one request"),
        (raw(PATH, Body::empty()), StatusCode::BAD_REQUEST, "There is no image"),
        (raw(PATH, "hello"), StatusCode::UNSUPPORTED_MEDIA_TYPE, "not an image"),
        (raw(PATH, png("BROKEN")), StatusCode::UNPROCESSABLE_ENTITY, "breaks off"),
        (raw(PATH, png("PANIC")), StatusCode::INTERNAL_SERVER_ERROR, "went wrong"),
        (raw("/api/explain?model=x", PNG), StatusCode::NOT_FOUND, "no model of this name"),
    ] {
        let reply = post(request).await;
        assert_eq!(reply.status, status);
        assert!(reply.json()["error"].as_str().unwrap().contains(why), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_net_that_cannot_tell_says_so() {
    let blind = StandIn { is_blind: true, ..StandIn::default() };
    let reply = send(&app(AppState::new(blind, Limits::default())), raw(PATH, PNG)).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.json()["error"], "This model has no layer that could tell where it looked.");
}

#[tokio::test]
async fn it_waits_in_the_same_queue() {
    let app = app_within(Limits { waiting: 1, ..Limits::default() });
    let held = tokio::spawn({
        let app = app.clone();
        async move { send(&app, raw("/api/predict", png("HOLD"))).await }
    });
    // The place is taken on the first poll, which on this single thread is now.
    tokio::task::yield_now().await;
    assert_eq!(send(&app, raw(PATH, PNG)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    stand_in::release();
    assert_eq!(held.await.unwrap().status, StatusCode::OK);
}
