//! A sealed classifier on labelled images, perhaps from elsewhere: the code that predicts, counted, and
//! how far these images are from those that it knows.

use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use super::class_names::map_classes;
use super::{Stressed, stress};
use crate::classifier::{Answer, Classifier, SeenBefore};
use crate::dataset::{Dataset, Digest, Sample, Split};
use crate::error::{Error, Result};
use crate::evaluate::{
    Doubt, Drift, Estimate, SplitMetrics, counted, evaluate_grouped, number_groups, wilson,
};
use crate::gate::Strangeness;
use crate::image::{Image, Limits};
use crate::observer::Observer;

/// Images decoded and classified at a time.
const BATCH: usize = 16;

/// A classifier's metrics on labelled images, and the shift from where it was tested.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// What was measured: the test split where there is one, else the validation split, else all images.
    #[serde(skip)]
    pub name: &'static str,
    /// What was measured.
    #[serde(flatten)]
    pub metrics: SplitMetrics,
    /// Number of files of which the first of several frames was used.
    pub first_frames: usize,
    /// How many of the images the model was trained or validated on; `None` where it does not tell.
    pub seen: Option<SeenBefore>,
    /// Why what was measured says less than it seems to, in whole sentences.
    pub warnings: Vec<String>,
    /// Against the test images of the training; `None` when there were none, or when the model has seen some of
    /// the images here.
    pub shift: Option<Shift>,
    /// Whether these images as a whole differ from the validation images; `None` with too few images, and for
    /// older models.
    pub drift: Option<Drift>,
    /// The stress test, the images as they are first; empty unless it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stress: Vec<Stressed>,
    #[serde(skip)]
    pub(super) evidence: Evidence,
}

/// What a recalibration is fitted to: logits of each image, with its class and its patient's number.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Evidence {
    pub(super) labels: Vec<usize>,
    pub(super) logits: Vec<Vec<f32>>,
    pub(super) groups: Vec<usize>,
    /// From the training images; none where the model has no gate.
    pub(super) distances: Vec<f64>,
    pub(super) digests: Vec<Digest>,
}

/// Here minus on the model's own test images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// Share of positives there and here.
    pub prevalence: [f64; 2],
    /// Areas under the ROC curve there and here.
    pub auc: [f64; 2],
    /// Sensitivity there and here.
    pub sensitivity: [f64; 2],
    /// Specificity there and here.
    pub specificity: [f64; 2],
    /// Names of those of the three whose intervals do not meet: more than chance.
    pub changed: Vec<&'static str>,
    /// Share of the images here that the model refuses as unlike its training images.
    pub refused: Option<Estimate>,
    /// Share of the images here that the model calls unusual.
    pub unusual: Option<Estimate>,
}

/// Metrics on the test split of `data`; where it has none on the validation split, else on all of it. One class is
/// enough: what cannot be measured then is unknown. `classes` pairs names (`THEIRS=OURS`) that are not alike.
/// `with_stress` makes the stress test with the same images, too.
///
/// # Errors
/// Data that cannot be used or has other classes, or [`Error::Interrupted`].
pub fn classifier_on(
    classifier: &Classifier,
    data: &Path,
    classes: &[String],
    with_stress: bool,
    progress: &mut dyn Observer,
) -> Result<Measurement> {
    let dataset = Dataset::open_any(data)?;
    let mapped = map_classes(data, &dataset.classes, classifier.classes(), classes)?;
    let (name, samples) = part(data, &dataset);
    let start = Instant::now();
    let scored = Scored::of(classifier, &samples, progress)?;
    if scored.used.is_empty() {
        return Err(Error::invalid(data, "usable images", "none"));
    }
    let seconds = start.elapsed().as_secs_f64();
    let Scored { used, digests, logits, strange, first_frames } = scored;
    let labels: Vec<usize> = used.iter().map(|sample| mapped[sample.label]).collect();
    let groups = number_groups(used.iter().map(|sample| sample.group.as_deref()));
    let scores: Vec<Vec<f32>> = logits.iter().map(|row| classifier.scores_of(row)).collect();
    let description = classifier.description();
    let (positive, threshold) = (description.positive, description.threshold);
    let mut metrics = evaluate_grouped(&labels, &scores, positive, threshold, seconds, &groups)?;
    metrics.sets = description.conformal.as_ref().map(|conformal| conformal.measure(&labels, &scores));
    let strange_here = (!strange.is_empty()).then_some(strange.as_slice());
    (metrics.refused, metrics.unusual) = counted(description.gate.as_ref(), strange_here);
    let assessed: Vec<Answer> = scores
        .iter()
        .enumerate()
        .map(|(image, row)| classifier.answer(row.clone(), strange_here.map(|strange| strange[image])))
        .collect();
    let drift = classifier.drift(&assessed.iter().collect::<Vec<_>>());
    let distances = strange.iter().map(|strange| strange.distance).collect();
    let seen = description.seen.as_ref().map(|seen| seen.count(&digests));
    let fresh = seen.is_none_or(|seen| seen.images() == 0);
    let shift = description.test.as_ref().filter(|_| fresh).map(|test| shift(test, &metrics, positive));
    let warnings = warnings(seen, used.len(), shift.is_some().then_some(&description.doubts));
    let stress = if with_stress { stress(classifier, &used, &labels, progress)? } else { vec![] };
    let evidence = Evidence { labels, logits, groups, distances, digests };
    Ok(Measurement { name, metrics, first_frames, seen, warnings, shift, drift, stress, evidence })
}

/// The images to measure, and what they are called. A folder may be a split by its own name.
fn part<'a>(data: &Path, dataset: &'a Dataset) -> (&'static str, Vec<&'a Sample>) {
    let held_out = [Split::Test, Split::Validation].into_iter().find(|split| dataset.has(*split));
    let chosen = |sample: &&Sample| held_out.is_none() || sample.split == held_out;
    let is_training = dataset.samples.iter().all(|sample| sample.split == Some(Split::Train));
    let only = held_out.or(is_training.then_some(Split::Train));
    let named = || data.file_name().and_then(|name| Split::from_name(&name.to_string_lossy()));
    let name = only.or_else(named).map_or("all", Split::name);
    (name, dataset.samples.iter().filter(chosen).collect())
}

/// What a classifier says of the images that can be used.
#[derive(Default)]
struct Scored<'a> {
    used: Vec<&'a Sample>,
    digests: Vec<Digest>,
    logits: Vec<Vec<f32>>,
    /// None without a gate.
    strange: Vec<Strangeness>,
    first_frames: usize,
}

impl<'a> Scored<'a> {
    fn of(classifier: &Classifier, samples: &[&'a Sample], progress: &mut dyn Observer) -> Result<Self> {
        let mut scored = Self::default();
        let mut batches = samples.chunks(BATCH).peekable();
        let mut decoded = batches.peek().map_or_else(Vec::new, |first| decode(first));
        while let Some(batch) = batches.next() {
            if progress.stop() {
                return Err(Error::Interrupted);
            }
            let mut images = Vec::with_capacity(batch.len());
            for (sample, image) in batch.iter().zip(decoded) {
                match image {
                    Ok((image, digest)) => {
                        scored.used.push(*sample);
                        scored.digests.push(digest);
                        scored.first_frames += usize::from(image.frames() > 1);
                        images.push(image);
                    }
                    Err(why) => progress.set_aside(sample.path(), &why),
                }
            }
            // A graphics processor works by itself while the next images are decoded.
            let next = batches.peek().copied().unwrap_or_default();
            let ((rows, far), ahead) =
                rayon::join(|| classifier.logits_and_strangeness(&images), || decode(next));
            decoded = ahead;
            scored.logits.extend(rows);
            scored.strange.extend(far.unwrap_or_default());
        }
        Ok(scored)
    }
}

fn decode(samples: &[&Sample]) -> Vec<Result<(Image, Digest), String>> {
    samples.par_iter().map(|sample| sample.read_with_hash(&Limits::default())).collect()
}

/// Share of images that lie beyond a gate's limit.
pub(super) fn refused(distances: &[f64], limit: f64) -> Estimate {
    wilson(distances.iter().filter(|distance| **distance > limit).count(), distances.len())
}

/// What is to be known before the numbers are believed. `doubts` are about the model's own test images, where those
/// are compared with.
fn warnings(seen: Option<SeenBefore>, images: usize, doubts: Option<&Vec<Doubt>>) -> Vec<String> {
    let of_seen = match seen {
        None => Some(
            "The model does not tell which images it was trained on: make sure that none of these is among them."
                .into(),
        ),
        Some(seen) if seen.images() > 0 => Some(format!(
            "The model was trained on {} and validated on {} of these {images} images. What was measured here says \
             nothing about new images, so it is not compared with the model's own test.",
            seen.training, seen.validation
        )),
        Some(_) => None,
    };
    let of_test = doubts.into_iter().flatten().map(|doubt| format!("About the model's own test: {doubt}"));
    of_seen.into_iter().chain(of_test).collect()
}

fn shift(there: &SplitMetrics, here: &SplitMetrics, positive: usize) -> Shift {
    let prevalence = |metrics: &SplitMetrics| {
        metrics.confusion.counts[positive].iter().sum::<usize>() as f64 / metrics.images as f64
    };
    let pair = |of: fn(&SplitMetrics) -> Estimate| [of(there), of(here)];
    let measures = [
        ("AUC", pair(|metrics| metrics.auc)),
        ("sensitivity", pair(|metrics| metrics.sensitivity)),
        ("specificity", pair(|metrics| metrics.specificity)),
    ];
    let apart = |[a, b]: &[Estimate; 2]| a.high < b.low || b.high < a.low;
    let changed = measures.iter().filter(|(_, pair)| apart(pair)).map(|(name, _)| *name).collect();
    let [auc, sensitivity, specificity] = measures.map(|(_, pair)| pair.map(|estimate| estimate.value));
    let prevalence = [prevalence(there), prevalence(here)];
    Shift { prevalence, auc, sensitivity, specificity, changed, refused: here.refused, unusual: here.unusual }
}
