//! `POST /predict`: the page's form in a browser without JavaScript.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::http::StatusCode;
use client::{app_within, files, get, send};
use headstart_web::Limits;
use stand_in::{PNG, png};

const PATH: &str = "/predict";

#[tokio::test]
async fn the_result_is_on_the_page() {
    let app = app_within(Limits::default());
    let (sick, broken) = (png("0.75"), png("BROKEN"));
    let page = send(&app, files(PATH, &[("x-ray.png", &sick), ("torn.png", &broken)])).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("cache-control"), "no-store");
    for expected in [
        "<p class=\"name\">x-ray.png</p><h3>PNEUMONIA</h3>",
        "Its score for PNEUMONIA is 75%",
        "<rect class=\"fill\" y=\"8\" width=\"75.00%\"",
        "PNEUMONIA from 42% up</text>",
        "<p class=\"name\">torn.png</p><h3>No answer</h3><p class=\"reading\">The image breaks off before its end (PNG).</p>",
        "A research tool, not a medical device.",
    ] {
        assert!(page.body.contains(expected), "{expected} is not in {}", page.body);
    }
}

#[tokio::test]
async fn doubts_are_states_of_their_own() {
    let app = app_within(Limits::default());
    let (strange, unsure) = (png("STRANGE"), png(".50?"));
    let page = send(&app, files(PATH, &[("cat.png", &strange), ("faint.png", &unsure)])).await.body;
    let articles: Vec<&str> =
        page.split("<article").skip(1).map(|rest| &rest[..rest.find("</article").unwrap()]).collect();
    assert!(articles[0].starts_with(" class=\"result unfamiliar\""), "{}", articles[0]);
    assert!(articles[0].contains("<h3>Not like the training images</h3>"), "{}", articles[0]);
    assert!(!articles[0].contains("class=\"bar\"") && !articles[0].contains("PNEUMONIA"), "{}", articles[0]);
    assert!(articles[1].starts_with(" class=\"result undecided\""), "{}", articles[1]);
    assert!(articles[1].contains("<h3>Can’t decide</h3>"), "{}", articles[1]);
    assert!(articles[1].contains("could be NORMAL or PNEUMONIA"), "{}", articles[1]);
}

#[tokio::test]
async fn a_file_name_with_markup_stays_text() {
    let page =
        send(&app_within(Limits::default()), files(PATH, &[("<img src=x onerror=alert(1)>", PNG)])).await;
    assert!(page.body.contains("&lt;img src=x onerror=alert(1)&gt;"), "{}", page.body);
    assert!(!page.body.contains("<img src=x"), "{}", page.body);
}

#[tokio::test]
async fn a_refusal_is_a_page_too() {
    let page = send(&app_within(Limits::default()), files(PATH, &[("", b"")])).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.contains("role=\"status\">There is no image in this request."), "{}", page.body);
    let small = app_within(Limits { request_bytes: 10, ..Limits::default() });
    let page = send(&small, files(PATH, &[("a.png", PNG)])).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.body.contains("at most 10 bytes"), "{}", page.body);
}

#[tokio::test]
async fn a_reloaded_result_leads_back_to_the_page() {
    let reply = get(PATH).await;
    assert_eq!((reply.status, reply.header("location")), (StatusCode::SEE_OTHER, "./"));
}
