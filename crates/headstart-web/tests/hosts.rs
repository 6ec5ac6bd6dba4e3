//! Only the server's own host names reach its models (DNS rebinding).

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use std::net::IpAddr;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use client::{Reply, send};
use headstart_web::{AppState, Hosts, Limits, app};
use stand_in::{PNG, StandIn};

fn on(address: [u8; 4], names: &[&str]) -> Router {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let hosts = Hosts::of(IpAddr::from(address), &names);
    app(AppState::new(StandIn::default(), Limits::default()).named(hosts))
}

async fn ask(app: &Router, path: &str, host: &str) -> Reply {
    send(app, Request::get(path).header("host", host).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn on_loopback_another_name_is_421() {
    let app = on([127, 0, 0, 1], &[]);
    for path in ["/", "/api/model", "/assets/script.js", "/metrics", "/v2/models/model"] {
        assert_eq!(ask(&app, path, "localhost:8080").await.status, StatusCode::OK, "{path}");
        let refused = ask(&app, path, "evil.example:8080").await;
        assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST, "{path}");
        assert!(!refused.body.contains("PNEUMONIA"), "{path}");
    }
    let upload = Request::post("/api/predict").header("host", "evil.example").body(PNG.into()).unwrap();
    assert_eq!(send(&app, upload).await.status, StatusCode::MISDIRECTED_REQUEST);
    let nameless = Request::get("/api/model").body(Body::empty()).unwrap();
    assert_eq!(send(&app, nameless).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(ask(&app, "/healthz", "10.0.0.1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_for_two_hosts_is_400() {
    let app = on([0, 0, 0, 0], &[]);
    for hosts in [["localhost", "evil.example"], ["evil.example", "localhost"], ["localhost", "localhost"]] {
        for path in ["/", "/healthz", "/api/model", "/nothing"] {
            let request = Request::get(path).header("host", hosts[0]).header("host", hosts[1]);
            let refused = send(&app, request.body(Body::empty()).unwrap()).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
            assert_eq!(refused.json()["error"], "This request names more than one host.", "{path}");
        }
    }
}

#[tokio::test]
async fn names_can_be_allowed() {
    let app = on([127, 0, 0, 1], &["x-ray.example"]);
    assert_eq!(ask(&app, "/", "X-Ray.example").await.status, StatusCode::OK);
    assert_eq!(ask(&app, "/", "evil.example").await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(ask(&on([0, 0, 0, 0], &[]), "/", "any.example").await.status, StatusCode::OK);
}
