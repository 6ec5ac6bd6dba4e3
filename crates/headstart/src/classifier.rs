//! The sealed model: preprocessing, trunk, tail, class names, threshold and provenance in one
//! safetensors file, checked against golden scores when it is loaded.

mod answer;
mod card;
mod check;
mod digest;
mod net;
mod randomise;
mod sealed;
mod seen;
#[cfg(test)]
pub(crate) mod tests;
mod wording;

use std::path::Path;

use rayon::prelude::*;

use crate::backbone::{LayerRow, layer_rows};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::evaluate::{Drift, predicted, shares};
use crate::explain::{Heatmap, Method};
use crate::features::input;
use crate::gate::{Gate, Strangeness, pool};
use crate::image::{DecodeError, Image, Limits, decode};
use crate::random::Random;
use crate::regular;
use crate::sha256::sha256;

use net::{Maps, Net};

pub use answer::{Answer, Verdict, VerdictCounts};
pub use card::Card;
pub use randomise::{Randomised, cascade};
pub use sealed::{Description, Member, MemberMetrics};
pub(crate) use sealed::{FORMAT, Sealed};
pub use seen::{Seen, SeenBefore};
pub use wording::{CAUTION, PLAIN_CAUTION, Wording};

/// How far golden scores may be off on another machine.
const TOLERANCE: f32 = 1e-3;

/// A sealed model, ready to predict.
#[derive(Debug)]
pub struct Classifier {
    description: Description,
    card: Card,
    net: Net,
    gate: Option<Gate>,
}

impl Classifier {
    /// Compiles a model and writes its golden scores into the description.
    pub(crate) fn seal(sealed: &mut Sealed) -> Self {
        sealed.description.golden.clear();
        let mut classifier = Self::compile(sealed.clone(), &Device::cpu());
        let golden = classifier.golden_scores();
        sealed.description.golden.clone_from(&golden);
        classifier.description.golden = golden;
        classifier
    }

    fn compile(sealed: Sealed, device: &Device) -> Self {
        let net = Net::new(&sealed.description, &sealed.members(), device);
        let Sealed { description, gate, .. } = sealed;
        Self { card: Card::new(&description), net, gate, description }
    }

    /// Loads a sealed file and checks its digest, its values and its golden scores.
    ///
    /// # Errors
    /// A missing file, one that is no headstart model or was changed since it was sealed, or one that computes other
    /// scores than then.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_on(path, &Device::cpu())
    }

    /// As [`Classifier::load`], to be computed on `device`, where the golden scores are checked, too. Heat maps are
    /// computed on the CPU from the maps that the device gives.
    ///
    /// # Errors
    /// As [`Classifier::load`].
    pub fn load_on(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let classifier = Self::compile(Sealed::parse(&Sealed::bytes(path)?, path)?, device);
        classifier.check(path)?;
        Ok(classifier)
    }

    /// As [`Classifier::load`], from the bytes of a sealed file. `name` is what errors call them.
    ///
    /// # Errors
    /// As [`Classifier::load`].
    pub fn from_bytes(bytes: &[u8], name: impl AsRef<Path>) -> Result<Self> {
        let name = name.as_ref();
        let classifier = Self::compile(Sealed::parse(bytes, name)?, &Device::cpu());
        classifier.check(name)?;
        Ok(classifier)
    }

    /// The bytes of a file that may be a sealed model, for [`Classifier::from_bytes`].
    ///
    /// # Errors
    /// A file that cannot be read, or one that is longer than a model may be.
    pub fn read_bytes(path: impl AsRef<Path>) -> Result<Vec<u8>> {
        Sealed::bytes(path.as_ref())
    }

    /// As [`Classifier::load`], with the file's SHA-256.
    pub(crate) fn load_with_digest(path: &Path) -> Result<(Self, String)> {
        let bytes = Sealed::bytes(path)?;
        let classifier = Self::compile(Sealed::parse(&bytes, path)?, &Device::cpu());
        classifier.check(path)?;
        Ok((classifier, sha256(&bytes)))
    }

    /// As [`Classifier::load`], with what lay in the file and the file's SHA-256.
    pub(crate) fn load_with_tensors(path: &Path) -> Result<(Self, Sealed, String)> {
        let bytes = Sealed::bytes(path)?;
        let sealed = Sealed::parse(&bytes, path)?;
        let classifier = Self::compile(sealed.clone(), &Device::cpu());
        classifier.check(path)?;
        Ok((classifier, sealed, sha256(&bytes)))
    }

    fn check(&self, path: &Path) -> Result<()> {
        let (sealed, now) = (self.description.golden.concat(), self.golden_scores().concat());
        let differences = || sealed.iter().zip(&now).map(|(a, b)| (a - b).abs());
        // Asked of each: `max` passes over what is not a number.
        if sealed.len() == now.len() && differences().all(|off| off <= TOLERANCE) {
            return Ok(());
        }
        let found = match differences().fold(0.0, f32::max) {
            _ if sealed.len() != now.len() => format!("{} scores of {}", sealed.len(), now.len()),
            _ if !now.iter().all(|score| score.is_finite()) => "scores that are not numbers".into(),
            off => format!("scores off by {off}"),
        };
        Err(Error::invalid(path, "the scores that it was sealed with", found))
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

    /// Share of the positive class from which on an image is called positive.
    pub fn threshold(&self) -> f64 {
        self.description.threshold
    }

    /// The same of two classes; of more the largest score decides and there is none.
    pub fn deciding_threshold(&self) -> Option<f64> {
        (self.description.classes.len() == 2).then_some(self.description.threshold)
    }

    /// What every answer comes with.
    pub fn caution(&self) -> &str {
        self.description.wording.caution.as_deref().unwrap_or(CAUTION)
    }

    /// What a reader has to know before trusting it.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Scores of a batch of decoded images, a row each.
    pub(crate) fn scores(&self, images: &[Image]) -> Vec<Vec<f32>> {
        self.logits(&self.inputs(images), |_| {}).iter().map(|row| self.scores_of(row)).collect()
    }

    /// Calibrated scores of a row of logits.
    pub(crate) fn scores_of(&self, logits: &[f32]) -> Vec<f32> {
        let Description { output, calibration, positive, .. } = self.description;
        output.calibrated(logits, calibration, positive)
    }

    /// Scores of a batch of decoded images, and how far they lie from the training images where the model
    /// has a gate.
    pub(crate) fn scores_and_strangeness(
        &self,
        images: &[Image],
    ) -> (Vec<Vec<f32>>, Option<Vec<Strangeness>>) {
        let (logits, strange) = self.logits_and_strangeness(images);
        (logits.iter().map(|row| self.scores_of(row)).collect(), strange)
    }

    /// As [`Classifier::scores_and_strangeness`], before scores are made of the logits.
    pub(crate) fn logits_and_strangeness(
        &self,
        images: &[Image],
    ) -> (Vec<Vec<f32>>, Option<Vec<Strangeness>>) {
        self.logits_of_inputs(&self.inputs(images))
    }

    /// As [`Classifier::logits_and_strangeness`], of preprocessed images `[N, size, size, 3]`.
    pub(crate) fn logits_of_inputs(&self, inputs: &[f32]) -> (Vec<Vec<f32>>, Option<Vec<Strangeness>>) {
        let (mut distances, mut oddnesses) = (None, None);
        let logits = self.logits(inputs, |maps| {
            let (Some(gate), Some(facts)) = (&self.gate, self.description.gate) else { return };
            // The first that are shown are those of the images themselves, by the first member.
            if facts.layers == maps.layers && distances.is_none() {
                distances = Some(gate.distances(&pool(maps.values, maps.shape)));
            }
            if facts.unusual.is_some_and(|unusual| unusual.layers == maps.layers) && oddnesses.is_none() {
                oddnesses = gate.oddnesses(&pool(maps.values, maps.shape));
            }
        });
        (logits, distances.map(|distances| Strangeness::each(distances, oddnesses)))
    }

    /// What one image's pixels speak for a class: [`Heatmap`] at the last layer with places. `None` for a
    /// net without one.
    pub fn explain(&self, image: &Image, class: usize, method: Method) -> Option<Heatmap> {
        self.net.explain(&self.description.preprocess.apply(image), class, method)
    }

    /// The net's inputs of images, one after the other.
    fn inputs(&self, images: &[Image]) -> Vec<f32> {
        let preprocess = &self.description.preprocess;
        let mut inputs = vec![0.0; images.len() * preprocess.len()];
        let slots = inputs.par_chunks_exact_mut(preprocess.len());
        images.par_iter().zip(slots).for_each(|(image, input)| preprocess.apply_into(image, input));
        inputs
    }

    /// As [`Classifier::inputs`], with the views of all images behind them, view by view.
    #[cfg(feature = "train")]
    pub(crate) fn inputs_and_views(&self, images: &[Image]) -> Vec<f32> {
        let Description { preprocess, test_views, .. } = &self.description;
        let mut inputs = self.inputs(images);
        let own = inputs.clone();
        for view in test_views {
            inputs.extend(own.chunks_exact(preprocess.len()).flat_map(|input| view.apply(preprocess, input)));
        }
        inputs
    }

    /// Logits of preprocessed images, a row each, mean over members and views; `look` is shown the maps between the
    /// stages, of the images themselves first.
    fn logits(&self, inputs: &[f32], mut look: impl FnMut(Maps<'_>)) -> Vec<Vec<f32>> {
        let Description { preprocess, test_views, classes, .. } = &self.description;
        let length = preprocess.len();
        let count = inputs.len() / length;
        let mut sum = self.net.forward(inputs, count, &mut look);
        for view in test_views {
            let turned: Vec<f32> =
                inputs.chunks_exact(length).flat_map(|input| view.apply(preprocess, input)).collect();
            let logits = self.net.forward(&turned, count, &mut look);
            sum.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += logit);
        }
        let share = 1.0 / (1 + test_views.len()) as f32;
        sum.chunks_exact(classes.len()).map(|row| row.iter().map(|logit| logit * share).collect()).collect()
    }

    /// Classifies an image file and says whether the answer should be believed.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no usable image.
    pub fn classify_file(&self, path: impl AsRef<Path>) -> Result<Answer> {
        let path = path.as_ref();
        let limits = Limits::default();
        let bytes = regular::read(path, limits.max_bytes).map_err(|why| Error::io("read", path, why))?;
        let image =
            decode(&bytes, &limits).map_err(|why| Error::invalid(path, "an image", why.to_string()))?;
        Ok(self.classify(&image))
    }

    /// Classifies the bytes of an image file.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no usable image.
    pub fn classify_bytes(&self, bytes: &[u8]) -> Result<Answer, DecodeError> {
        Ok(self.classify(&decode(bytes, &Limits::default())?))
    }

    /// Classifies a decoded image.
    pub fn classify(&self, image: &Image) -> Answer {
        self.classify_all(std::slice::from_ref(image)).remove(0)
    }

    /// Classifies decoded images together, which is faster than one after the other. The answers are in their order.
    pub fn classify_all(&self, images: &[Image]) -> Vec<Answer> {
        let (scores, strange) = self.scores_and_strangeness(images);
        let of = |(index, scores): (usize, Vec<f32>)| {
            let strange = strange.as_ref().map(|strange| strange[index]);
            Answer { frames: images[index].frames(), ..self.answer(scores, strange) }
        };
        scores.into_iter().enumerate().map(of).collect()
    }

    /// The class that `scores` stand for.
    pub(crate) fn label(&self, scores: &[f32]) -> usize {
        predicted(scores, self.description.positive, self.description.threshold)
    }

    /// What scores and the distance from the training images come to, of an image that is all of its file. Independent
    /// sigmoids become shares, because the threshold is one of a share.
    pub(crate) fn answer(&self, scores: Vec<f32>, strange: Option<Strangeness>) -> Answer {
        let description = &self.description;
        let far = description.gate.zip(strange);
        let refused = far.is_some_and(|(gate, image)| gate.refuses(&image));
        let label = self.label(&scores);
        let plausible = description.conformal.as_ref().map(|conformal| conformal.set(&scores));
        Answer {
            class: description.classes[label].clone(),
            label,
            scores: shares(&scores),
            verdict: Verdict::of(refused, label, plausible.as_deref()),
            unusual: far.is_some_and(|(gate, image)| gate.is_unusual(&image)),
            distance: strange.map(|image| image.distance),
            oddness: strange.and_then(|image| image.oddness),
            plausible,
            frames: 1,
        }
    }

    /// Whether a whole set of images has drifted from those that the model was validated on; `None` with fewer
    /// than [`FEWEST_FOR_DRIFT`](crate::evaluate::FEWEST_FOR_DRIFT) images, and in models that are older.
    pub fn drift(&self, set: &[&Answer]) -> Option<Drift> {
        let measured = answer::measured(set, self.description.positive);
        let drift = self.description.reference.as_ref()?.compare(&measured)?;
        let verdicts: VerdictCounts = set.iter().map(|answer| answer.verdict).collect();
        Some(drift.with_verdicts(self.description.verdicts.map(VerdictCounts::all), verdicts.all()))
    }

    /// The layers, head included, as diagram and summary show them.
    pub fn layer_rows(&self) -> Vec<LayerRow> {
        layer_rows(&self.description.blocks, self.description.cut, input(&self.description.preprocess))
    }
}
