//! What every request shares: the classifier, the limits, the queue.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use headstart::classifier::{Card, Classifier, Prediction};
use headstart::evaluate::positive_score;

use crate::queue::Queue;

/// Width times height of an upload, at most: what one request may cost in memory and time.
const MOST_PIXELS: u64 = 40_000_000;

/// What the app asks of a classifier.
///
/// A trait only because tests need a stand-in: a [`Classifier`] cannot be built without a trained file.
pub trait Predictor: Send + Sync + 'static {
    /// The class names, by class index.
    fn classes(&self) -> &[String];
    /// The index of the positive class.
    fn positive(&self) -> usize;
    /// With two classes: the score of the positive one from which on it is the answer.
    fn threshold(&self) -> f64;
    /// What the answers must not be used for, in plain words.
    fn caution(&self) -> &str;
    /// What a reader has to know about the classifier.
    fn card(&self) -> &Card;
    /// Predicts the class of an image file.
    ///
    /// # Errors
    /// Plain words why the file cannot be used.
    fn predict_bytes(&self, bytes: &[u8]) -> Result<Prediction, String>;
}

impl Predictor for Classifier {
    fn classes(&self) -> &[String] {
        self.classes()
    }

    fn positive(&self) -> usize {
        self.positive()
    }

    fn threshold(&self) -> f64 {
        self.threshold()
    }

    fn caution(&self) -> &str {
        self.caution()
    }

    fn card(&self) -> &Card {
        self.card()
    }

    fn predict_bytes(&self, bytes: &[u8]) -> Result<Prediction, String> {
        let limits = headstart::image::Limits { max_pixels: MOST_PIXELS, ..Default::default() };
        let prediction = self.predict(bytes, &limits).map_err(|error| error.to_string())?;
        // Independent sigmoids become shares: the threshold is one of a share.
        let share = |class| positive_score(&prediction.scores, class) as f32;
        Ok(Prediction { scores: (0..prediction.scores.len()).map(share).collect(), ..prediction })
    }
}

/// How much the app takes on at once. `Default` suits one machine and images of a few megabytes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The most bytes in one request, all its images together. Default: 20 MiB.
    pub request_bytes: usize,
    /// The most images in one request. Default: 32.
    pub images: usize,
    /// How long one request's body may take to arrive. Default: 60 seconds.
    pub body_timeout: Duration,
    /// How many predictions run at once. Default: the number of cores.
    pub workers: usize,
    /// How many more requests may wait. Default: 16; it bounds memory to `(workers + waiting) · request_bytes`.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 20 << 20,
            images: 32,
            body_timeout: Duration::from_secs(60),
            workers: std::thread::available_parallelism().map_or(1, NonZero::get),
            waiting: 16,
        }
    }
}

/// What every request shares. Cloning it is cheap.
#[derive(Clone)]
pub struct AppState {
    pub(crate) predictor: Arc<dyn Predictor>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) queue: Queue,
}

impl AppState {
    /// Serves this classifier within these limits.
    pub fn new(predictor: impl Predictor, limits: Limits) -> Self {
        Self {
            predictor: Arc::new(predictor),
            queue: Queue::new(limits.workers, limits.waiting),
            limits: Arc::new(limits),
        }
    }
}
