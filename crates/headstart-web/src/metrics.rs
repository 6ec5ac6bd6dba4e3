//! Counters for Prometheus, in its text format 0.0.4. Nothing of an upload is in them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use headstart::classifier::Answer;
use headstart::evaluate::{Drift, Finding};
use headstart::image::DecodeError;

use crate::problem::Problem;

const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const IMAGES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0];

/// Counts since the start.
#[derive(Default)]
pub(crate) struct Metrics(Mutex<Counts>);

struct Counts {
    /// By method, route and status.
    requests: BTreeMap<(String, String, u16), u64>,
    seconds: Histogram,
    batches: Histogram,
    /// By model and outcome.
    images: BTreeMap<(String, &'static str), u64>,
    /// By model.
    pictures: BTreeMap<String, u64>,
    reloads: BTreeMap<&'static str, u64>,
    /// By model, of its last images.
    drift: BTreeMap<String, Drift>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            requests: BTreeMap::new(),
            seconds: Histogram::new(SECONDS),
            batches: Histogram::new(IMAGES),
            images: BTreeMap::new(),
            pictures: BTreeMap::new(),
            reloads: BTreeMap::new(),
            drift: BTreeMap::new(),
        }
    }
}

struct Histogram {
    bounds: &'static [f64],
    at_most: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, at_most: vec![0; bounds.len()], count: 0, sum: 0.0 }
    }

    fn observe(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        let reached = self.at_most.iter_mut().zip(self.bounds).filter(|(_, bound)| value <= **bound);
        reached.for_each(|(count, _)| *count += 1);
    }

    fn write(&self, text: &mut String, name: &str, help: &str) {
        head(text, name, "histogram", help);
        for (count, bound) in self.at_most.iter().zip(self.bounds) {
            line(text, &format!("{name}_bucket{{le=\"{bound}\"}}"), count);
        }
        line(text, &format!("{name}_bucket{{le=\"+Inf\"}}"), self.count);
        line(text, &format!("{name}_sum"), self.sum);
        line(text, &format!("{name}_count"), self.count);
    }
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut counts = self.counts();
        *counts.requests.entry((method.to_owned(), route.to_owned(), status)).or_default() += 1;
        counts.seconds.observe(took.as_secs_f64());
    }

    /// A batch of images that was predicted together.
    pub(crate) fn batch<'a>(
        &self,
        model: &str,
        outcomes: impl ExactSizeIterator<Item = &'a Result<Result<Answer, DecodeError>, Problem>>,
    ) {
        let mut counts = self.counts();
        counts.batches.observe(outcomes.len() as f64);
        for outcome in outcomes {
            let outcome = match outcome {
                Ok(Ok(answer)) => answer.verdict.word(),
                Ok(Err(_)) => "unusable",
                Err(_) => "failed",
            };
            *counts.images.entry((model.to_owned(), outcome)).or_default() += 1;
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
        *self.counts().pictures.entry(model.to_owned()).or_default() += 1;
    }

    /// The models were read again, or could not be.
    pub(crate) fn reload(&self, succeeded: bool) {
        let outcome = if succeeded { "succeeded" } else { "failed" };
        *self.counts().reloads.entry(outcome).or_default() += 1;
    }

    pub(crate) fn text(&self, queue_length: usize) -> String {
        let counts = self.counts();
        let mut text = String::new();
        head(&mut text, "headstart_requests_total", "counter", "Requests by method, route and status.");
        for ((method, route, status), count) in &counts.requests {
            let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
            line(&mut text, &format!("headstart_requests_total{labels}"), count);
        }
        counts.seconds.write(&mut text, "headstart_request_seconds", "Time to an answer.");
        counts.batches.write(&mut text, "headstart_batch_images", "Images predicted together.");
        head(&mut text, "headstart_images_total", "counter", "Images by model and outcome.");
        for ((model, outcome), count) in &counts.images {
            line(
                &mut text,
                &format!("headstart_images_total{{model=\"{model}\",outcome=\"{outcome}\"}}"),
                count,
            );
        }
        head(
            &mut text,
            "headstart_pictures_total",
            "counter",
            "Pictures drawn, such as heat maps, by model.",
        );
        for (model, count) in &counts.pictures {
            line(&mut text, &format!("headstart_pictures_total{{model=\"{model}\"}}"), count);
        }
        head(&mut text, "headstart_reloads_total", "counter", "Times that the models were read again.");
        for (outcome, count) in &counts.reloads {
            line(&mut text, &format!("headstart_reloads_total{{outcome=\"{outcome}\"}}"), count);
        }
        write_drift(&mut text, &counts.drift);
        head(&mut text, "headstart_queue_images", "gauge", "Images that wait or are being predicted.");
        line(&mut text, "headstart_queue_images", queue_length);
        if let Some(bytes) = resident_bytes() {
            head(&mut text, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
            line(&mut text, "process_resident_memory_bytes", bytes);
        }
        text
    }
}

fn write_drift(text: &mut String, by_model: &BTreeMap<String, Drift>) {
    if by_model.is_empty() {
        return;
    }
    let help =
        "Whether a model's last images as a whole differ from those it was validated on: 1 when they do.";
    head(text, "headstart_drifted", "gauge", help);
    for (model, drift) in by_model {
        line(text, &format!("headstart_drifted{{model=\"{model}\"}}"), u8::from(drift.drifted));
    }
    head(text, "headstart_drift_images", "gauge", "Last images that were compared.");
    for (model, drift) in by_model {
        line(text, &format!("headstart_drift_images{{model=\"{model}\"}}"), drift.images);
    }
    let help = "Share of pairs of a last image and a validation image in which the last one's value is larger: 0.5 \
                when they are alike.";
    write_findings(text, "headstart_drift_higher", help, by_model, |finding| finding.higher);
    let help = "How often chance alone gives such a difference.";
    write_findings(text, "headstart_drift_p", help, by_model, |finding| finding.p);
}

fn write_findings(
    text: &mut String,
    name: &str,
    help: &str,
    by_model: &BTreeMap<String, Drift>,
    value: fn(&Finding) -> f64,
) {
    head(text, name, "gauge", help);
    for (model, drift) in by_model {
        for finding in &drift.findings {
            let labels = format!("{{model=\"{model}\",measure=\"{}\"}}", finding.measure.word());
            line(text, &format!("{name}{labels}"), value(finding));
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("writing to a string cannot fail");
}

fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    writeln!(text, "{name} {value}").expect("writing to a string cannot fail");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_is_at_most_each_bound() {
        let mut histogram = Histogram::new(IMAGES);
        for images in [1.0, 2.0, 3.0, 40.0] {
            histogram.observe(images);
        }
        assert_eq!((histogram.at_most, histogram.count, histogram.sum), (vec![1, 2, 3, 3, 3], 4, 46.0));
    }
}
