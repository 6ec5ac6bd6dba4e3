//! The bounded queue of images. One thread takes them in micro-batches: what comes within a few milliseconds is
//! predicted together, on all cores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use headstart::classifier::Answer;
use headstart::image::{DecodeError, Limits, encode_png};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::metrics::Metrics;
use crate::models::Model;
use crate::predictor::Layer;
use crate::problem::Problem;
use crate::recent::Recent;

/// How long the first image of a batch waits for others that are on their way.
const WINDOW: Duration = Duration::from_millis(3);
/// The most images in a batch: enough for all cores, and nobody waits long for his neighbours.
const MOST: usize = 16;

type Outcome = Result<Result<Answer, DecodeError>, Problem>;
/// A PNG file, if the model can draw what was asked for.
type Drawn = Result<Option<Vec<u8>>, DecodeError>;

/// Takes images in, within its bound, and gives predictions out.
#[derive(Clone)]
pub(crate) struct Queue {
    jobs: Sender<Job>,
    places: Arc<Semaphore>,
    bound: usize,
    under_way: Arc<AtomicUsize>,
}

struct Job {
    model: Model,
    bytes: Bytes,
    wanted: Wanted,
    place: OwnedSemaphorePermit,
}

/// What is wanted of an image, and who waits for it.
enum Wanted {
    Answer(oneshot::Sender<Outcome>),
    Picture(Layer, oneshot::Sender<Result<Drawn, Problem>>),
}

impl Wanted {
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Answer(reply) => reply.is_closed(),
            Self::Picture(_, reply) => reply.is_closed(),
        }
    }
}

/// A request that will bring images, counted as long as this lives.
pub(crate) struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    /// A queue of at most `bound` images within `limits`, and the thread that works on them until the queue is dropped.
    pub(crate) fn new(bound: usize, limits: Limits, metrics: Arc<Metrics>) -> Self {
        let bound = bound.clamp(1, Semaphore::MAX_PERMITS);
        let (jobs, waiting) = channel();
        let under_way = Arc::new(AtomicUsize::new(0));
        let recent = Recent::default();
        let batches = Batches { waiting, under_way: Arc::clone(&under_way), limits, metrics, recent };
        std::thread::Builder::new()
            .name("predictions".to_owned())
            .spawn(move || batches.work())
            .expect("a thread can be started when the server starts");
        Self { jobs, places: Arc::new(Semaphore::new(bound)), bound, under_way }
    }

    /// Announces a request, or says at once that there is no place for it.
    pub(crate) fn enter(&self) -> Result<UnderWay, Problem> {
        if self.places.available_permits() == 0 {
            return Err(Problem::Busy);
        }
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Ok(UnderWay(Arc::clone(&self.under_way)))
    }

    /// Images that wait or are being predicted.
    pub(crate) fn length(&self) -> usize {
        self.bound - self.places.available_permits()
    }

    /// Assesses images, in their order.
    pub(crate) async fn assess(
        &self,
        model: &Model,
        images: Vec<Bytes>,
    ) -> Result<Vec<Result<Answer, DecodeError>>, Problem> {
        let ask = |bytes| {
            let (reply, answer) = oneshot::channel();
            self.submit(model, bytes, Wanted::Answer(reply)).map(|()| answer)
        };
        let answers: Result<Vec<_>, _> = images.into_iter().map(ask).collect();
        let mut outcomes = Vec::new();
        for answer in answers? {
            outcomes.push(answer.await.map_err(|_| Problem::Internal)??);
        }
        Ok(outcomes)
    }

    /// Draws an image.
    pub(crate) async fn picture(&self, model: &Model, bytes: Bytes, layer: Layer) -> Result<Drawn, Problem> {
        let (reply, answer) = oneshot::channel();
        self.submit(model, bytes, Wanted::Picture(layer, reply))?;
        answer.await.map_err(|_| Problem::Internal)?
    }

    fn submit(&self, model: &Model, bytes: Bytes, wanted: Wanted) -> Result<(), Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Problem::Busy)?;
        let job = Job { model: model.clone(), bytes, wanted, place };
        self.jobs.send(job).map_err(|_| Problem::Internal)
    }
}

/// The thread's side of the queue.
struct Batches {
    waiting: Receiver<Job>,
    under_way: Arc<AtomicUsize>,
    /// Of each image.
    limits: Limits,
    metrics: Arc<Metrics>,
    recent: Recent,
}

impl Batches {
    fn work(mut self) {
        while let Ok(first) = self.waiting.recv() {
            let mut batch = self.gather(first);
            while let Some(first) = batch.first() {
                let predictor = Arc::clone(&first.model.predictor);
                let (same, rest): (Vec<_>, _) =
                    batch.into_iter().partition(|job| Arc::ptr_eq(&job.model.predictor, &predictor));
                self.answer(same);
                batch = rest;
            }
        }
    }

    /// The images that are there, and those that arrive within the window. Nobody waits when every request
    /// under way has its image here.
    fn gather(&self, first: Job) -> Vec<Job> {
        let until = Instant::now() + WINDOW;
        let mut batch = vec![first];
        while batch.len() < MOST {
            let next = if batch.len() < self.under_way.load(Ordering::Relaxed) {
                self.waiting.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
            } else {
                self.waiting.try_recv().ok()
            };
            match next {
                Some(job) => batch.push(job),
                None => break,
            }
        }
        batch
    }

    /// Answers images of one model, pictures last; those whose client has gone are let go.
    fn answer(&mut self, jobs: Vec<Job>) {
        let mut files = Vec::new();
        let mut waiting = Vec::new();
        let mut pictures = Vec::new();
        let Some(model) = jobs.first().map(|job| job.model.clone()) else { return };
        for job in jobs.into_iter().filter(|job| !job.wanted.is_abandoned()) {
            match job.wanted {
                Wanted::Answer(reply) => {
                    files.push(job.bytes);
                    waiting.push((reply, job.place));
                }
                Wanted::Picture(layer, reply) => pictures.push((job.bytes, layer, reply, job.place)),
            }
        }
        if !files.is_empty() {
            let outcomes = assess(&model, &files, &self.limits);
            self.metrics.batch(&model.name, &outcomes);
            let assessed = outcomes.iter().flatten().flatten();
            self.metrics.drift(&model.name, self.recent.add(&model, assessed));
            for ((reply, place), outcome) in waiting.into_iter().zip(outcomes) {
                // First, so that a client who has his answer finds a place for his next image.
                drop(place);
                // The client may have gone meanwhile.
                let _ = reply.send(outcome);
            }
        }
        for (bytes, layer, reply, place) in pictures {
            let drawn = draw(&model, &bytes, layer, &self.limits);
            self.metrics.picture(&model.name);
            drop(place);
            let _ = reply.send(drawn);
        }
    }
}

/// Assesses a batch. When something panics each image is tried alone, so that it costs one request only.
fn assess(model: &Model, files: &[Bytes], limits: &Limits) -> Vec<Outcome> {
    let bytes: Vec<&[u8]> = files.iter().map(AsRef::as_ref).collect();
    match catch_unwind(AssertUnwindSafe(|| model.predictor.assess(&bytes, limits))) {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(_) if files.len() == 1 => vec![Err(Problem::Internal)],
        Err(_) => files.iter().flat_map(|file| assess(model, std::slice::from_ref(file), limits)).collect(),
    }
}

fn draw(model: &Model, file: &[u8], layer: Layer, limits: &Limits) -> Result<Drawn, Problem> {
    let draw =
        || model.predictor.picture(file, layer, limits).map(|picture| picture.as_ref().map(encode_png));
    catch_unwind(AssertUnwindSafe(draw)).map_err(|_| Problem::Internal)
}
