//! How much the app takes on.

use std::time::Duration;

use headstart::image;

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
    /// How long the server answers on once it has been told to stop, while it says that it is not ready: as long as a load
    /// balancer takes to notice. Default: not at all.
    pub drain: Duration,
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
            drain: Duration::ZERO,
            answer_timeout: Duration::from_secs(60),
            guesses_per_minute: 10,
            uploads_per_minute: None,
        }
    }
}
