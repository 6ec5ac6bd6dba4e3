//! What the app asks of a classifier.

use headstart::classifier::{Answer, CAUTION, Card, Classifier, PLAIN_CAUTION};
use headstart::evaluate::{Drift, ThresholdCounts};
use headstart::explain::{Heatmap, Method, overlay};
use headstart::image::{DecodeError, Image, Limits, decode};
use rayon::prelude::*;

use crate::language::Strings;

/// Images that one core takes through the net together: more gain little, and make their neighbours wait.
const TOGETHER: usize = 8;
/// Pixels of decoded images that wait for the net together, at most: a large image goes through it alone.
const WAITING_PIXELS: usize = 8_000_000;

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
    /// With two classes: what other thresholds would have come to on held-out images, where that is known.
    fn threshold_counts(&self) -> Option<&ThresholdCounts>;
    /// Predicts the classes of image files, in their order: each its class and whether that should be believed,
    /// or why the file cannot be used, such as that it is past the limits.
    fn assess(&self, files: &[&[u8]], limits: &Limits) -> Vec<Result<Answer, DecodeError>>;
    /// Whether these images as a whole have drifted from those that the classifier was validated on; `None` with too
    /// few of them, or when it cannot tell.
    fn drift(&self, images: &[&Answer]) -> Option<Drift> {
        let _ = images;
        None
    }
    /// The image of a file, small enough to be shown, with or without what spoke for its class; `None` where a
    /// net has no layer that could tell.
    ///
    /// # Errors
    /// A file that cannot be used.
    fn picture(&self, file: &[u8], layer: Layer, limits: &Limits) -> Result<Option<Image>, DecodeError>;
}

/// What lies over a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Nothing.
    Bare,
    /// A heat map of what spoke for the image's class.
    HeatMap,
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

    fn threshold_counts(&self) -> Option<&ThresholdCounts> {
        self.description().threshold_counts.as_ref()
    }

    /// Decodes on all cores, and takes the images through the net by the batch. No more decoded images than cores
    /// are in memory, unless they are small.
    fn assess(&self, files: &[&[u8]], limits: &Limits) -> Vec<Result<Answer, DecodeError>> {
        // On this thread: an image that is slow to decode must not hold a core of the others' pool.
        if let [file] = files {
            return assess_decoded(self, vec![decode(file, limits)]);
        }
        let mut answers = Vec::new();
        let mut waiting = Vec::new();
        for files in files.chunks(rayon::current_num_threads()) {
            waiting.par_extend(files.par_iter().map(|file| decode(file, limits)));
            if waiting.iter().flatten().map(pixels).sum::<usize>() > WAITING_PIXELS {
                answers.extend(assess_decoded(self, std::mem::take(&mut waiting)));
            }
        }
        answers.extend(assess_decoded(self, waiting));
        answers
    }

    fn drift(&self, images: &[&Answer]) -> Option<Drift> {
        self.drift(images)
    }

    fn picture(&self, file: &[u8], layer: Layer, limits: &Limits) -> Result<Option<Image>, DecodeError> {
        let image = decode(file, limits)?;
        let map = match layer {
            Layer::Bare => Some(Heatmap { width: 1, height: 1, values: vec![0.0] }),
            Layer::HeatMap => {
                let label = self.classify(&image).label;
                self.explain(&image, label, Method::default())
            }
        };
        let resize = self.description().preprocess.resize;
        Ok(map.map(|map| overlay(&image, &map, resize)))
    }
}

fn pixels(image: &Image) -> usize {
    image.width() * image.height()
}

/// Each core takes its share of the images, as a batch of its own: they need not wait for each other.
fn assess_decoded(
    classifier: &Classifier,
    decoded: Vec<Result<Image, DecodeError>>,
) -> Vec<Result<Answer, DecodeError>> {
    let mut images = Vec::new();
    let outcomes: Vec<_> = decoded.into_iter().map(|image| image.map(|image| images.push(image))).collect();
    let share = images.len().div_ceil(rayon::current_num_threads()).clamp(1, TOGETHER);
    let assessed: Vec<Answer> =
        images.par_chunks(share).flat_map_iter(|images| classifier.classify_all(images)).collect();
    let mut assessed = assessed.into_iter();
    let mut next = || assessed.next().expect("each decoded image is assessed");
    outcomes.into_iter().map(|outcome| outcome.map(|()| next())).collect()
}

/// With two classes: the score of the positive one from which on it is the answer.
pub fn deciding_threshold(predictor: &dyn Predictor) -> Option<f64> {
    (predictor.classes().len() == 2).then(|| predictor.threshold())
}

/// The caution in the visitor's language, unless the model has one of its own.
pub fn caution<'a>(predictor: &'a dyn Predictor, strings: &'a Strings) -> &'a str {
    match predictor.caution() {
        CAUTION => strings.get("caution"),
        PLAIN_CAUTION => strings.get("caution-plain"),
        own => own,
    }
}

/// How a class is called where people read of it.
pub fn shown_class(predictor: &dyn Predictor, class: usize) -> &str {
    let shown = predictor.card().classes.get(class).or_else(|| predictor.classes().get(class));
    shown.map_or("", String::as_str)
}

/// Why an image cannot be used. What a decoder says is left out: it may quote the file.
pub fn refusal(error: &DecodeError, strings: &Strings) -> String {
    match error {
        DecodeError::Empty => strings.get("image-empty").to_owned(),
        DecodeError::Text => strings.get("image-text").to_owned(),
        DecodeError::Unknown => strings.get("image-unknown").to_owned(),
        DecodeError::TooLarge { found, most } => {
            strings.say("image-pixels", &[("found", found), ("most", most)])
        }
        DecodeError::Unsupported { format, what } => {
            strings.say("image-unsupported", &[("format", format.name()), ("what", what)])
        }
        DecodeError::Truncated { format, .. } => strings.say("image-truncated", &[("format", format.name())]),
        DecodeError::Damaged { format, .. } | DecodeError::Failed { format } => {
            strings.say("image-damaged", &[("format", format.name())])
        }
        DecodeError::TooCostly { format, .. } => strings.say("image-costly", &[("format", format.name())]),
        DecodeError::Unavailable { .. } => strings.get("image-unavailable").to_owned(),
    }
}
