//! The Open Inference Protocol: what a model is, and predictions as tensors, in JSON and binary.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::{Reply, app_within, get, send};
use headstart_web::Limits;
use serde_json::{Value, json};
use stand_in::png;

async fn infer(message: &Value, binary: &[u8]) -> Reply {
    let head = message.to_string();
    let request = Request::post("/v2/models/model/infer")
        .header("inference-header-content-length", head.len())
        .body(Body::from([head.as_bytes(), binary].concat()));
    send(&app_within(Limits::default()), request.unwrap()).await
}

fn images(endings: &[&str]) -> Value {
    let data: Vec<String> = endings.iter().map(|ending| STANDARD.encode(png(ending))).collect();
    json!({"name": "image", "datatype": "BYTES", "shape": [data.len()], "data": data})
}

#[tokio::test]
async fn the_server_and_its_model_describe_themselves() {
    assert_eq!(get("/v2").await.json()["extensions"], json!(["binary_tensor_data"]));
    for path in ["/v2/health/live", "/v2/health/ready", "/v2/models/model/ready"] {
        assert_eq!(get(path).await.status, StatusCode::OK, "{path}");
    }
    let model = get("/v2/models/model").await.json();
    assert_eq!(model["inputs"], json!([{"name": "image", "datatype": "BYTES", "shape": [-1]}]));
    assert_eq!(model["outputs"][0], json!({"name": "scores", "datatype": "FP32", "shape": [-1, 2]}));
    let unknown = get("/v2/models/other").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["error"], "There is no model of this name on this server.");
}

#[tokio::test]
async fn images_in_json_are_predicted_in_their_order() {
    let reply = infer(&json!({"id": "7", "inputs": [images(&["0.75", "0.25"])]}), b"").await;
    let expected = json!({
        "model_name": "model", "model_version": "1", "id": "7",
        "outputs": [
            {"name": "scores", "datatype": "FP32", "shape": [2, 2], "data": [0.25, 0.75, 0.75, 0.25]},
            {"name": "class", "datatype": "BYTES", "shape": [2], "data": ["PNEUMONIA", "NORMAL"]},
            {"name": "verdict", "datatype": "BYTES", "shape": [2], "data": ["decided", "decided"]},
        ],
    });
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, expected));
}

#[tokio::test]
async fn an_image_without_an_answer_gets_no_class() {
    let reply = infer(&json!({"inputs": [images(&["STRANGE", ".50?", "0.25"])]}), b"").await.json();
    assert_eq!(reply["outputs"][1]["data"], json!(["", "", "NORMAL"]));
    assert_eq!(reply["outputs"][2]["data"], json!(["refused", "undecided", "decided"]));
}

#[tokio::test]
async fn binary_images_give_binary_classes() {
    let image = png("0.75");
    let binary = [&(image.len() as u32).to_le_bytes()[..], &image].concat();
    let message = json!({
        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1, 1],
            "parameters": {"binary_data_size": binary.len()}}],
        "outputs": [{"name": "class", "parameters": {"binary_data": true}}],
    });
    let reply = infer(&message, &binary).await;
    assert_eq!(reply.header("content-type"), "application/octet-stream");
    let length: usize = reply.header("inference-header-content-length").parse().unwrap();
    let (head, behind) = reply.body.split_at(length);
    let head: Value = serde_json::from_str(head).unwrap();
    let class =
        json!({"name": "class", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 13}});
    assert_eq!(head["outputs"], json!([class]));
    assert_eq!(behind, "\u{9}\0\0\0PNEUMONIA");
}

#[tokio::test]
async fn what_the_model_cannot_take_is_400_and_says_why() {
    let with = |key: &str, value: Value| {
        let mut tensor = images(&["0.75"]);
        tensor[key] = value;
        json!({ "inputs": [tensor] })
    };
    for (message, why) in [
        (json!({"inputs": 1}), "not an inference request (line 1, column"),
        (json!({"inputs": []}), "one input"),
        (with("name", json!("x")), "has to be “image”"),
        (with("datatype", json!("FP32")), "has to be “image”"),
        (with("shape", json!([2])), "shape does not fit"),
        (with("shape", json!([u64::MAX, 2])), "shape does not fit"),
        (with("data", json!(["!"])), "no base64"),
        (with("data", Value::Null), "needs data"),
        (
            json!({"inputs": [images(&["0.75"])], "outputs": [{"name": "x"}]}),
            "“scores”, “class” and “verdict”",
        ),
        (json!({"inputs": [images(&["0.75"]), images(&["0.75"])]}), "one input"),
        (with("shape", json!(vec![1; 9])), "shape does not fit"),
        (json!({"id": "x".repeat(1025), "inputs": [images(&["0.75"])]}), "the id is longer"),
        (json!({"inputs": [images(&["0.75", "BROKEN"])]}), "image 1: The image breaks off"),
    ] {
        let reply = infer(&message, b"").await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{message}");
        assert!(reply.body.contains(why), "{why} is not in {}", reply.body);
    }
}

#[tokio::test]
async fn a_header_length_past_the_body_is_400() {
    for length in ["99", "-1", "x"] {
        let request =
            Request::post("/v2/models/model/infer").header("inference-header-content-length", length);
        let reply = send(&app_within(Limits::default()), request.body("{}".into()).unwrap()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{length}");
    }
}

#[tokio::test]
async fn too_many_images_are_413() {
    let app = app_within(Limits { images: 1, ..Limits::default() });
    let message = json!({"inputs": [images(&["0.75", "0.25"])]}).to_string();
    let request = Request::post("/v2/models/model/infer").body(message.into()).unwrap();
    assert_eq!(send(&app, request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_output_is_given_once() {
    for names in [vec!["scores"; 2], vec!["scores"; 100_000], vec!["class", "scores", "class"]] {
        let outputs: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        let reply = infer(&json!({"inputs": [images(&["0.75"])], "outputs": outputs}), b"").await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", names.len());
        assert!(reply.body.contains("each at most once"), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_million_empty_images_are_refused_by_their_number() {
    let count = 1_000_000;
    let limit = "These are too many images: at most 32 in one request.";
    let tensor = json!({"name": "image", "datatype": "BYTES", "shape": [count], "data": vec![""; count]});
    let reply = infer(&json!({ "inputs": [tensor] }), b"").await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some(limit)));
    let size = json!({"binary_data_size": 4 * count});
    let tensor = json!({"name": "image", "datatype": "BYTES", "shape": [count], "parameters": size});
    let reply = infer(&json!({ "inputs": [tensor] }), &vec![0; 4 * count]).await;
    assert_eq!((reply.status, reply.json()["error"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some(limit)));
}
