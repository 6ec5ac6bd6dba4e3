//! `POST /api/predict`: answers, refusals, and every limit.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use client::{app_within, files, multipart, raw, send};
use headstart_web::Limits;
use serde_json::json;
use stand_in::{PNG, png};

const PATH: &str = "/api/predict";
const UNREADABLE: &str =
    "This is not an image of a kind that can be read (JPEG, PNG, TIFF, BMP, WebP, DICOM).";
const TRUNCATED: &str = "The image breaks off before its end (PNG).";

async fn post(request: Request<Body>) -> client::Reply {
    send(&app_within(Limits::default()), request).await
}

#[tokio::test]
async fn a_raw_body_is_answered() {
    let reply = post(raw(PATH, png("0.75"))).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("cache-control"), "no-store");
    let expected = json!({"predictions": [{
        "name": "image",
        "class": "PNEUMONIA",
        "verdict": "decided",
        "plausible": ["PNEUMONIA"],
        "threshold": 0.42,
        "distance": 1.0,
        "unusual": false,
        "scores": {"NORMAL": 0.25, "PNEUMONIA": 0.75},
        "frames": 1,
        "reading": "Its score for PNEUMONIA is 75%; the model says PNEUMONIA from 42% up.",
        "caution": "A research tool, not a medical device. Ask a doctor.",
    }]});
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn an_image_unlike_the_training_is_refused() {
    let reply = post(raw(PATH, png("STRANGE"))).await;
    assert_eq!(reply.status, StatusCode::OK);
    let prediction = &reply.json()["predictions"][0];
    assert_eq!((&prediction["verdict"], &prediction["distance"]), (&json!("refused"), &json!(3.5)));
    assert_eq!(prediction["class"], json!(null));
    let reading = "This does not look like the images the model was trained on. \
        Whatever it said of this one would mean nothing.";
    assert_eq!(prediction["reading"], reading);
}

#[tokio::test]
async fn an_unusual_image_is_answered_and_said_to_be_one() {
    let prediction = post(raw(PATH, png("ODD"))).await.json()["predictions"][0].clone();
    assert_eq!((&prediction["verdict"], &prediction["unusual"]), (&json!("decided"), &json!(true)));
    let reading = prediction["reading"].as_str().unwrap();
    assert!(reading.contains("made in another way than the training images"), "{reading}");
}

#[tokio::test]
async fn the_last_images_tell_whether_they_have_drifted() {
    let app = app_within(Limits::default());
    let ask = async |ending: &str, count: usize| {
        let file = png(ending);
        let all: Vec<(&str, &[u8])> = (0..count).map(|_| ("a.png", file.as_slice())).collect();
        assert_eq!(send(&app, files(PATH, &all)).await.status, StatusCode::OK);
        send(&app, Request::get("/metrics").body(Body::empty()).unwrap()).await.body
    };
    assert!(!ask("0.75", 16).await.contains("headstart_drift"), "too few");
    let alike = ask("0.75", 4).await;
    assert!(alike.contains("headstart_drifted{model=\"model\"} 0\n"), "{alike}");
    for _ in 0..2 {
        ask("STRANGE", 15).await;
    }
    let drifted = ask("STRANGE", 1).await;
    assert!(drifted.contains("headstart_drifted{model=\"model\"} 1\n"), "{drifted}");
    assert!(drifted.contains("headstart_drift_images{model=\"model\"} 51\n"), "{drifted}");
    for _ in 0..20 {
        ask("0.75", 10).await;
    }
    let last = ask("0.75", 1).await;
    assert!(last.contains("headstart_drift_images{model=\"model\"} 200\n"), "{last}");
    assert!(last.contains("headstart_drift_higher{model=\"model\",measure=\"distance\"} 0\n"), "{last}");
}

/// Of the stand-in's 200 validation images 180 were decided, 15 undecided and 5 refused.
#[tokio::test]
async fn a_stream_whose_verdicts_change_raises_the_index_and_one_like_validation_does_not() {
    let app = app_within(Limits::default());
    let ask = async |endings: &[(&str, usize)]| {
        for (ending, count) in endings {
            for _ in 0..*count {
                assert_eq!(send(&app, raw(PATH, png(ending))).await.status, StatusCode::OK);
            }
        }
        send(&app, Request::get("/metrics").body(Body::empty()).unwrap()).await.body
    };
    let index = |text: &str| -> f64 {
        let start = "headstart_stability_index{model=\"model\",of=\"verdict\"} ";
        text.lines().find_map(|line| line.strip_prefix(start)).unwrap().parse().unwrap()
    };
    assert!(!ask(&[("0.75", 90)]).await.contains("headstart_stability_index{"), "too few");
    let alike = ask(&[(".50?", 7), ("STRANGE", 3)]).await;
    assert!(index(&alike) < 0.01 && alike.contains("headstart_changed{model=\"model\"} 0\n"), "{alike}");
    let changed = ask(&[("STRANGE", 60)]).await;
    assert!(
        index(&changed) > 0.25 && changed.contains("headstart_changed{model=\"model\"} 1\n"),
        "{changed}"
    );
}

#[tokio::test]
async fn times_and_scores_are_histograms() {
    let app = app_within(Limits::default());
    for ending in ["0.75", "0.25", "STRANGE", "BROKEN"] {
        send(&app, raw(PATH, png(ending))).await;
    }
    let metrics = send(&app, Request::get("/metrics").body(Body::empty()).unwrap()).await.body;
    for line in [
        "headstart_request_seconds_count{route=\"/api/predict\",status=\"2xx\"} 3\n",
        "headstart_request_seconds_bucket{route=\"/api/predict\",status=\"4xx\",le=\"+Inf\"} 1\n",
        "headstart_queue_seconds_count{model=\"model\"} 4\n",
        "headstart_inference_seconds_count{model=\"model\"} 4\n",
        "headstart_score_bucket{model=\"model\",class=\"PNEUMONIA\",le=\"0.2\"} 0\n",
        "headstart_score_bucket{model=\"model\",class=\"PNEUMONIA\",le=\"0.3\"} 1\n",
        "headstart_score_bucket{model=\"model\",class=\"PNEUMONIA\",le=\"0.8\"} 2\n",
        "headstart_score_sum{model=\"model\",class=\"NORMAL\"} 1\n",
        "headstart_ready 1\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn an_image_of_two_plausible_classes_is_undecided() {
    let prediction = post(raw(PATH, png(".50?"))).await.json()["predictions"][0].clone();
    assert_eq!((&prediction["verdict"], &prediction["class"]), (&json!("undecided"), &json!(null)));
    assert_eq!(prediction["plausible"], json!(["NORMAL", "PNEUMONIA"]));
    let reading = "It could be NORMAL or PNEUMONIA: the model cannot rule out either. \
        Its score for PNEUMONIA is 50%; the model says PNEUMONIA from 42% up.";
    assert_eq!(prediction["reading"], reading);
}

#[tokio::test]
async fn a_file_of_several_images_is_said_to_be_one() {
    let prediction = post(raw(PATH, png("FRAMES"))).await.json()["predictions"][0].clone();
    assert_eq!(prediction["frames"], 24);
    let reading = "The file holds 24 images; only the first was looked at. \
        Its score for PNEUMONIA is 80%; the model says PNEUMONIA from 42% up.";
    assert_eq!(prediction["reading"], reading);
}

#[tokio::test]
async fn the_verdicts_are_counted() {
    let app = app_within(Limits::default());
    for ending in ["0.75", "0.25", ".50?", "STRANGE", "BROKEN"] {
        send(&app, raw(PATH, png(ending))).await;
    }
    let metrics = send(&app, Request::get("/metrics").body(Body::empty()).unwrap()).await.body;
    for (verdict, count) in [("decided", 2), ("undecided", 1), ("refused", 1), ("unusable", 1)] {
        let line = format!("headstart_images_total{{model=\"model\",outcome=\"{verdict}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn below_the_threshold_the_reading_says_what_was_missing() {
    let reply = post(raw(PATH, png("0.25"))).await.json();
    assert_eq!(reply["predictions"][0]["class"], "NORMAL");
    let reading = "Its score for PNEUMONIA is 25%; the model says PNEUMONIA only from 42% up.";
    assert_eq!(reply["predictions"][0]["reading"], reading);
}

#[tokio::test]
async fn a_score_near_the_threshold_is_told_apart_from_it() {
    let reply = post(raw(PATH, png(".418"))).await.json();
    let reading = "Its score for PNEUMONIA is 41.8%; the model says PNEUMONIA only from 42.0% up.";
    assert_eq!(reply["predictions"][0]["reading"], reading);
}

#[tokio::test]
async fn several_files_are_answered_in_order_and_one_bad_one_spoils_nothing() {
    let (sick, broken) = (png("0.75"), png("BROKEN"));
    let reply = post(files(PATH, &[("b.png", &sick), ("a.png", &broken), ("notes.txt", b"hello")])).await;
    assert_eq!(reply.status, StatusCode::OK);
    let predictions = &reply.json()["predictions"];
    assert_eq!((&predictions[0]["name"], &predictions[0]["class"]), (&json!("b.png"), &json!("PNEUMONIA")));
    assert_eq!(predictions[1], json!({"name": "a.png", "error": TRUNCATED}));
    assert_eq!(predictions[2], json!({"name": "notes.txt", "error": UNREADABLE}));
}

#[tokio::test]
async fn what_is_no_image_is_415_and_what_is_a_bad_one_422() {
    let no_image = post(files(PATH, &[("notes.txt", b"hello")])).await;
    assert_eq!(no_image.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(no_image.json()["error"], UNREADABLE);
    let empty = post(files(PATH, &[("empty.png", b"")])).await;
    assert_eq!(empty.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(empty.json()["error"], "The file is empty.");
    let broken = post(raw(PATH, png("BROKEN"))).await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(broken.json()["error"], TRUNCATED);
}

#[tokio::test]
async fn nothing_sent_is_400() {
    let nothing_chosen = files(PATH, &[("", b"")]);
    let other_field = multipart(Request::post(PATH), "picture", &[("a.png", PNG)]);
    for request in [raw(PATH, Body::empty()), files(PATH, &[]), nothing_chosen, other_field] {
        let reply = post(request).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.json()["error"].as_str().unwrap().starts_with("There is no image"), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_broken_form_is_400() {
    let head = |content_type: &str| Request::post(PATH).header("content-type", content_type);
    let no_boundary = head("multipart/form-data").body("x".into()).unwrap();
    let cut_off = head("multipart/form-data; boundary=cut").body("--cut\r\ncontent-disp".into()).unwrap();
    for request in [no_boundary, cut_off] {
        let reply = post(request).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.body);
        assert!(reply.json()["error"].as_str().unwrap().starts_with("This upload could not be read"));
    }
}

#[tokio::test]
async fn a_request_may_be_as_large_as_the_limit_and_no_larger() {
    let app = app_within(Limits { request_bytes: 1 << 20, ..Limits::default() });
    let mut largest = PNG.to_vec();
    largest.resize(1 << 20, 0);
    assert_eq!(send(&app, raw(PATH, largest.clone())).await.status, StatusCode::OK);
    largest.push(0);
    let refused = send(&app, raw(PATH, largest)).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused.json()["error"], "This upload is too large: at most 1 MiB in one request.");
}

#[tokio::test]
async fn the_default_limit_is_20_mebibytes() {
    let reply = post(raw(PATH, vec![0; (20 << 20) + 1])).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(reply.body.contains("at most 20 MiB"), "{}", reply.body);
}

#[tokio::test]
async fn too_many_images_are_413() {
    let app = app_within(Limits { images: 2, ..Limits::default() });
    let three: [(&str, &[u8]); 3] = [("a.png", PNG); 3];
    assert_eq!(send(&app, files(PATH, &three[..2])).await.status, StatusCode::OK);
    let reply = send(&app, files(PATH, &three)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(reply.json()["error"], "These are too many images: at most 2 in one request.");
}

#[tokio::test]
async fn a_full_queue_is_503_and_says_when_to_return() {
    let app = app_within(Limits { waiting: 1, ..Limits::default() });
    let held = tokio::spawn({
        let app = app.clone();
        async move { send(&app, raw(PATH, png("HOLD"))).await }
    });
    // The place is taken on the first poll, which on this single thread is now.
    tokio::task::yield_now().await;
    let refused = send(&app, raw(PATH, PNG)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after"), "2");
    stand_in::release();
    assert_eq!(held.await.unwrap().status, StatusCode::OK);
    assert_eq!(send(&app, raw(PATH, PNG)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_panic_costs_one_request_only() {
    let app = app_within(Limits { waiting: 1, ..Limits::default() });
    let reply = send(&app, raw(PATH, png("PANIC"))).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!reply.body.contains("on purpose"), "{}", reply.body);
    assert_eq!(send(&app, raw(PATH, PNG)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_sites_page_is_refused() {
    let from = |header: &str, value: &str| {
        multipart(
            Request::post(PATH).header("host", "box:8000").header(header, value),
            "file",
            &[("a.png", PNG)],
        )
    };
    assert_eq!(post(from("sec-fetch-site", "cross-site")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(from("origin", "https://evil.example")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(from("sec-fetch-site", "same-origin")).await.status, StatusCode::OK);
    assert_eq!(post(from("origin", "http://box:8000")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn file_names_come_back_short_and_without_folders() {
    let long = format!("C:/patients/{}.png", "x".repeat(200));
    let reply = post(files(PATH, &[(&long, PNG)])).await.json();
    let name = reply["predictions"][0]["name"].as_str().unwrap();
    assert_eq!(name.chars().count(), 60);
    assert!(name.starts_with("xxx") && name.ends_with(".png"), "{name}");
}
