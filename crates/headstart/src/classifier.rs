//! The sealed model: preprocessing, trunk, tail, class names, threshold and provenance in one
//! safetensors file, checked against golden scores when it is loaded.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::backbone::registry::Provenance;
use crate::backbone::spec::Block;
use crate::backbone::weights::{self, Weights};
use crate::error::{Error, Result};
use crate::evaluate::{SplitMetrics, predicted};
use crate::features::input;
use crate::history::History;
use crate::image::{DecodeError, Image, Limits, Preprocess, decode};
use crate::random::Random;
use crate::report::{LayerRow, layer_rows};
use crate::trunk::{Buffers, Plan};

/// Key of the description in the file's metadata.
const KEY: &str = "headstart";
/// Version of the file format.
pub(crate) const FORMAT: u32 = 1;
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
    plan: Plan,
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

impl Classifier {
    /// Compiles a model and works out its golden scores.
    pub fn seal(mut description: Description, weights: &Weights) -> Self {
        let layers = description.blocks.iter().flat_map(|block| &block.layers);
        let plan = Plan::new(layers, weights, input(&description.preprocess));
        description.golden.clear();
        let mut classifier = Self { card: Card::new(&description), description, plan };
        classifier.description.golden = classifier.golden_scores();
        classifier
    }

    /// The bytes of the sealed file.
    pub fn to_bytes(&self, weights: &Weights) -> Vec<u8> {
        let description = serde_json::to_string(&self.description).expect("a plain struct becomes JSON");
        weights.to_safetensors(BTreeMap::from([(KEY.to_string(), description)]))
    }

    /// Loads a sealed file and checks its golden scores.
    ///
    /// # Errors
    /// A missing file, one that is no headstart model, or one that computes other scores than when it
    /// was sealed.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|why| Error::io("read", path, why))?;
        let metadata = weights::metadata(&bytes, path)?;
        let text = metadata.get(KEY).ok_or_else(|| {
            Error::invalid(path, "a model sealed by headstart", "a safetensors file of another kind")
        })?;
        let description: Description = serde_json::from_str(text)
            .map_err(|why| Error::invalid(path, format!("a model of format {FORMAT}"), why.to_string()))?;
        if description.format != FORMAT {
            return Err(Error::invalid(
                path,
                format!("a model of format {FORMAT}"),
                description.format.to_string(),
            ));
        }
        let layers = || description.blocks.iter().flat_map(|block| &block.layers);
        let weights = Weights::from_safetensors(&bytes, path)?.verify(layers(), path)?;
        let plan = Plan::new(layers(), &weights, input(&description.preprocess));
        let classifier = Self { card: Card::new(&description), description, plan };
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
        let length = self.description.preprocess.len();
        let mut maps = vec![0.0; images.len() * length];
        for (image, map) in images.iter().zip(maps.chunks_exact_mut(length)) {
            self.description.preprocess.apply_into(image, map);
        }
        let logits = self.plan.forward(&maps, images.len(), &mut Buffers::default());
        logits.chunks_exact(self.plan.output().len()).map(|row| self.description.output.scores(row)).collect()
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

    /// The layers, head included, as diagram and summary show them.
    pub fn layer_rows(&self) -> Vec<LayerRow> {
        layer_rows(&self.description.blocks, self.description.cut, input(&self.description.preprocess))
    }
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
