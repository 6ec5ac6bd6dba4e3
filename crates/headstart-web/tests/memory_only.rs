//! An upload never reaches the file system.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use std::process::Command;

use axum::http::StatusCode;
use client::{app_within, files, send};
use headstart_web::Limits;
use stand_in::PNG;

const INSIDE: &str = "HEADSTART_TEST_IN_AN_EMPTY_FOLDER";

/// Runs itself again in an empty folder, which is also its folder for temporary files.
#[tokio::test]
async fn an_upload_touches_no_file() {
    if std::env::var_os(INSIDE).is_some() {
        return upload_four_mebibytes().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_upload_touches_no_file", "--nocapture"])
        .current_dir(&folder)
        .env("TMPDIR", folder.path())
        .env(INSIDE, "1")
        .status();
    assert!(status.unwrap().success());
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

async fn upload_four_mebibytes() {
    let mut image = PNG.to_vec();
    image.resize(4 << 20, 0);
    let folder = std::env::temp_dir();
    let reply = send(&app_within(Limits::default()), files("/api/predict", &[("x-ray.png", &image)])).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
