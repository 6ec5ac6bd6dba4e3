//! Binds the address, serves until told to stop, and stops politely.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use headstart::classifier::Classifier;
use tokio::net::TcpListener;

use crate::app;
use crate::state::{AppState, Limits};

/// How long requests under way may still take once the server has been told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// A server that has its address but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Router,
}

impl Server {
    /// Takes the address. Port 0 means any free one.
    ///
    /// # Errors
    /// The address is in use, or not this machine's, or not allowed.
    pub async fn bind(state: AppState, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: listener.local_addr()?, listener, app: app(state) })
    }

    /// The address that it has taken, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready, then lets the requests under way finish for at most ten seconds.
    ///
    /// # Errors
    /// The system refuses to accept connections.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let shutdown = async move {
            shutdown.await;
            // The receiver is gone only when the server has already ended.
            let _ = stopping.send(());
        };
        let serving = axum::serve(self.listener, self.app).with_graceful_shutdown(shutdown);
        tokio::select! {
            ended = serving => ended,
            () = grace_after(stopped) => Ok(()),
        }
    }
}

/// Serves a classifier at an address until `shutdown` is ready.
///
/// # Errors
/// As [`Server::bind`] and [`Server::run`].
pub async fn serve(
    classifier: Classifier,
    address: SocketAddr,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    Server::bind(AppState::new(classifier, Limits::default()), address).await?.run(shutdown).await
}

/// Serves a classifier until Ctrl-C or SIGTERM, for a program that is not async itself.
/// `ready` is told the address once it is taken.
///
/// # Errors
/// As [`serve`].
pub fn run(classifier: Classifier, address: SocketAddr, ready: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(async {
        let server = Server::bind(AppState::new(classifier, Limits::default()), address).await?;
        ready(server.address());
        server.run(stop_signal()).await
    });
    // A prediction that outlasts the grace must not keep the program alive.
    runtime.shutdown_background();
    served
}

/// Ready on Ctrl-C or, on Unix, SIGTERM.
pub async fn stop_signal() {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
    }
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await // No handler could be set: the signal's default action ends the program.
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

async fn grace_after(stopped: tokio::sync::oneshot::Receiver<()>) {
    match stopped.await {
        Ok(()) => tokio::time::sleep(GRACE).await,
        Err(_) => std::future::pending().await,
    }
}
