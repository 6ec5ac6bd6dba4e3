//! Two lanes, so that images which take seconds to decode do not keep the others waiting.
//!
//! The thread of the fast lane takes images in batches: what comes within a few milliseconds is predicted together, on all
//! cores. An image that is slow to decode, by its header or because a second was not enough, goes to the slow lane, whose
//! threads take one image each. The slow lane has fewer places, so that the fast one always has some.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use headstart::classifier::Answer;
use headstart::image::{Cost, DecodeError, Limits, encode_png, is_slow};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Asked, Drawn, Job, Outcome};
use crate::metrics::{Batch, Metrics};
use crate::models::Model;
use crate::predictor::Layer;
use crate::problem::Problem;
use crate::recent::Recent;

/// How long the first image of a batch waits for others that are on their way.
const WINDOW: Duration = Duration::from_millis(3);
/// The most images in a batch: enough for all cores, and nobody waits long for his neighbours.
const MOST: usize = 16;
/// Seconds of a processor that decoding an image may take in the fast lane, at most.
const FAST_SECONDS: u64 = 1;
/// The slow lane has a place for each `SLOW_SHARE` of the queue.
const SLOW_SHARE: usize = 4;

/// The way into both lanes.
#[derive(Clone)]
pub(super) struct Lanes {
    fast: Sender<Job>,
    slow: Slow,
}

impl Lanes {
    /// Starts the threads for a queue of at most `bound` images. They end when all clones of this are dropped.
    pub(super) fn start(
        bound: usize,
        under_way: Arc<AtomicUsize>,
        limits: Limits,
        metrics: Arc<Metrics>,
    ) -> Self {
        let work = Work { limits, metrics, recent: Arc::default(), slower: None };
        let slow = Slow::start(bound.div_ceil(SLOW_SHARE), &work);
        let quick = Limits { max_seconds: limits.max_seconds.min(FAST_SECONDS), ..limits };
        let slower = (quick != limits).then(|| slow.clone());
        let (fast, waiting) = channel();
        let lane = Fast { waiting, under_way, work: Work { limits: quick, slower, ..work } };
        start("predictions", move || lane.run());
        Self { fast, slow }
    }

    /// Takes an image in, or refuses it.
    pub(super) fn take(&self, job: Job) {
        if is_slow(job.bytes()) {
            self.slow.take(job);
        } else if let Err(unsent) = self.fast.send(job) {
            unsent.0.refuse(Problem::Internal);
        }
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(run).expect("a thread can be started when the server starts");
}

/// The way into the slow lane.
#[derive(Clone)]
struct Slow {
    jobs: Sender<(Job, OwnedSemaphorePermit)>,
    places: Arc<Semaphore>,
}

impl Slow {
    /// A thread for half of the cores: the fast lane needs the others.
    fn start(places: usize, work: &Work) -> Self {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        for _ in 0..threads {
            let (waiting, work) = (Arc::clone(&waiting), work.clone());
            start("slow images", move || {
                while let Some(job) = next(&waiting) {
                    work.on(vec![job])
                }
            });
        }
        Self { jobs, places: Arc::new(Semaphore::new(places)) }
    }

    fn take(&self, job: Job) {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                if let Err(unsent) = self.jobs.send((job, place)) {
                    unsent.0.0.refuse(Problem::Internal);
                }
            }
            Err(_) => job.refuse(Problem::Busy),
        }
    }
}

/// The next image of the slow lane; `None` when there will be no more. Its place in the lane is free from here on.
fn next(waiting: &Mutex<Receiver<(Job, OwnedSemaphorePermit)>>) -> Option<Job> {
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.recv().ok().map(|(job, _)| job)
}

/// The thread of the fast lane.
struct Fast {
    waiting: Receiver<Job>,
    under_way: Arc<AtomicUsize>,
    work: Work,
}

impl Fast {
    fn run(self) {
        while let Ok(first) = self.waiting.recv() {
            let mut batch = self.gather(first);
            while let Some(first) = batch.first() {
                let predictor = Arc::clone(&first.model().predictor);
                let (same, rest): (Vec<_>, _) =
                    batch.into_iter().partition(|job| Arc::ptr_eq(&job.model().predictor, &predictor));
                self.work.on(same);
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
}

/// What a lane does with its images.
#[derive(Clone)]
struct Work {
    /// Of each image, in this lane.
    limits: Limits,
    metrics: Arc<Metrics>,
    recent: Arc<Mutex<Recent>>,
    /// Where images go that take too long here.
    slower: Option<Slow>,
}

impl Work {
    /// Answers images of one model, pictures last; those whose client has gone are let go.
    fn on(&self, jobs: Vec<Job>) {
        let mut answers = Vec::new();
        let mut pictures = Vec::new();
        for job in jobs.into_iter().filter(|job| !job.is_abandoned()) {
            match job {
                Job::Answer(asked) => answers.push(asked),
                Job::Picture(layer, asked) => pictures.push((layer, asked)),
            }
        }
        self.assess(answers);
        pictures.into_iter().for_each(|(layer, asked)| self.draw(layer, asked));
    }

    fn assess(&self, asked: Vec<Asked<Outcome>>) {
        let Some(model) = asked.first().map(|asked| asked.model.clone()) else { return };
        let files: Vec<&[u8]> = asked.iter().map(|asked| asked.bytes.as_ref()).collect();
        let start = Instant::now();
        let outcomes = assess(&model, &files, &self.limits);
        let took = start.elapsed();
        let mut answered = Vec::new();
        for (asked, outcome) in asked.into_iter().zip(outcomes) {
            match self.slower(&outcome) {
                Some(slower) => slower.take(Job::Answer(asked)),
                None => answered.push((asked, outcome)),
            }
        }
        let waited = |asked: &Asked<Outcome>| start.saturating_duration_since(asked.since);
        let images = answered.iter().map(|(asked, outcome)| (waited(asked), outcome)).collect();
        self.count(&model, images, took);
        answered.into_iter().for_each(|(asked, outcome)| asked.answer(outcome));
    }

    fn count(&self, model: &Model, images: Vec<(Duration, &Outcome)>, took: Duration) {
        if images.is_empty() {
            return;
        }
        let answers = images.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()?.as_ref().ok());
        let answers: Vec<Answer> = answers.cloned().collect();
        self.metrics.batch(&Batch { model: &model.name, classes: model.predictor.classes(), images, took });
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        self.metrics.drift(&model.name, recent.add(model, answers));
    }

    fn draw(&self, layer: Layer, asked: Asked<Result<Drawn, Problem>>) {
        let drawn = draw(&asked, layer, &self.limits);
        match self.slower(&drawn) {
            Some(slower) => slower.take(Job::Picture(layer, asked)),
            None => {
                self.metrics.picture(&asked.model.name);
                asked.answer(drawn);
            }
        }
    }

    /// The lane that an image goes to when this one had too little time for it.
    fn slower<T>(&self, outcome: &Result<Result<T, DecodeError>, Problem>) -> Option<&Slow> {
        let ran_out = matches!(outcome, Ok(Err(DecodeError::TooCostly { most: Cost::Seconds(_), .. })));
        self.slower.as_ref().filter(|_| ran_out)
    }
}

/// Assesses a batch. When something panics each image is tried alone, so that it costs one request only.
fn assess(model: &Model, files: &[&[u8]], limits: &Limits) -> Vec<Outcome> {
    match catch_unwind(AssertUnwindSafe(|| model.predictor.assess(files, limits))) {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(_) if files.len() == 1 => vec![Err(Problem::Internal)],
        Err(_) => files.iter().flat_map(|file| assess(model, std::slice::from_ref(file), limits)).collect(),
    }
}

fn draw(asked: &Asked<Result<Drawn, Problem>>, layer: Layer, limits: &Limits) -> Result<Drawn, Problem> {
    let draw = || {
        let picture = asked.model.predictor.picture(&asked.bytes, layer, limits);
        picture.map(|picture| picture.as_ref().map(encode_png))
    };
    catch_unwind(AssertUnwindSafe(draw)).map_err(|_| Problem::Internal)
}
