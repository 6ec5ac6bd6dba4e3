//! The bounded queue of images, and who waits for what of them. `lanes` work on them.

mod lanes;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::body::Bytes;
use headstart::classifier::Answer;
use headstart::image::{DecodeError, Limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::lanes::Lanes;
use crate::metrics::{Metrics, Outcome};
use crate::models::Model;
use crate::predictor::Layer;
use crate::problem::Problem;

/// A PNG file, if the model can draw what was asked for.
type Drawn = Result<Option<Vec<u8>>, DecodeError>;

/// Takes images in, within its bound, and gives predictions out.
#[derive(Clone)]
pub(crate) struct Queue {
    lanes: Lanes,
    places: Arc<Semaphore>,
    bound: usize,
    under_way: Arc<AtomicUsize>,
}

/// What is wanted of an image.
enum Job {
    Answer(Asked<Outcome>),
    Picture(Layer, Asked<Result<Drawn, Problem>>),
}

/// An image, and who waits for what comes of it.
struct Asked<T> {
    model: Model,
    bytes: Bytes,
    reply: oneshot::Sender<T>,
    place: OwnedSemaphorePermit,
    since: Instant,
}

impl<T> Asked<T> {
    fn answer(self, with: T) {
        // First, so that a client who has his answer finds a place for his next image.
        drop(self.place);
        // The client may have gone meanwhile.
        let _ = self.reply.send(with);
    }
}

impl Job {
    fn model(&self) -> &Model {
        match self {
            Self::Answer(asked) => &asked.model,
            Self::Picture(_, asked) => &asked.model,
        }
    }

    fn bytes(&self) -> &Bytes {
        match self {
            Self::Answer(asked) => &asked.bytes,
            Self::Picture(_, asked) => &asked.bytes,
        }
    }

    fn is_abandoned(&self) -> bool {
        match self {
            Self::Answer(asked) => asked.reply.is_closed(),
            Self::Picture(_, asked) => asked.reply.is_closed(),
        }
    }

    fn refuse(self, problem: Problem) {
        match self {
            Self::Answer(asked) => asked.answer(Err(problem)),
            Self::Picture(_, asked) => asked.answer(Err(problem)),
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
    /// A queue of at most `bound` images within `limits`. Its threads end when it is dropped.
    pub(crate) fn new(bound: usize, limits: Limits, metrics: Arc<Metrics>) -> Self {
        let bound = bound.clamp(1, Semaphore::MAX_PERMITS);
        let under_way = Arc::new(AtomicUsize::new(0));
        let lanes = Lanes::start(bound, Arc::clone(&under_way), limits, metrics);
        Self { lanes, places: Arc::new(Semaphore::new(bound)), bound, under_way }
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
        let answers: Result<Vec<_>, _> =
            images.into_iter().map(|bytes| self.submit(model, bytes, Job::Answer)).collect();
        let mut outcomes = Vec::new();
        for answer in answers? {
            outcomes.push(answer.await.map_err(|_| Problem::Internal)??);
        }
        Ok(outcomes)
    }

    /// Draws an image.
    pub(crate) async fn picture(&self, model: &Model, bytes: Bytes, layer: Layer) -> Result<Drawn, Problem> {
        let drawn = self.submit(model, bytes, |asked| Job::Picture(layer, asked))?;
        drawn.await.map_err(|_| Problem::Internal)?
    }

    /// Hands an image to the lanes, when there is a place for it.
    fn submit<T>(
        &self,
        model: &Model,
        bytes: Bytes,
        job: impl FnOnce(Asked<T>) -> Job,
    ) -> Result<oneshot::Receiver<T>, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Problem::Busy)?;
        let (reply, answer) = oneshot::channel();
        self.lanes.take(job(Asked { model: model.clone(), bytes, reply, place, since: Instant::now() }));
        Ok(answer)
    }
}
