//! What the system tells the server: to stop, to read its models again.

use std::path::PathBuf;
use std::sync::Arc;

use headstart::device::Device;

use crate::metrics::Metrics;
use crate::models::Models;
use crate::serving::Serving;

/// Ready on Ctrl-C or, on Unix, SIGTERM.
pub async fn stop() {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
    }
}

/// Reads the models again at each SIGHUP. Models that cannot be loaded leave the old ones in their place.
pub(crate) async fn reload_on_hangup(
    mut hangups: Hangups,
    serving: Serving,
    metrics: Arc<Metrics>,
    (files, device): (Vec<PathBuf>, Device),
) {
    while hangups.next().await {
        let (files, device) = (files.clone(), device.clone());
        let loaded = tokio::task::spawn_blocking(move || Models::load(&files, &device)).await;
        let outcome = match loaded {
            Ok(Ok(models)) => {
                serving.replace(models);
                Ok(())
            }
            Ok(Err(why)) => Err(why.to_string()),
            Err(_) => Err("loading panicked".to_owned()),
        };
        metrics.reload(outcome.is_ok());
        match outcome {
            Ok(()) => eprintln!("models read again"),
            Err(why) => eprintln!("models not read again, the old ones stay: {why}"),
        }
    }
}

/// Says where something panicked, but not with what: the message may quote an upload.
pub(crate) fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => eprintln!("a panic at {}:{}", place.file(), place.line()),
        None => eprintln!("a panic"),
    }));
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

/// The SIGHUPs since it was made.
#[cfg(unix)]
pub(crate) struct Hangups(Option<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangups {
    pub(crate) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::hangup()).ok())
    }

    /// Whether there was one; false when there can be none any more.
    async fn next(&mut self) -> bool {
        match &mut self.0 {
            Some(signal) => signal.recv().await.is_some(),
            None => false,
        }
    }
}

/// Never any on this system.
#[cfg(not(unix))]
pub(crate) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    pub(crate) fn new() -> Self {
        Self
    }

    async fn next(&mut self) -> bool {
        false
    }
}
