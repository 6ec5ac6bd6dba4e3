//! `headstart serve` as a process: who may reach it, what it leaves behind, and the system's signals.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use image::{GrayImage, Luma};
use tempfile::TempDir;

/// What nothing but the upload may hold.
const MARK: &str = "patient-jane-doe-1949";

fn headstart() -> Command {
    Command::new(env!("CARGO_BIN_EXE_headstart"))
}

/// A small model, trained once.
fn model() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        for (class, base) in [("bright", 190u8), ("dark", 40)] {
            let class = folder.path().join("data").join(class);
            fs::create_dir_all(&class).expect("creates");
            for index in 0..10u32 {
                let picture =
                    GrayImage::from_fn(48, 40, |x, y| Luma([base + ((x * 7 + y + index) % 40) as u8]));
                picture.save(class.join(format!("{index}.png"))).expect("saves");
            }
        }
        let run = folder.path().join("run");
        let trained = headstart()
            .args(["train", "--image-size", "32", "--epochs", "1", "--batch-size", "8"])
            .arg("--cache")
            .arg(folder.path().join("cache"))
            .arg("--out")
            .arg(&run)
            .arg(folder.path().join("data"))
            .output()
            .expect("trains");
        assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
        folder
    });
    folder.path().join("run").join("model.safetensors")
}

/// A PNG with a text chunk behind its first chunk, as cameras and viewers write.
fn marked_png() -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    GrayImage::from_pixel(40, 40, Luma([200])).write_to(&mut png, image::ImageFormat::Png).expect("encodes");
    let mut png = png.into_inner();
    png.extend(MARK.as_bytes());
    png
}

/// A server in a folder of its own, which is also its folder for temporary files.
struct Server {
    process: Child,
    address: String,
    folder: TempDir,
}

impl Server {
    fn start(models: &[&Path]) -> Self {
        Self::start_with(models, &[]).0
    }

    /// The server, and the line that says where it is.
    fn start_with(models: &[&Path], arguments: &[&str]) -> (Self, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let mut process = headstart()
            .arg("serve")
            .args(models)
            .args(["--address", "127.0.0.1:0"])
            .args(arguments)
            .current_dir(&folder)
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("says where");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
        (Self { address: address.expect("an address").to_owned(), process, folder }, line)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("the log")
    }

    fn end(mut self) -> (bool, String) {
        self.signal("TERM");
        let status = self.process.wait().expect("ends");
        (status.success(), self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn post(address: &str, name: &str, image: &[u8]) -> String {
    let head = format!("--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    let body = [head.as_bytes(), image, b"\r\n--cut--\r\n"].concat();
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(
        stream,
        "POST /api/predict HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary=cut\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .expect("sends");
    stream.write_all(&body).expect("sends");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answers");
    reply
}

#[test]
fn an_address_that_others_reach_needs_protection() {
    let refused = headstart().args(["serve", "x", "--address", "0.0.0.0:0"]).output().expect("runs");
    assert_eq!(refused.status.code(), Some(2));
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(why.contains("protect it with --token or --basic-auth, or say --public"), "{why}");
    for wrong in [["--token", ""], ["--basic-auth", "name"]] {
        let refused = headstart().args(["serve", "x"]).args(wrong).output().expect("runs");
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn an_upload_leaves_no_trace_in_files_or_logs() {
    let model = model();
    let server = Server::start(&[&model]);
    let good = post(&server.address, &format!("{MARK}.png"), &marked_png());
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    assert_eq!(good.matches(MARK).count(), 1, "only its name comes back: {good}");
    let broken = &marked_png()[..60];
    let refused = post(&server.address, "x.png", &[broken, MARK.as_bytes()].concat());
    assert!(refused.starts_with("HTTP/1.1 422") && !refused.contains(MARK), "{refused}");
    let left: Vec<_> = fs::read_dir(&server.folder).expect("lists").collect();
    assert_eq!(left.len(), 1, "only the log: {left:?}");
    // Linux counts what a process has caused to be written to a disk.
    if let Ok(counts) = fs::read_to_string(format!("/proc/{}/io", server.process.id())) {
        assert!(counts.contains("\nwrite_bytes: 0\n"), "{counts}");
    }
    let (succeeded, log) = server.end();
    assert!(succeeded && log.is_empty(), "{log}");
}

#[test]
fn a_hangup_reads_the_models_again_and_drops_no_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.safetensors");
    fs::copy(model(), &copy).expect("copies");
    let server = Server::start(&[&copy]);
    let is_over = AtomicBool::new(false);
    let reloads = |log: &str| log.matches("models read again").count();
    std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut answers = 0;
            while !is_over.load(Ordering::Relaxed) {
                let reply = post(&server.address, "x.png", &marked_png());
                assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
                answers += 1;
            }
            answers
        });
        for expected in 1..=5 {
            server.signal("HUP");
            while reloads(&server.log()) < expected {
                assert!(!client.is_finished(), "a request was dropped");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(client.join().expect("every request was answered") > 0);
    });
    fs::write(&copy, "no model").expect("writes");
    server.signal("HUP");
    while !server.log().contains("the old ones stay") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(post(&server.address, "x.png", &marked_png()).starts_with("HTTP/1.1 200"));
    assert!(server.end().0);
}

#[test]
fn a_termination_lets_a_request_under_way_finish() {
    let model = model();
    let server = Server::start(&[&model]);
    let image = marked_png();
    let mut stream = TcpStream::connect(&server.address).expect("connects");
    let length = image.len();
    write!(
        stream,
        "POST /api/predict HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )
    .expect("sends");
    stream.write_all(&image[..20]).expect("sends");
    // The server has the connection once it answers another one.
    assert!(post(&server.address, "x.png", &image).starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    std::thread::sleep(std::time::Duration::from_millis(100));
    stream.write_all(&image[20..]).expect("sends");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answers");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let mut server = server;
    assert!(server.process.wait().expect("ends").success());
}

fn png(image: impl Into<image::DynamicImage>) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut png, image::ImageFormat::Png).expect("encodes");
    png.into_inner()
}

fn is_healthy(address: &str) -> bool {
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("sends");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answers");
    reply.starts_with("HTTP/1.1 200")
}

/// 40 million pixels of 16 bits take 320 MB as RGB and grey, more than a worker has at 1 MiB besides its 256; of 8 bits
/// half of that.
#[test]
#[cfg(target_os = "linux")]
fn an_image_that_takes_too_much_memory_or_time_costs_one_answer() {
    const SIDE: u32 = 6300;
    let large = png(image::ImageBuffer::from_pixel(SIDE, SIDE, Luma([7u16])));
    let (server, _) = Server::start_with(&[&model()], &["--image-memory", "1", "--image-seconds", "9"]);
    let address = &server.address;
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| post(address, "large.png", &large));
        for _ in 0..5 {
            assert!(post(address, "x.png", &marked_png()).starts_with("HTTP/1.1 200") && is_healthy(address));
        }
        let refused = refused.join().expect("an answer");
        assert!(
            refused.starts_with("HTTP/1.1 422") && refused.contains("too much memory or time"),
            "{refused}"
        );
    });
    assert!(post(address, "x.png", &marked_png()).starts_with("HTTP/1.1 200") && is_healthy(address));
    assert_eq!(server.end(), (true, String::new()));

    // A processor's time is counted in whole seconds: at 0 a worker is ended as soon as one is full.
    let slow = png(GrayImage::new(SIDE, SIDE));
    let (server, _) = Server::start_with(&[&model()], &["--image-seconds", "0"]);
    let address = &server.address;
    let refused = (0..200).map(|_| post(address, "slow.png", &slow)).find(|reply| !reply.contains(" 200 OK"));
    let refused = refused.expect("no second of a processor in 200 images");
    assert!(refused.starts_with("HTTP/1.1 422") && refused.contains("too much memory or time"), "{refused}");
    assert!(post(address, "x.png", &marked_png()).starts_with("HTTP/1.1 200") && is_healthy(address));
    assert_eq!(server.end(), (true, String::new()));
}

#[test]
fn paths_are_quoted_and_a_weak_token_is_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let odd = folder.path().join("my \u{1b}[31mmodel.safetensors");
    fs::copy(model(), &odd).expect("copies");
    let (server, line) = Server::start_with(&[&odd], &["--token", "1234"]);
    assert!(
        line.starts_with("serving \"") && line.contains("my \\u{1b}[31mmodel.safetensors\" on http://"),
        "{line}"
    );
    let (_, log) = server.end();
    assert!(log.contains("warning: the token or password is so short or so plain"), "{log}");
    let (server, _) = Server::start_with(&[&model()], &["--token", "3b7d1f09c2e84a56"]);
    assert_eq!(server.end(), (true, String::new()));
}
