//! Mutated requests: whatever is sent, the answer is one of ours, and small.
//!
//! The same requests each time. `HEADSTART_MUTATIONS=1000000` tries more of them, `HEADSTART_MUTATIONS_SEED=2` tries others.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod client;
mod stand_in;

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::{app_within, send};
use headstart_web::Limits;
use serde_json::Value;
use stand_in::png;

/// How many are tried of each kind, unless the environment says otherwise.
const TRIED: usize = 3000;
/// The largest answer: more than anything that is asked for here comes to.
const LARGEST: usize = 100_000;

/// What a request cannot be used for, or what it gets.
const STATUSES: [u16; 6] = [200, 400, 404, 413, 415, 422];

fn tried() -> usize {
    std::env::var("HEADSTART_MUTATIONS").map_or(TRIED, |number| number.parse().unwrap())
}

/// Which requests are tried.
fn seed() -> u64 {
    std::env::var("HEADSTART_MUTATIONS_SEED").map_or(0, |number| number.parse().unwrap())
}

/// A generator with fixed bits (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// A few changes: bytes flipped, pieces removed, repeated or exchanged, words put in.
    fn mutate(&mut self, bytes: &mut Vec<u8>, words: &[&[u8]], others: &[Vec<u8>]) {
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            let end = (at + 1 + self.below(40)).min(bytes.len());
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.below(256) as u8,
                2 if at < end => drop(bytes.drain(at..end)),
                3 if at < end => {
                    let piece = bytes[at..end].repeat(1 + self.below(50));
                    bytes.splice(at..at, piece);
                }
                4 => drop(bytes.splice(at..at, self.pick(words).iter().copied())),
                5 => bytes.truncate(at),
                _ => {
                    let other = &others[self.below(others.len())];
                    let from = self.below(other.len());
                    drop(bytes.splice(at.min(end)..end, other[from..].iter().copied()));
                }
            }
        }
    }
}

async fn check(request: Request<Body>, app: &axum::Router, sent: &[u8]) {
    let reply = send(app, request).await;
    let shown = String::from_utf8_lossy(&sent[..sent.len().min(2000)]).into_owned();
    assert!(STATUSES.contains(&reply.status.as_u16()), "{}: {} after {shown}", reply.status, reply.body);
    assert!(reply.bytes.len() < LARGEST, "{} bytes after {shown}", reply.bytes.len());
    if reply.header("content-type") == "application/json" {
        let told: Value = serde_json::from_slice(&reply.bytes).unwrap();
        assert!(reply.status.is_success() || told["error"].is_string(), "{told} after {shown}");
    }
}

#[tokio::test]
async fn inference_requests() {
    let image = STANDARD.encode(png("0.75"));
    let tensor = format!(r#"{{"name":"image","datatype":"BYTES","shape":[1],"data":["{image}"]}}"#);
    let seeds: Vec<Vec<u8>> = [
        format!(r#"{{"inputs":[{tensor}]}}"#),
        format!(r#"{{"id":"7","inputs":[{tensor}],"outputs":[{{"name":"scores"}},{{"name":"class","parameters":{{"binary_data":true}}}}]}}"#),
        format!(r#"{{"parameters":{{"binary_data_output":true,"x":[{{}}]}},"inputs":[{tensor}],"outputs":[]}}"#),
        r#"{"inputs":[{"name":"image","datatype":"BYTES","shape":[2,1],"parameters":{"binary_data_size":9}}]}"#.to_owned()
            + "\u{1}\0\0\0x\0\0\0\0",
    ]
    .map(String::into_bytes)
    .to_vec();
    let words: Vec<&[u8]> = [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "null",
        "true",
        "-1",
        "1e999",
        "18446744073709551616",
        "\"\"",
        "\"\\ud800\"",
        "\"shape\":[1],",
        "\"data\":[\"\",\"\"],",
        "{\"name\":\"scores\"},",
        "\"outputs\":[",
        "\"inputs\":[",
        "[[[[[[[[[[[[[[[[",
        "\"id\":\"x\",",
        "\"parameters\":{\"binary_data_size\":4},",
        "\0\0\0\0",
        "\u{feff}",
        "\"verdict\"",
    ]
    .map(str::as_bytes)
    .to_vec();
    let app = app_within(Limits::default());
    let mut chance = Chance(0x5eed_0001 ^ (seed() << 32));
    for _ in 0..tried() {
        let mut body = seeds[chance.below(seeds.len())].clone();
        let json = body.iter().rposition(|byte| *byte == b'}').map_or(0, |at| at + 1);
        chance.mutate(&mut body, &words, &seeds);
        let mut request = Request::post("/v2/models/model/infer");
        if chance.below(2) == 0 {
            let length = if chance.below(4) == 0 { chance.below(2 * body.len() + 1) } else { json };
            request = request.header("inference-header-content-length", length);
        }
        check(request.body(Body::from(body.clone())).unwrap(), &app, &body).await;
    }
}

#[tokio::test]
async fn forms() {
    let part = |head: &str, data: &[u8]| {
        let head = format!("--cut\r\ncontent-disposition: form-data; {head}\r\n\r\n");
        [head.as_bytes(), data, b"\r\n"].concat()
    };
    let file = part("name=\"file\"; filename=\"a.png\"\r\ncontent-type: image/png", &png("0.75"));
    let seeds = vec![
        [&file[..], b"--cut--\r\n"].concat(),
        [&part("name=\"other\"", b"1"), &file, &file, &b"--cut--\r\n"[..]].concat(),
        [&part("name=\"file\"; filename*=UTF-8''%e2%82%ac.png", b"hello"), &b"--cut--\r\n"[..]].concat(),
    ];
    let words: Vec<&[u8]> = [
        "\r\n",
        "--cut",
        "--cut--",
        "--cut\r\n",
        "\r\n\r\n",
        "\"",
        "; filename=\"",
        "name=\"file\"",
        "\0",
        "content-length: 99\r\n",
        "content-transfer-encoding: base64\r\n",
        "\u{202e}",
        "../",
        "%00",
        ": ",
    ]
    .map(str::as_bytes)
    .to_vec();
    let types = [
        "multipart/form-data; boundary=cut",
        "multipart/form-data; boundary=\"cut\"",
        "multipart/form-data; boundary=",
        "multipart/form-data",
        "multipart/form-data; boundary=cu",
        "MULTIPART/FORM-DATA; charset=x; boundary=cut",
        "multipart/form-data; boundary=\r",
        "image/png",
    ];
    let app = app_within(Limits::default());
    let mut chance = Chance(0x5eed_0002 ^ (seed() << 32));
    for _ in 0..tried() {
        let mut body = seeds[chance.below(seeds.len())].clone();
        chance.mutate(&mut body, &words, &seeds);
        let content_type = if chance.below(4) > 0 { types[0] } else { chance.pick(&types) };
        let path = chance.pick(&["/api/predict", "/predict", "/api/explain", "/api/explain?layer=none"]);
        let request = Request::post(path).header("content-type", content_type).body(Body::from(body.clone()));
        if let Ok(request) = request {
            check(request, &app, &body).await;
        }
    }
}
