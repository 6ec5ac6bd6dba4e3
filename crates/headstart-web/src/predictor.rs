//! What the app asks of a classifier.

use headstart::classifier::{CAUTION, Card, Classifier, Prediction};
use headstart::evaluate::positive_score;
use headstart::image::{DecodeError, Limits};
use rayon::prelude::*;

use crate::language::Strings;

/// Width times height of an upload, at most: what one image may cost in memory and time.
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
    /// How many images it was trained on.
    fn training_images(&self) -> usize;
    /// Predicts the classes of image files, in their order: each its class, or why it cannot be used.
    fn predict(&self, files: &[&[u8]]) -> Vec<Result<Prediction, DecodeError>>;
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

    fn training_images(&self) -> usize {
        self.description().training_images
    }

    /// Each core has an image of its own: for many images that is the fastest way. No more than that at a time,
    /// so that no more decoded images than cores are in memory.
    fn predict(&self, files: &[&[u8]]) -> Vec<Result<Prediction, DecodeError>> {
        let limits = Limits { max_pixels: MOST_PIXELS, ..Default::default() };
        let one = |file: &&[u8]| self.predict(file, &limits).map(as_shares);
        let together = |files: &[&[u8]]| files.par_iter().map(one).collect::<Vec<_>>();
        files.chunks(rayon::current_num_threads()).flat_map(together).collect()
    }
}

/// Independent sigmoids become shares: the threshold is one of a share.
fn as_shares(prediction: Prediction) -> Prediction {
    let share = |class| positive_score(&prediction.scores, class) as f32;
    Prediction { scores: (0..prediction.scores.len()).map(share).collect(), ..prediction }
}

/// The caution in the visitor's language, unless the model has one of its own.
pub(crate) fn caution<'a>(predictor: &'a dyn Predictor, strings: &'a Strings) -> &'a str {
    if predictor.caution() == CAUTION { strings.get("caution") } else { predictor.caution() }
}

/// Why an image cannot be used. What a decoder says is left out: it may quote the file.
pub(crate) fn refusal(error: &DecodeError, strings: &Strings) -> String {
    match error {
        DecodeError::Empty => strings.get("image-empty").to_owned(),
        DecodeError::Text => strings.get("image-text").to_owned(),
        DecodeError::Unknown => strings.get("image-unknown").to_owned(),
        DecodeError::TooLarge { found, most } => {
            strings.say("image-pixels", &[("found", found), ("most", most)])
        }
        DecodeError::Unsupported { format, what } => {
            strings.say("image-unsupported", &[("format", format), ("what", what)])
        }
        DecodeError::Truncated { format, .. } => strings.say("image-truncated", &[("format", format)]),
        DecodeError::Damaged { format, .. } => strings.say("image-damaged", &[("format", format)]),
    }
}
