//! Binds the address, serves until told to stop, and stops politely.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use headstart::device::Device;

use crate::access::Access;
use crate::app;
use crate::body::Arriving;
use crate::connections::{Admitted, Connections};
use crate::hosts::Hosts;
use crate::limits::Limits;
use crate::models::Models;
use crate::rate::client;
use crate::serving::Serving;
use crate::signals;
use crate::socket::Socket;
use crate::state::AppState;

/// How long requests under way may still take once the server has been told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's headers, and stay silent between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);
/// What a connection may buffer of a request's headers, and of answers that its client does not take yet.
const BUFFER: usize = 64 << 10;
/// The pause after the system has refused a connection, for example for want of file descriptors: long enough for
/// one to be closed.
const PAUSE: Duration = Duration::from_millis(10);

/// What to serve, where, and to whom.
pub struct Service {
    /// Sealed models. The first answers who names none.
    pub models: Vec<PathBuf>,
    /// What they are computed on.
    pub device: Device,
    /// Port 0 means any free one.
    pub address: SocketAddr,
    /// Who may use it.
    pub access: Access,
    /// The host names that it answers to.
    pub hosts: Hosts,
    /// How much it takes on.
    pub limits: Limits,
}

/// A server that has its address but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: AppState,
}

impl Server {
    /// Takes the address. Port 0 means any free one.
    ///
    /// # Errors
    /// The address is in use, or not this machine's, or not allowed.
    pub async fn bind(state: AppState, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address: listener.local_addr()?, listener, state })
    }

    /// The address that it has taken, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready. Then it is not ready for more and closes each connection after an answer, but answers
    /// on for as long as the limits' `drain` says. Then it lets the requests under way finish for at most ten seconds.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let app = app(self.state.clone());
        let limits = &self.state.intake.limits;
        let acceptor = Acceptor {
            graceful: GracefulShutdown::new(),
            connections: Connections::new(limits.connections, limits.connections_per_client),
            app,
            serving: self.state.serving.clone(),
            write_timeout: limits.write_timeout,
        };
        let stopping = async {
            shutdown.await;
            self.state.serving.stop();
            tokio::time::sleep(limits.drain).await;
        };
        tokio::select! {
            () = acceptor.accept(&self.listener) => {}
            () = stopping => {}
        }
        drop(self.listener);
        tokio::select! {
            () = acceptor.graceful.shutdown() => {}
            () = tokio::time::sleep(GRACE) => {}
        }
    }
}

struct Acceptor {
    graceful: GracefulShutdown,
    connections: Arc<Connections>,
    app: Router,
    serving: Serving,
    write_timeout: Duration,
}

impl Acceptor {
    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                // Dropping a stream closes it.
                Ok((stream, peer)) => {
                    if let Some(admitted) = self.connections.admit(client(peer.ip())) {
                        tokio::spawn(self.serve(stream, peer, admitted));
                    }
                }
                Err(_) => {
                    self.connections.make_room();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        admitted: Admitted,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (app, serving) = (self.app.clone(), self.serving.clone());
        let connection = Arc::clone(&admitted.connection);
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let (app, serving, connection) = (app.clone(), serving.clone(), Arc::clone(&connection));
            let request = request.map(|body| Body::new(Arriving::new(body, Arc::clone(&connection))));
            async move {
                let mut response = app.oneshot(request).await;
                if let Ok(response) = &mut response
                    && serving.is_stopping()
                {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                connection.waits();
                response
            }
        });
        // An answer is one small packet: it is not to wait for another.
        let _ = stream.set_nodelay(true);
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(Socket::new(stream, self.write_timeout)), service);
        let served = self.graceful.watch(served);
        async move {
            tokio::select! {
                // A client that breaks off or sends no HTTP is its own loss.
                _ = served => {}
                () = admitted.connection.dropped() => {}
            }
        }
    }
}

/// Loads models and serves them until Ctrl-C or SIGTERM, for a program that is not async itself. On SIGHUP the
/// models are read again; requests under way keep those they began with. `ready` is told the address.
///
/// # Errors
/// A file that is no sealed model, or an address that cannot be taken.
pub fn run(service: Service, ready: impl FnOnce(SocketAddr)) -> headstart::Result<()> {
    let models = Models::load(&service.models, &service.device)?;
    let failed = |why| headstart::Error::Usage(format!("cannot serve on {}: {why}", service.address));
    signals::hush_panics();
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    let state = AppState::new(models, service.limits).guarded_by(service.access).named(service.hosts);
    let served = runtime.block_on(async {
        let server = Server::bind(state.clone(), service.address).await?;
        // Before anyone is told: an unexpected SIGHUP ends a program.
        let hangups = signals::Hangups::new();
        ready(server.address());
        let AppState { serving, metrics, .. } = state;
        tokio::spawn(signals::reload_on_hangup(hangups, serving, metrics, (service.models, service.device)));
        server.run(signals::stop()).await;
        Ok(())
    });
    // A prediction that outlasts the grace must not keep the program alive.
    runtime.shutdown_background();
    served.map_err(failed)
}
