//! Pulls from a server on this machine that does what servers and networks do.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::observer::Silent;

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Answer {
    /// Sends what was asked for.
    Right,
    /// Ends the connection after so many bytes of what was asked for.
    Cut(usize),
    /// Sends the whole file, whatever was asked for.
    FromTheStart,
    /// Sends the whole file with one bit flipped.
    Corrupt,
    /// States so many bytes and sends more.
    StatesLess(usize),
    /// Sends without an end.
    Endless,
    /// Says nothing.
    Silent,
    /// Says that it sends other bytes than those that were asked for.
    OtherRange,
    /// Says this.
    Status(u16),
    /// Names this path.
    Redirect(&'static str),
}

struct Server {
    address: String,
    /// First byte that each request asked for.
    asked: Arc<Mutex<Vec<u64>>>,
}

/// A file of 300 kB without any order.
fn file() -> Vec<u8> {
    let mut random = crate::random::Random::new(5, 0);
    (0..300_000).map(|_| (random.unit() * 256.0) as u8).collect()
}

impl Server {
    /// Answers one request after the other in these ways, and the last way for ever.
    fn new(answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}/file.pth", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let answer = answers[number.min(answers.len() - 1)];
                let start = first_byte(&stream);
                seen.lock().expect("no panic").push(start);
                // The client may be gone.
                let _ = serve(stream, answer, start as usize);
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<u64> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Reads a request's head.
fn first_byte(stream: &TcpStream) -> u64 {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let heads: Vec<String> = lines.map(|line| line.to_lowercase()).collect();
    let range = heads.iter().find_map(|line| line.strip_prefix("range: bytes="));
    range.and_then(|range| range.trim_end_matches('-').parse().ok()).unwrap_or(0)
}

fn serve(mut stream: TcpStream, answer: Answer, start: usize) -> std::io::Result<()> {
    let (file, closes) = (file(), "Connection: close\r\n\r\n");
    let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{closes}", file.len());
    let rest = match start {
        0 => whole.clone(),
        _ => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{}\r\n{closes}",
            file.len() - start,
            file.len() - 1,
            file.len()
        ),
    };
    let mut send = |head: &str, body: &[u8]| {
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        stream.flush()
    };
    match answer {
        Answer::Right => send(&rest, &file[start..]),
        Answer::Cut(count) => send(&rest, &file[start..][..count]),
        Answer::FromTheStart => send(&whole, &file),
        Answer::Corrupt => {
            let mut other = file.clone();
            other[1000] ^= 1;
            send(&whole, &other)
        }
        Answer::StatesLess(count) => {
            send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {count}\r\n{closes}"), &file)
        }
        Answer::Endless => {
            send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"")?;
            loop {
                send("10000\r\n", &[7; 0x10000])?;
                send("\r\n", b"")?;
            }
        }
        Answer::Silent => {
            thread::sleep(Duration::from_millis(600));
            Ok(())
        }
        Answer::OtherRange => send(
            &format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\n{closes}"),
            b"12345",
        ),
        Answer::Status(status) => {
            send(&format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n{closes}"), b"")
        }
        Answer::Redirect(path) => {
            send(&format!("HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\n{closes}"), b"")
        }
    }
}

/// The folder after a pull, and what came of it.
struct Outcome {
    folder: tempfile::TempDir,
    result: Result<Pulled>,
    server: Server,
}

impl Outcome {
    fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).expect("a folder");
        let mut names: Vec<String> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn is_whole(&self) -> bool {
        let read = std::fs::read(self.folder.path().join("file.pth"));
        let noted = std::fs::read_to_string(self.folder.path().join("file.pth.sha256"));
        self.result.is_ok()
            && read.expect("the file") == file()
            && noted.expect("the note") == format!("{}  file.pth\n", sha256(&file()))
            && self.names() == ["file.pth", "file.pth.sha256"]
    }

    fn why(&self) -> String {
        self.result.as_ref().expect_err("it fails").to_string()
    }
}

fn pull_into(folder: &Path, address: &str) -> Result<Pulled> {
    let pin: &'static str = Box::leak(sha256(&file())[..8].to_string().into_boxed_str());
    let published =
        Published { source: "here", file: "file.pth", address: address.into(), pin, most_bytes: 400_000 };
    let patience = Patience { read: Duration::from_millis(200), pause: Duration::from_millis(1) };
    Order { published: &published, folder, patience }.fill(&mut Silent)
}

/// Pulls from a server that answers so.
fn pulled(answers: &'static [Answer]) -> Outcome {
    pulled_with(answers, None)
}

/// As [`pulled`], where an earlier try left these bytes.
fn pulled_with(answers: &'static [Answer], left: Option<&[u8]>) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(left) = left {
        std::fs::write(folder.path().join(".file.pth.partial"), left).expect("writes");
    }
    let server = Server::new(answers);
    let result = pull_into(folder.path(), &server.address);
    Outcome { folder, result, server }
}

#[test]
fn a_file_is_fetched_once_and_then_it_is_there() {
    let outcome = pulled(&[Answer::Right, Answer::Status(500)]);
    assert!(outcome.is_whole(), "{:?}", outcome.result);
    let again = pull_into(outcome.folder.path(), &outcome.server.address).expect("is there");
    assert_eq!((again.was_there, again.bytes, outcome.server.asked()), (true, 300_000, vec![0]));
}

#[test]
fn a_connection_that_ends_is_taken_up_where_it_ended() {
    let outcome = pulled(&[Answer::Cut(100_000), Answer::Cut(50_000), Answer::Status(503), Answer::Right]);
    assert!(outcome.is_whole(), "{:?}", outcome.result);
    assert_eq!(outcome.server.asked(), [0, 100_000, 150_000, 150_000]);
}

#[test]
fn what_an_earlier_try_left_is_continued() {
    let outcome = pulled_with(&[Answer::Right], Some(&file()[..70_000]));
    assert!(outcome.is_whole(), "{:?}", outcome.result);
    assert_eq!(outcome.server.asked(), [70_000]);
    let all = pulled_with(&[Answer::Status(404)], Some(&file()));
    assert!(all.is_whole(), "{:?}", all.result);
    assert!(all.server.asked().is_empty());
}

#[test]
fn what_an_earlier_try_left_of_another_file_is_found_out() {
    let outcome = pulled_with(&[Answer::Right], Some(&[9; 70_000]));
    assert!(outcome.is_whole(), "{:?}", outcome.result);
    assert_eq!(outcome.server.asked(), [70_000, 0]);
    let longer = pulled_with(&[Answer::Status(416), Answer::Right], Some(&[9; 350_000]));
    assert!(longer.is_whole(), "{:?}", longer.result);
    assert_eq!(longer.server.asked(), [350_000, 0]);
}

#[test]
fn servers_without_ranges_or_with_wrong_ones_send_all_of_it() {
    let outcome = pulled(&[Answer::Cut(100_000), Answer::FromTheStart]);
    assert!(outcome.is_whole(), "{:?}", outcome.result);
    let outcome = pulled(&[Answer::Cut(100_000), Answer::OtherRange, Answer::Right]);
    assert!(outcome.is_whole(), "{:?}", outcome.result);
    assert_eq!(outcome.server.asked(), [0, 100_000, 0]);
}

#[test]
fn another_file_is_refused_and_nothing_is_kept() {
    for answers in [&[Answer::Corrupt] as &[Answer], &[Answer::StatesLess(200_000)]] {
        let outcome = pulled(answers);
        let why = outcome.why();
        assert!(why.contains("expected a SHA-256 that begins with"), "{why}");
        assert!(why.contains("nothing of it was kept"), "{why}");
        assert!(outcome.names().is_empty(), "{:?}", outcome.names());
    }
}

#[test]
fn what_has_no_end_is_ended() {
    let outcome = pulled(&[Answer::Endless]);
    assert!(outcome.why().contains("expected at most 400000 bytes, found more"), "{}", outcome.why());
    assert!(outcome.names().is_empty(), "{:?}", outcome.names());
    let silent = pulled(&[Answer::Silent]);
    assert!(silent.why().contains("without a network put file.pth into"), "{}", silent.why());
    assert!(silent.names().is_empty(), "{:?}", silent.names());
}

#[test]
fn a_server_that_always_cuts_is_given_up_and_the_beginning_is_kept() {
    let outcome = pulled(&[Answer::Cut(1000), Answer::Cut(0)]);
    assert!(outcome.why().contains("after 1000 bytes, with which the next try goes on"), "{}", outcome.why());
    assert_eq!(outcome.names(), [".file.pth.partial"]);
    let bit_by_bit = pulled(&[Answer::Cut(1)]);
    assert!(bit_by_bit.why().contains("ended again and again"), "{}", bit_by_bit.why());
    assert_eq!(bit_by_bit.server.asked().len(), MOST_TRIES as usize);
}

#[test]
fn redirects_are_followed_unless_they_go_round() {
    let outcome = pulled(&[Answer::Redirect("/elsewhere.pth"), Answer::Right]);
    assert!(outcome.is_whole(), "{:?}", outcome.result);
    let round = pulled(&[Answer::Redirect("/file.pth")]);
    assert!(round.why().contains("redirects"), "{}", round.why());
    assert!(round.names().is_empty());
}

#[test]
fn what_is_not_there_is_asked_for_once() {
    let outcome = pulled(&[Answer::Status(404)]);
    assert!(outcome.why().contains("the server says 404"), "{}", outcome.why());
    assert_eq!(outcome.server.asked(), [0]);
}

#[test]
fn a_file_that_was_damaged_since_is_fetched_again() {
    let outcome = pulled(&[Answer::Right]);
    let path = outcome.folder.path().join("file.pth");
    std::fs::write(&path, b"half").expect("writes");
    let again = pull_into(outcome.folder.path(), &outcome.server.address).expect("fetches");
    assert!(!again.was_there && outcome.is_whole());
}

#[test]
fn two_at_once_do_not_mix_their_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let _held = Partial::open(&folder.path().join("file.pth")).expect("opens");
    let why = pull_into(folder.path(), "http://127.0.0.1:9/file.pth").expect_err("held").to_string();
    assert!(why.contains("another process is fetching it"), "{why}");
}

#[test]
fn mirrors_are_addresses() {
    assert_eq!(
        mirrored("https://mirror.example/m/", "f.pth").expect("an address"),
        "https://mirror.example/m/f.pth"
    );
    let why = mirrored("ftp://mirror.example", "f.pth").expect_err("none").to_string();
    assert!(why.contains("HEADSTART_MIRROR: expected an address"), "{why}");
}
