//! Counts for Prometheus. Nothing of an upload is in them.

mod drifts;
mod families;
mod text;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use headstart::classifier::{Answer, Verdict};
use headstart::evaluate::Drift;
use headstart::image::DecodeError;

use self::families::{Counters, Histograms};
use self::text::Text;
use crate::problem::Problem;

const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const IMAGES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0];
const SCORES: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// What came of an image.
pub(crate) type Outcome = Result<Result<Answer, DecodeError>, Problem>;

/// Counts since the start.
#[derive(Default)]
pub(crate) struct Metrics(Mutex<Counts>);

struct Counts {
    requests: Counters<3>,
    request_seconds: Histograms<2>,
    queue_seconds: Histograms<1>,
    inference_seconds: Histograms<1>,
    batches: Histograms<1>,
    images: Counters<2>,
    scores: Histograms<2>,
    pictures: Counters<1>,
    reloads: Counters<1>,
    /// By model, of its last images.
    drift: BTreeMap<String, Drift>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            requests: Counters::new(["method", "route", "status"]),
            request_seconds: Histograms::new(["route", "status"], SECONDS),
            queue_seconds: Histograms::new(["model"], SECONDS),
            inference_seconds: Histograms::new(["model"], SECONDS),
            batches: Histograms::new(["model"], IMAGES),
            images: Counters::new(["model", "outcome"]),
            scores: Histograms::new(["model", "class"], SCORES),
            pictures: Counters::new(["model"]),
            reloads: Counters::new(["outcome"]),
            drift: BTreeMap::new(),
        }
    }
}

/// Images of one model that were predicted together.
pub(crate) struct Batch<'a> {
    pub(crate) model: &'a str,
    pub(crate) classes: &'a [String],
    /// How long each waited, and what came of it.
    pub(crate) images: Vec<(Duration, &'a Outcome)>,
    /// How long they were decoded and predicted.
    pub(crate) took: Duration,
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut counts = self.counts();
        counts.requests.add([method, route, &status.to_string()]);
        let class = format!("{}xx", status / 100);
        counts.request_seconds.observe([route, &class], took.as_secs_f64());
    }

    pub(crate) fn batch(&self, batch: &Batch<'_>) {
        let mut counts = self.counts();
        counts.batches.observe([batch.model], batch.images.len() as f64);
        counts.inference_seconds.observe([batch.model], batch.took.as_secs_f64());
        for (waited, outcome) in &batch.images {
            counts.queue_seconds.observe([batch.model], waited.as_secs_f64());
            let word = match outcome {
                Ok(Ok(answer)) => {
                    counts.answer(batch, answer);
                    answer.verdict.word()
                }
                Ok(Err(_)) => "unusable",
                Err(_) => "failed",
            };
            counts.images.add([batch.model, word]);
        }
    }

    /// How a model's last images compare with those that it was validated on.
    pub(crate) fn drift(&self, model: &str, drift: Option<Drift>) {
        let mut counts = self.counts();
        match drift {
            Some(drift) => counts.drift.insert(model.to_owned(), drift),
            None => counts.drift.remove(model),
        };
    }

    /// A picture was drawn, with a heat map or without.
    pub(crate) fn picture(&self, model: &str) {
        self.counts().pictures.add([model]);
    }

    /// The models were read again, or could not be.
    pub(crate) fn reload(&self, succeeded: bool) {
        self.counts().reloads.add([if succeeded { "succeeded" } else { "failed" }]);
    }

    /// All of it as text, with what others know of this moment.
    pub(crate) fn text(&self, queue_length: usize, is_ready: bool) -> String {
        let mut text = Text::default();
        self.counts().write(&mut text);
        text.gauge("headstart_queue_images", "Images that wait or are being predicted.", queue_length);
        text.gauge("headstart_ready", "Whether it takes requests: 0 while it stops.", u8::from(is_ready));
        if let Some(bytes) = resident_bytes() {
            text.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", bytes);
        }
        text.finish()
    }
}

impl Counts {
    /// The scores of an image that is not refused: those of one that is mean nothing.
    fn answer(&mut self, batch: &Batch<'_>, answer: &Answer) {
        if answer.verdict != Verdict::Refused {
            for (class, score) in batch.classes.iter().zip(&answer.scores) {
                self.scores.observe([batch.model, class], f64::from(*score));
            }
        }
    }

    fn write(&self, text: &mut Text) {
        self.requests.write(text, "headstart_requests_total", "Requests by method, route and status.");
        let help = "Time to an answer, by route and class of status.";
        self.request_seconds.write(text, "headstart_request_seconds", help);
        let help = "Time that an image waited before it was worked on.";
        self.queue_seconds.write(text, "headstart_queue_seconds", help);
        let help = "Time in which images were decoded and predicted together.";
        self.inference_seconds.write(text, "headstart_inference_seconds", help);
        self.batches.write(text, "headstart_batch_images", "Images predicted together.");
        self.images.write(text, "headstart_images_total", "Images by model and outcome.");
        let help = "Score of each class, of images that are not refused.";
        self.scores.write(text, "headstart_score", help);
        self.pictures.write(text, "headstart_pictures_total", "Pictures drawn, such as heat maps, by model.");
        self.reloads.write(text, "headstart_reloads_total", "Times that the models were read again.");
        drifts::write(text, &self.drift);
    }
}

/// Where the system tells (Linux).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Counts a request when it has been answered. Its route is the pattern, not what the client wrote.
pub(crate) async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = match request.method().as_str() {
        method @ ("GET" | "HEAD" | "POST") => method.to_owned(),
        _ => "other".to_owned(),
    };
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    metrics.request(&method, &route, response.status().as_u16(), start.elapsed());
    response
}
