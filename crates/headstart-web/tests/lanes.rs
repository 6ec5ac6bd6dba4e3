//! Images that take seconds to decode keep the others neither waiting nor out.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use std::time::Duration;

use axum::http::StatusCode;
use client::{app_within, raw, send};
use headstart_web::Limits;
use stand_in::{PNG, png};
use tokio::time::timeout;

const PATH: &str = "/api/predict";
/// Places of the queue. The slow lane has a quarter of them, besides the images under way in it.
const WAITING: usize = 64;

#[tokio::test]
async fn slow_images_leave_room_and_time_for_others() {
    let app = app_within(Limits { waiting: WAITING, ..Limits::default() });
    let slow_images = WAITING - 1;
    let slow: Vec<_> = (0..slow_images)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { send(&app, raw(PATH, png("SLOW"))).await.status })
        })
        .collect();
    // Their places are taken on the first poll, which on this single thread is now.
    tokio::task::yield_now().await;
    let other = timeout(Duration::from_secs(20), send(&app, raw(PATH, PNG))).await;
    assert_eq!(other.expect("another image is answered meanwhile").status, StatusCode::OK);
    stand_in::release();
    let mut statuses = Vec::new();
    for request in slow {
        statuses.push(request.await.unwrap());
    }
    let answered = statuses.iter().filter(|status| **status == StatusCode::OK).count();
    let refused = statuses.iter().filter(|status| **status == StatusCode::SERVICE_UNAVAILABLE).count();
    assert_eq!(answered + refused, slow_images);
    assert!((1..WAITING / 2).contains(&answered), "{answered} slow images filled the queue");
}
