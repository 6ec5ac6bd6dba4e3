//! The server on a real socket: refusals that arrive, and a polite end.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

mod stand_in;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use headstart_web::{AppState, Limits, Server};
use stand_in::{PNG, StandIn, png};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(limits: Limits) -> Running {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(AppState::new(StandIn::default(), limits), any_port).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running { address, stop, ended }
}

/// Sends the whole request before it reads, as browsers do.
async fn post(address: SocketAddr, body: &[u8]) -> String {
    post_announcing(address, body, body.len()).await
}

async fn post_announcing(address: SocketAddr, body: &[u8], length: usize) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/predict HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_sends_everything_first() {
    let running = start(Limits { request_bytes: 4 << 20, ..Limits::default() }).await;
    let reply = post(running.address, &vec![0; 30 << 20]).await;
    assert!(reply.starts_with("HTTP/1.1 413") && reply.contains("at most 4 MiB"), "{reply}");
    assert!(post(running.address, PNG).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    let running = start(Limits { body_timeout: Duration::from_millis(20), ..Limits::default() }).await;
    let reply = post_announcing(running.address, PNG, PNG.len() + 1).await;
    assert!(reply.starts_with("HTTP/1.1 408") && reply.contains("took too long"), "{reply}");
}

#[tokio::test]
async fn stopping_lets_a_request_under_way_finish() {
    let running = start(Limits::default()).await;
    let under_way = tokio::spawn(async move { post(running.address, &png("HOLD")).await });
    // The worker holds the request until it is released, so it is under way once its bytes have been read.
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(running.address).await.is_err(), "it still takes new connections");
    stand_in::release();
    assert!(under_way.await.unwrap().starts_with("HTTP/1.1 200"));
    running.ended.await.unwrap();
}

/// A request on a connection that stays open, and the answer's head.
async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    let mut reply = vec![0; 4096];
    let length = timeout(Duration::from_secs(5), stream.read(&mut reply)).await.unwrap().unwrap();
    String::from_utf8_lossy(&reply[..length]).to_lowercase()
}

#[tokio::test]
async fn while_it_drains_it_is_not_ready_answers_on_and_keeps_no_connection() {
    let running = start(Limits { drain: Duration::from_secs(1), ..Limits::default() }).await;
    let ready = get(running.address, "/readyz").await;
    assert!(ready.starts_with("http/1.1 200") && !ready.contains("connection: close"), "{ready}");
    running.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ready = get(running.address, "/readyz").await;
    assert!(ready.starts_with("http/1.1 503") && ready.contains("connection: close"), "{ready}");
    assert!(get(running.address, "/healthz").await.starts_with("http/1.1 200"));
    assert!(post(running.address, PNG).await.starts_with("HTTP/1.1 200"));
    timeout(Duration::from_secs(20), running.ended).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.address).await.is_err(), "it still takes new connections");
}

/// Asks for health, and waits no longer than anybody should.
async fn health(address: SocketAddr) -> String {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.map(|_| reply)
    };
    match timeout(Duration::from_secs(5), asked).await {
        Ok(reply) => reply.unwrap_or_else(|why| why.to_string()),
        Err(_) => "nothing for five seconds".to_owned(),
    }
}

/// A client that keeps asking and never reads. Its own buffer is small, so that the server's fills soon.
async fn never_reads(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let _ = stream.try_write(&b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(300));
    stream
}

#[tokio::test]
async fn clients_that_only_wait_shut_nobody_out() {
    let limits = Limits { connections: 24, connections_per_client: 16, ..Limits::default() };
    let running = start(limits).await;
    let mut waiting = Vec::new();
    for number in 0..60 {
        let mut stream = never_reads(running.address).await;
        if number % 3 == 0 {
            stream = TcpStream::connect(running.address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: loc").await.unwrap();
        } else if number % 3 == 1 {
            stream = TcpStream::connect(running.address).await.unwrap();
            let upload = b"POST /api/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\nx";
            stream.write_all(upload).await.unwrap();
        }
        waiting.push(stream);
    }
    for _ in 0..5 {
        assert!(health(running.address).await.starts_with("HTTP/1.1 200"));
    }
    assert!(post(running.address, PNG).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn who_does_not_read_is_dropped_after_a_while() {
    let running = start(Limits { write_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let stream = never_reads(running.address).await;
    // A peer that has closed the socket answers what still comes with a reset.
    let dropped = async {
        while stream.try_write(b"G").map_or_else(|why| why.kind() == ErrorKind::WouldBlock, |_| true) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(timeout(Duration::from_secs(10), dropped).await.is_ok(), "it is still connected");
}
