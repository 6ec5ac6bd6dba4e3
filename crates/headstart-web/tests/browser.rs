//! The page in a real browser: `browser/page.cjs` drives Chromium with playwright-core.
//!
//! Skipped unless `node` finds playwright-core (`npm install --no-save playwright-core`, or `NODE_PATH`) and
//! Chromium is installed (`CHROMIUM` names it, if it is not on the path).

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod stand_in;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use headstart_web::{AppState, Example, Hosts, Limits, Models, Server};
use stand_in::{StandIn, png};
use tokio::process::Command;
use tokio::task::JoinHandle;

#[tokio::test]
async fn a_visitor_gets_answers() {
    let Some(chromium) = chromium().await else { return println!("skipped: no Chromium") };
    if !succeeds("node", &["-e", "require.resolve('playwright-core')"]).await {
        return println!("skipped: node with playwright-core is missing");
    }
    let limits = Limits { request_bytes: 1 << 20, ..Limits::default() };
    let examples = ["0.93", "0.25"].map(|score| Example::new(&format!("{score}.png"), png(score)).unwrap());
    let models = Models::from(StandIn::default()).with_examples(examples.to_vec());
    let (url, serving) = serve(models, limits.clone()).await;
    let (url_of_three, serving_three) = serve(of_three().into(), limits).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/page.cjs");
    let arguments = [&url, &chromium, &url_of_three];
    let seen = Command::new("node").arg(script).args(arguments).output().await.unwrap();
    serving.abort();
    serving_three.abort();
    println!("{}", String::from_utf8_lossy(&seen.stdout));
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stderr));
}

async fn serve(models: Models, limits: Limits) -> (String, JoinHandle<()>) {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let hosts = Hosts::of(any_port.ip(), &["headstart.test".to_owned()]);
    let server = Server::bind(AppState::new(models, limits).named(hosts), any_port).await.unwrap();
    (format!("http://{}/", server.address()), tokio::spawn(server.run(std::future::pending())))
}

/// Three classes, one of them with a name for people, and a title.
fn of_three() -> StandIn {
    let mut three = StandIn::of(&["bacteria", "normal", "virus"]);
    three.threshold_counts = None;
    three.card.title = "Why a child coughs".to_owned();
    three.card.classes[1] = "no pneumonia".to_owned();
    three.card.test = Some(vec![
        ("Accuracy".to_owned(), 0.85, 0.81, 0.88),
        ("Mean sensitivity".to_owned(), 0.82, 0.78, 0.86),
    ]);
    let recall = |class: &str, value| (class.to_owned(), value, value - 0.05, value + 0.04);
    three.card.recalls = vec![recall("bacteria", 0.95), recall("normal", 0.9), recall("virus", 0.61)];
    three
}

async fn chromium() -> Option<String> {
    let named = std::env::var("CHROMIUM").into_iter();
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    for name in named.chain(usual) {
        // playwright-core wants the whole path.
        let found = Command::new("sh").args(["-c", "command -v \"$0\"", &name]).output().await.ok()?;
        if found.status.success() {
            return Some(String::from_utf8(found.stdout).ok()?.trim().to_owned());
        }
    }
    None
}

async fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.await.is_ok_and(|status| status.success())
}
