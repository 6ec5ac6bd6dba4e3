//! The app speaks the visitor's language.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::body::Body;
use axum::http::Request;
use client::{app_within, files, get, send};
use headstart_web::Limits;
use stand_in::png;

#[tokio::test]
async fn the_page_follows_the_address_and_then_the_browser() {
    let app = app_within(Limits::default());
    let page = async |path: &str, accepted: &str| {
        let request = Request::get(path).header("accept-language", accepted).body(Body::empty());
        send(&app, request.unwrap()).await.body
    };
    assert!(page("/", "de-AT,en;q=0.5").await.contains(r#"<html lang="de">"#));
    assert!(page("/?lang=en", "de").await.contains(r#"<html lang="en">"#));
    assert!(page("/?lang=xx", "xx").await.contains(r#"<html lang="en">"#));
    let german = page("/?lang=de", "en").await;
    assert!(german.contains("95-%-Intervall: 94 % bis 98 %"), "{german}");
    assert!(german.contains(r#"action="predict?lang=de""#), "{german}");
}

#[tokio::test]
async fn answers_and_problems_do_too() {
    let app = app_within(Limits::default());
    let (sick, broken) = (png("0.75"), png("BROKEN"));
    let uploads: [(&str, &[u8]); 2] = [("a.png", &sick), ("b.png", &broken)];
    let answers = send(&app, files("/api/predict?lang=de", &uploads)).await.json();
    let reading = "Sein Wert für PNEUMONIA ist 75 %; das Modell sagt PNEUMONIA ab 42 %.";
    assert_eq!(answers["predictions"][0]["reading"], reading);
    assert_eq!(answers["predictions"][1]["error"], "Das Bild bricht vor seinem Ende ab (PNG).");
    assert_eq!(get("/nothing?lang=de").await.json()["error"], "Unter dieser Adresse gibt es nichts.");
    let page = send(&app, files("/predict?lang=de", &uploads)).await.body;
    assert!(page.contains("<h3>Keine Antwort</h3>"), "{page}");
}
