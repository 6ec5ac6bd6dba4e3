//! Which nets there are, and how their weights come onto this machine.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use super::real_program::{headstart, pictures};

fn backbones(cache: &Path, words: &[&str]) -> Command {
    let mut command = headstart(cache);
    command.arg("backbones").args(words).env_remove("HTTP_PROXY").env_remove("http_proxy");
    command
}

/// The address of a server that answers every request with this.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            // The client may be gone.
            let _ = stream.read(&mut head).and_then(|_| stream.write_all(answer));
        }
    });
    address
}

#[test]
fn nets_are_listed_for_programs_and_by_name_or_family() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = backbones(folder.path(), &["list", "ResNet", "--json"]).output().expect("runs");
    let nets: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let names: Vec<&str> =
        nets.as_array().expect("a list").iter().filter_map(|net| net["name"].as_str()).collect();
    assert_eq!(
        names,
        ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide-resnet50-2", "resnet50-keras"]
    );
    let net = &nets[2];
    assert_eq!((net["parameters"].as_u64(), net["pixels"].as_u64()), (Some(23_508_032), Some(224)));
    assert_eq!((net["top_1"].as_f64(), net["mebibytes"].as_f64()), (Some(76.13), Some(97.781)));
    assert!((net["gigaflops"].as_f64().expect("a number") - 4.087).abs() < 0.01, "{net}");
    assert!(net["kept"].is_null());
    backbones(folder.path(), &[]).assert().success().stdout(contains("wide-resnet50-2"));
    backbones(folder.path(), &["list", "no-net"])
        .assert()
        .code(1)
        .stderr(contains("no backbone has \"no-net\""));
}

#[test]
fn weights_that_are_put_into_the_cache_are_found_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, data) = (folder.path().join("cache"), folder.path().join("data"));
    let weights = cache.join("weights");
    std::fs::create_dir_all(&weights).expect("creates");
    pictures(&data, 2);
    let features = || {
        let mut command = headstart(&cache);
        let out = folder.path().join("x.npy");
        command.arg("features").arg(&data).args(["--backbone", "resnet18", "--out"]).arg(out);
        command
    };
    features().assert().code(2).stderr(
        contains("`headstart backbones pull resnet18` fetches them")
            .and(contains("put resnet18-f37072fd.pth from https://download.pytorch.org/models/resnet18-f37072fd.pth into"))
            .and(contains(weights.display().to_string())),
    );
    std::fs::write(weights.join("resnet18-f37072fd.pth"), "half a file").expect("writes");
    features().assert().code(1).stderr(contains("expected a SHA-256 that begins with f37072fd, found"));
    backbones(&cache, &["list", "resnet18"]).assert().success().stdout(contains("on this machine"));
}

#[test]
fn another_file_than_the_published_one_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mirror = server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    let mut pull = backbones(folder.path(), &["pull", "resnet18"]);
    pull.env("HEADSTART_MIRROR", &mirror).assert().code(1).stderr(contains(format!(
        "{mirror}/resnet18-f37072fd.pth: expected a SHA-256 that begins with f37072fd, found 2cf24dba"
    )));
    let left: Vec<_> = std::fs::read_dir(folder.path().join("weights")).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_a_network_one_sentence_says_which_file_to_put_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut pull = backbones(folder.path(), &["pull", "resnet18"]);
    let place = folder.path().join("weights");
    pull.env("HEADSTART_MIRROR", format!("http://{closed}"))
        .assert()
        .code(1)
        .stderr(contains(format!("without a network put resnet18-f37072fd.pth into {}", place.display())));
}

#[test]
fn what_cannot_be_pulled_says_what_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let pull = |name: &str| backbones(folder.path(), &["pull", name]);
    pull("efficientnet-lite0").assert().success().stdout(contains("the weights are in this program"));
    pull("vgg16").assert().code(2).stderr(contains("vgg16 is not published where it could be fetched"));
    pull("resnet18@nobody")
        .assert()
        .code(2)
        .stderr(contains("has no source \"nobody\": expected torchvision"));
    pull("nothing").assert().code(2).stderr(contains("unknown backbone \"nothing\""));
}
