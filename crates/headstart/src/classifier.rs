//! The sealed model: preprocessing, trunk, tail, class names, threshold and provenance in one
//! safetensors file, checked against golden scores when it is loaded.

mod assessment;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::backbone::registry::Provenance;
use crate::backbone::spec::{Block, Layer, MapShape};
use crate::backbone::weights::{self, Weights};
use crate::error::{Error, Result};
use crate::evaluate::{Calibration, Conformal, SplitMetrics, ThresholdPolicy, predicted};
use crate::explain::{self, Camera, Heatmap, Method};
use crate::features::input;
use crate::gate::{Gate, GateFacts, pool};
use crate::history::History;
use crate::image::{DecodeError, Image, Limits, Preprocess, decode};
use crate::random::Random;
use crate::report::{LayerRow, layer_rows};
use crate::trunk::{Buffers, Stages};

pub use assessment::Assessment;

/// Key of the description in the file's metadata.
const KEY: &str = "headstart";
/// Version of the file format. 2 added calibration, the gate and prediction sets: a file of format 1 has none.
pub(crate) const FORMAT: u32 = 2;
/// How far golden scores may be off on another machine.
const TOLERANCE: f32 = 1e-3;

/// What every answer comes with.
pub const CAUTION: &str = "This is a statistical estimate from one image, not a diagnosis. It may be wrong, above all on \
    images unlike those it was trained on. Let a qualified person decide.";

/// How logits become scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Sum to 1.
    Softmax,
    /// One by one.
    Sigmoid,
}

impl Output {
    /// Scores of one row of logits.
    pub fn scores(self, logits: &[f32]) -> Vec<f32> {
        match self {
            Self::Softmax => {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
                let sum: f32 = powers.iter().sum();
                powers.iter().map(|power| power / sum).collect()
            }
            Self::Sigmoid => logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
        }
    }

    /// Scores of one row of logits, calibrated where there is a calibration.
    pub fn calibrated(self, logits: &[f32], calibration: Option<Calibration>, positive: usize) -> Vec<f32> {
        match calibration {
            Some(calibration) => calibration.scores(self, logits, positive),
            None => self.scores(logits),
        }
    }
}

/// Everything about a model but its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Version of the file format.
    pub format: u32,
    /// Version of headstart that sealed it.
    pub version: String,
    /// The backbone's name.
    pub backbone: String,
    /// All blocks, head included.
    pub blocks: Vec<Block>,
    /// How many of them were frozen.
    pub cut: usize,
    /// From an image to the first block.
    pub preprocess: Preprocess,
    /// From the last block to scores.
    pub output: Output,
    /// Class names, in the order of the scores.
    pub classes: Vec<String>,
    /// The positive class.
    pub positive: usize,
    /// Its score from which on an image is called positive.
    pub threshold: f64,
    /// How that was chosen.
    #[serde(default)]
    pub threshold_policy: ThresholdPolicy,
    /// From logits to scores that can be read as probabilities; `None` leaves them as they are.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// From which score on each class is plausible; `None` in models without prediction sets.
    #[serde(default)]
    pub conformal: Option<Conformal>,
    /// Up to which distance from the training images an image is answered; `None` in models without a gate.
    #[serde(default)]
    pub gate: Option<GateFacts>,
    /// Where the pretrained weights come from.
    pub provenance: Provenance,
    /// The recipe as it was used, as TOML.
    pub recipe: String,
    /// Seed of the training.
    pub seed: u64,
    /// Number of training images.
    pub training_images: usize,
    /// The epochs.
    pub history: History,
    /// Measured on the held-out test images, if there were any.
    pub test: Option<SplitMetrics>,
    /// Scores of the generated pictures that loading checks.
    pub golden: Vec<Vec<f32>>,
}

/// A sealed model, ready to predict.
#[derive(Debug)]
pub struct Classifier {
    description: Description,
    card: Card,
    stages: Stages,
    gate: Option<Gate>,
    /// With the number of layers before the maps that it looks at.
    camera: Option<(usize, Camera)>,
}

/// What lies in a sealed file, before anything is compiled.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) description: Description,
    pub(crate) weights: Weights,
    pub(crate) gate: Option<Gate>,
}

/// What a classifier says of an image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// Name of the class.
    pub class: String,
    /// Its index.
    pub label: usize,
    /// One for each class.
    pub scores: Vec<f32>,
}

impl Sealed {
    /// Reads a sealed file.
    ///
    /// # Errors
    /// A missing file, or one that is no headstart model.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|why| Error::io("read", path, why))?;
        let metadata = weights::metadata(&bytes, path)?;
        let text = metadata.get(KEY).ok_or_else(|| {
            Error::invalid(path, "a model sealed by headstart", "a safetensors file of another kind")
        })?;
        let description = describe(text, path)?;
        let all = Weights::from_safetensors(&bytes, path)?;
        let gate = description.gate.map(|facts| {
            let features = features_at(&description, facts.layers, path)?;
            Gate::read(&all, description.classes.len(), features, path)
        });
        let layers = description.blocks.iter().flat_map(|block| &block.layers);
        let weights = all.verify(layers, path)?;
        Ok(Self { gate: gate.transpose()?, description, weights })
    }

    /// The bytes of the sealed file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let description = serde_json::to_string(&self.description).expect("a plain struct becomes JSON");
        let mut tensors = self.weights.clone();
        if let Some(gate) = &self.gate {
            gate.store(&mut tensors);
        }
        tensors.to_safetensors(BTreeMap::from([(KEY.to_string(), description)]))
    }
}

/// Channels after so many layers.
fn features_at(description: &Description, layers: usize, path: &Path) -> Result<usize> {
    let all: Vec<&Layer> = description.blocks.iter().flat_map(|block| &block.layers).collect();
    let Some(before) = all.get(..layers).filter(|before| !before.is_empty()) else {
        let found = format!("{layers} of {}", all.len());
        return Err(Error::invalid(path, "a gate behind one of the layers", found));
    };
    let start = input(&description.preprocess);
    Ok(before.iter().fold(start, |shape, layer| layer.output(shape)).channels)
}

impl Classifier {
    /// Compiles a model and works out its golden scores.
    pub fn seal(mut description: Description, weights: &Weights, gate: Option<Gate>) -> Self {
        description.golden.clear();
        let mut classifier = Self::compile(description, weights, gate);
        classifier.description.golden = classifier.golden_scores();
        classifier
    }

    fn compile(description: Description, weights: &Weights, gate: Option<Gate>) -> Self {
        let layers: Vec<&Layer> = description.blocks.iter().flat_map(|block| &block.layers).collect();
        let input = input(&description.preprocess);
        let place = explain::place(&layers, input);
        let cuts: Vec<usize> = description.gate.map(|gate| gate.layers).into_iter().chain(place).collect();
        let stages = Stages::new(&layers, weights, input, &cuts);
        let camera = place.and_then(|place| {
            let shape = stages.shape_after(place)?;
            Some((place, Camera::new(&layers[place..], weights, shape)))
        });
        Self { card: Card::new(&description), stages, gate, camera, description }
    }

    /// The bytes of the sealed file.
    pub fn to_bytes(&self, weights: &Weights) -> Vec<u8> {
        let (description, gate) = (self.description.clone(), self.gate.clone());
        Sealed { description, weights: weights.clone(), gate }.to_bytes()
    }

    /// Loads a sealed file and checks its golden scores.
    ///
    /// # Errors
    /// A missing file, one that is no headstart model, or one that computes other scores than when it
    /// was sealed.
    pub fn load(path: &Path) -> Result<Self> {
        let Sealed { description, weights, gate } = Sealed::read(path)?;
        let classifier = Self::compile(description, &weights, gate);
        classifier.check(path)?;
        Ok(classifier)
    }

    fn check(&self, path: &Path) -> Result<()> {
        let (sealed, now) = (self.description.golden.concat(), self.golden_scores().concat());
        let off = sealed.iter().zip(&now).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        if sealed.len() != now.len() || off.is_nan() || off > TOLERANCE {
            return Err(Error::invalid(
                path,
                "the scores that it was sealed with",
                format!("scores off by {off}"),
            ));
        }
        Ok(())
    }

    /// Scores of one generated picture, so that no image of anybody lies in the model.
    fn golden_scores(&self) -> Vec<Vec<f32>> {
        let size = self.description.preprocess.size;
        let mut random = Random::new(0, 0x601d);
        let (down, across, noise) = (random.below(200), random.below(200), 56);
        let pixels = (0..size * size * 3).map(|index| {
            let (x, y) = (index / 3 % size, index / 3 / size);
            ((x * across + y * down) / size / 2 + random.below(noise)) as u8
        });
        let picture = Image::from_rgb8(size, size, pixels.collect());
        vec![self.scores(&[picture]).remove(0)]
    }

    /// Everything about the model but its tensors.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Class names, in the order of the scores.
    pub fn classes(&self) -> &[String] {
        &self.description.classes
    }

    /// The positive class.
    pub fn positive(&self) -> usize {
        self.description.positive
    }

    /// Score of the positive class from which on an image is called positive.
    pub fn threshold(&self) -> f64 {
        self.description.threshold
    }

    /// What every answer comes with.
    pub fn caution(&self) -> &str {
        CAUTION
    }

    /// What a reader has to know before trusting it.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Scores of a batch of decoded images, a row each.
    pub fn scores(&self, images: &[Image]) -> Vec<Vec<f32>> {
        self.logits(images, |_, _, _| {}).iter().map(|row| self.scores_of(row)).collect()
    }

    /// Calibrated scores of a row of logits.
    pub(crate) fn scores_of(&self, logits: &[f32]) -> Vec<f32> {
        let Description { output, calibration, positive, .. } = self.description;
        output.calibrated(logits, calibration, positive)
    }

    /// Scores of a batch of decoded images, and their distances from the training images where the
    /// model has a gate.
    pub fn scores_and_distances(&self, images: &[Image]) -> (Vec<Vec<f32>>, Option<Vec<f64>>) {
        let (logits, distances) = self.logits_and_distances(images);
        (logits.iter().map(|row| self.scores_of(row)).collect(), distances)
    }

    /// As [`Classifier::scores_and_distances`], before scores are made of the logits.
    pub(crate) fn logits_and_distances(&self, images: &[Image]) -> (Vec<Vec<f32>>, Option<Vec<f64>>) {
        let mut distances = None;
        let logits = self.logits(images, |layers, shape, maps| {
            if let (Some(gate), Some(facts)) = (&self.gate, self.description.gate)
                && facts.layers == layers
            {
                distances = Some(gate.distances(&pool(maps, shape)));
            }
        });
        (logits, distances)
    }

    /// What one image's pixels speak for a class: [`Heatmap`] at the last layer with places. `None` for a
    /// net without one.
    pub fn explain(&self, image: &Image, class: usize, method: Method) -> Option<Heatmap> {
        let (place, camera) = self.camera.as_ref()?;
        let mut map = None;
        self.logits(std::slice::from_ref(image), |layers, _, maps| {
            if layers == *place {
                map = Some(camera.look(maps, class, method));
            }
        });
        map
    }

    /// Logits of images, a row each; `look` is shown the maps between the stages.
    fn logits(&self, images: &[Image], look: impl FnMut(usize, MapShape, &[f32])) -> Vec<Vec<f32>> {
        let length = self.description.preprocess.len();
        let mut maps = vec![0.0; images.len() * length];
        for (image, map) in images.iter().zip(maps.chunks_exact_mut(length)) {
            self.description.preprocess.apply_into(image, map);
        }
        let logits = self.stages.forward(&maps, images.len(), &mut Buffers::default(), look);
        logits.chunks_exact(self.description.classes.len()).map(<[f32]>::to_vec).collect()
    }

    /// The class that `scores` stand for.
    pub fn prediction(&self, scores: Vec<f32>) -> Prediction {
        let label = predicted(&scores, self.description.positive, self.description.threshold);
        Prediction { class: self.description.classes[label].clone(), label, scores }
    }

    /// Classifies one image file.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no usable image.
    pub fn predict(&self, bytes: &[u8], limits: &Limits) -> Result<Prediction, DecodeError> {
        let image = decode(bytes, limits)?;
        Ok(self.prediction(self.scores(&[image]).remove(0)))
    }

    /// Classifies one image file, and says whether the answer should be believed.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no usable image.
    pub fn assess(&self, bytes: &[u8], limits: &Limits) -> Result<Assessment, DecodeError> {
        Ok(self.assess_image(&decode(bytes, limits)?))
    }

    /// As [`Classifier::assess`], of a decoded image.
    pub fn assess_image(&self, image: &Image) -> Assessment {
        let (mut scores, distances) = self.scores_and_distances(std::slice::from_ref(image));
        self.assessment(scores.remove(0), distances.map(|distances| distances[0]))
    }

    /// What scores and a distance come to.
    pub fn assessment(&self, scores: Vec<f32>, distance: Option<f64>) -> Assessment {
        let description = &self.description;
        let threshold = description.gate.map_or(f64::INFINITY, |gate| gate.threshold);
        Assessment {
            refused: distance.is_some_and(|distance| distance > threshold),
            distance,
            plausible: description.conformal.as_ref().map(|conformal| conformal.set(&scores)),
            prediction: self.prediction(scores),
        }
    }

    /// The layers, head included, as diagram and summary show them.
    pub fn layer_rows(&self) -> Vec<LayerRow> {
        layer_rows(&self.description.blocks, self.description.cut, input(&self.description.preprocess))
    }
}

/// Reads a description; the version comes first, because a newer file may have fields of any kind.
fn describe(text: &str, path: &Path) -> Result<Description> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let expected = || format!("a model of format {FORMAT} or older");
    let invalid = |why: serde_json::Error| Error::invalid(path, expected(), why.to_string());
    let Version { format } = serde_json::from_str(text).map_err(invalid)?;
    if format == 0 || format > FORMAT {
        let found = format!("format {format}: a newer headstart sealed it");
        return Err(Error::invalid(path, expected(), found));
    }
    serde_json::from_str(text).map_err(invalid)
}

/// What a reader has to know about a classifier before trusting it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// What it tells apart, in a few words.
    pub title: String,
    /// The pretrained net that it grew from.
    pub backbone: String,
    /// The images that it was trained on.
    pub trained_on: String,
    /// Headline numbers on held-out images: name, value, low and high end of the 95 % interval.
    pub test: Option<Vec<(String, f64, f64, f64)>>,
    /// The version of the program that trained it.
    pub version: String,
}

impl Card {
    fn new(description: &Description) -> Self {
        let headline = |metrics: &SplitMetrics| {
            [("Sensitivity", metrics.sensitivity), ("Specificity", metrics.specificity), ("AUC", metrics.auc)]
                .map(|(name, estimate)| (name.to_string(), estimate.value, estimate.low, estimate.high))
                .to_vec()
        };
        Self {
            title: description.classes.join(" or "),
            backbone: description.backbone.clone(),
            trained_on: format!("{} labelled images", description.training_images),
            test: description.test.as_ref().map(headline),
            version: description.version.clone(),
        }
    }
}
