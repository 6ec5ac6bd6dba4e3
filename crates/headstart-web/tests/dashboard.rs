//! Every query of the dashboard in `deploy/grafana` asks for what `/metrics` has.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use client::{app_within, raw, send};
use headstart_web::Limits;
use serde_json::Value;
use stand_in::png;

/// All queries below a value of the dashboard.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "expr" || text.starts_with("label_values(") => {
                        found.push(text.clone())
                    }
                    value => queries(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

/// The words of a query, without what stands in quotes.
fn words(query: &str) -> BTreeSet<String> {
    let bare: String = query.split('"').step_by(2).collect();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    bare.split(|letter| !is_part(letter)).map(str::to_owned).collect()
}

/// The labels of each metric.
fn exposed(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = line.split(' ').next().unwrap().split_once('{').unwrap_or((line, ""));
        let name = name.split(' ').next().unwrap();
        let labels = labels.split(',').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()));
        metrics.entry(name.to_owned()).or_default().extend(labels);
    }
    metrics
}

#[tokio::test]
async fn every_query_of_the_dashboard_names_a_metric_and_its_labels() {
    let app = app_within(Limits::default());
    for _ in 0..100 {
        send(&app, raw("/api/predict", png("0.75"))).await;
    }
    send(&app, raw("/api/explain", png("0.75"))).await;
    let text = send(&app, Request::get("/metrics").body(Body::empty()).unwrap()).await.body;
    let metrics = exposed(&text);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/grafana/serve.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut found = Vec::new();
    queries(&dashboard, &mut found);
    assert!(found.len() > 15, "the queries were not found");
    // It appears with the first reload, and every scrape adds the instance.
    let added = ["headstart_reloads_total", "instance", "outcome"];
    for query in &found {
        let words = words(query);
        let named: Vec<&String> = words
            .iter()
            .filter(|word| word.starts_with("headstart_") || word.starts_with("process_"))
            .collect();
        assert!(!named.is_empty(), "{query}");
        for name in named.iter().filter(|name| !added.contains(&name.as_str())) {
            let labels = metrics.get(*name).unwrap_or_else(|| panic!("{name} of {query} is not in {text}"));
            let asked = ["le", "route", "status", "model", "of", "class"].map(str::to_owned);
            for label in asked.iter().filter(|label| words.contains(*label)) {
                assert!(labels.contains(label), "{name} has no {label}, which {query} asks for");
            }
        }
    }
    assert!(text.contains("# TYPE headstart_reloads_total counter\n"), "{text}");
}
