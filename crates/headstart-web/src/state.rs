//! What every request shares: the models, the limits, the queue.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use headstart::image;
use tokio::sync::Semaphore;

use crate::access::Access;
use crate::hosts::Hosts;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::queue::Queue;
use crate::rate::Rate;
use crate::upload::KIBIBYTE;

/// How much the app takes on at once. `Default` suits one machine and images of a few megabytes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The most bytes in one request, all its images together. Default: 20 MiB.
    pub request_bytes: usize,
    /// The most bytes of all requests together, those that still arrive included. Default: 256 MiB.
    pub total_bytes: usize,
    /// The most images in one request. Default: 32.
    pub images: usize,
    /// What one image may be, and what decoding it may cost. Default: 40 million pixels; 2 GiB of memory and 10 seconds
    /// of a processor, which workers keep: see [`headstart::image::worker`].
    pub image: image::Limits,
    /// The most images that wait or are being predicted. Default: 256.
    pub waiting: usize,
    /// How long one request's body may take to arrive. Default: 60 seconds.
    pub body_timeout: Duration,
    /// How long a client may take to read an answer. Default: 30 seconds.
    pub write_timeout: Duration,
    /// The most connections at once. Default: 800, because a process may usually open 1024 files.
    pub connections: usize,
    /// The most connections of one client address at once. Default: 256.
    pub connections_per_client: usize,
    /// How long a request waits for its predictions. Default: 60 seconds.
    pub answer_timeout: Duration,
    /// The most wrong tokens or passwords that one client address may send in a minute. After them the right one is
    /// refused, too, until the next would be allowed. Default: 10.
    pub guesses_per_minute: u32,
    /// The most uploads that one client address may send in a minute. Default: any number.
    pub uploads_per_minute: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 20 << 20,
            total_bytes: 256 << 20,
            images: 32,
            image: image::Limits {
                max_pixels: 40_000_000,
                max_memory: 2 << 30,
                // Others wait meanwhile.
                max_seconds: 10,
                ..image::Limits::default()
            },
            waiting: 256,
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            connections: 800,
            connections_per_client: 256,
            answer_timeout: Duration::from_secs(60),
            guesses_per_minute: 10,
            uploads_per_minute: None,
        }
    }
}

/// What every request shares. Cloning it is cheap.
#[derive(Clone)]
pub struct AppState {
    models: Arc<RwLock<Arc<Models>>>,
    stopping: Arc<AtomicBool>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) access: Arc<Access>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) rate: Option<Arc<Rate>>,
    pub(crate) guesses: Arc<Rate>,
    pub(crate) queue: Queue,
    pub(crate) metrics: Arc<Metrics>,
    /// Uploads in memory, in KiB.
    pub(crate) memory: Arc<Semaphore>,
}

impl AppState {
    /// Serves one model or several within these limits, to anybody, under any host name.
    pub fn new(models: impl Into<Models>, limits: Limits) -> Self {
        let metrics = Arc::new(Metrics::default());
        let kibibytes = limits.total_bytes.max(limits.request_bytes).div_ceil(KIBIBYTE);
        Self {
            models: Arc::new(RwLock::new(Arc::new(models.into()))),
            stopping: Arc::default(),
            access: Arc::new(Access::Open),
            hosts: Arc::new(Hosts::Any),
            rate: limits.uploads_per_minute.map(|uploads| Arc::new(Rate::new(uploads))),
            guesses: Arc::new(Rate::new(limits.guesses_per_minute)),
            queue: Queue::new(limits.waiting, limits.image, Arc::clone(&metrics)),
            metrics,
            memory: Arc::new(Semaphore::new(kibibytes.min(Semaphore::MAX_PERMITS))),
            limits: Arc::new(limits),
        }
    }

    /// The same, only to those who have access.
    pub fn guarded_by(mut self, access: Access) -> Self {
        self.access = Arc::new(access);
        self
    }

    /// The same, only under these host names.
    pub fn named(mut self, hosts: Hosts) -> Self {
        self.hosts = Arc::new(hosts);
        self
    }

    /// Puts other models in the place of these. Requests under way end with the models that they began with.
    pub fn replace(&self, models: impl Into<Models>) {
        *self.models.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(models.into());
    }

    pub(crate) fn models(&self) -> Arc<Models> {
        Arc::clone(&self.models.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on the app is not ready for more.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
