//! The sealed file: one safetensors file with a description among its metadata.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Seen, VerdictCounts, Wording, check, digest};
use crate::backbone::registry::Provenance;
use crate::backbone::spec::{Block, Layer};
use crate::backbone::weights::{self, Weights};
use crate::device::DeviceClass;
use crate::error::{Error, Result};
use crate::evaluate::{
    Calibration, Conformal, Confusion, Doubt, Outcomes, Output, Reference, SplitMetrics, Spread,
    ThresholdCounts, ThresholdPolicy, auc, one_against_rest, predicted,
};
use crate::features::input;
use crate::gate::{Gate, GateFacts};
use crate::history::{History, null_is_nan};
use crate::image::{Preprocess, TestView};
use crate::regular;

/// Key of the description in the file's metadata.
pub(super) const KEY: &str = "headstart";
/// Version of the file format. 2 added calibration, the gate and prediction sets, 3 further members, 4 the digest and a
/// gate by what an image shows, and left the times of epochs out: an older file has none of the former.
pub(crate) const FORMAT: u32 = 4;
/// Bytes of a sealed file, at most.
const MOST_BYTES: u64 = 8 << 30;

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
    /// What was measured of the validation images, for telling whether a whole set has drifted from them;
    /// `None` in older models.
    #[serde(default)]
    pub reference: Option<Reference>,
    /// Verdicts of the validation images; `None` in older models.
    #[serde(default)]
    pub verdicts: Option<VerdictCounts>,
    /// Where the pretrained weights come from.
    pub provenance: Provenance,
    /// The recipe as it was used, as TOML.
    pub recipe: String,
    /// What people read of it. A model without it is of medical images.
    #[serde(default)]
    pub wording: Wording,
    /// Seed of the training.
    pub seed: u64,
    /// What it was trained on: the same seed gives the same bits on the CPU only.
    #[serde(default, skip_serializing_if = "DeviceClass::is_cpu")]
    pub device: DeviceClass,
    /// Number of training images.
    pub training_images: usize,
    /// The epochs of the first member.
    pub history: History,
    /// The trainings whose mean the model is; none where it is a single one.
    #[serde(default)]
    pub members: Vec<Member>,
    /// Views of an image that are scored besides it; the mean of all counts.
    #[serde(default)]
    pub test_views: Vec<TestView>,
    /// Measured on the held-out test images, if there were any.
    pub test: Option<SplitMetrics>,
    /// What other thresholds would have come to on them, of two classes.
    #[serde(default)]
    pub threshold_counts: Option<ThresholdCounts>,
    /// Why what was measured says less than it seems to.
    #[serde(default)]
    pub doubts: Vec<Doubt>,
    /// Which images it was trained and validated on; `None` in models that do not tell.
    #[serde(default)]
    pub seen: Option<Seen>,
    /// Scores of the generated pictures that loading checks.
    pub golden: Vec<Vec<f32>>,
}

/// One of the trainings whose mean a model is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Of its head, order and dropout.
    pub seed: u64,
    /// The part of the data that it validated on, from 1 on; `None` where all validated on the same.
    pub fold: Option<usize>,
    /// Its epochs; a probe has none.
    pub history: History,
    /// Whether it is a linear probe of the pretrained features.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// What it is worth alone, by split, with the model's calibration and threshold.
    pub measured: BTreeMap<String, MemberMetrics>,
}

/// Picks a number.
type Measure = fn(&MemberMetrics) -> f64;

/// What one member is worth alone; of more than two classes means over them, each against the rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MemberMetrics {
    /// Area under the ROC curve; not a number, `null` in JSON, when a class is missing.
    #[serde(deserialize_with = "null_is_nan")]
    pub auc: f64,
    /// Share of the images that it classifies right.
    pub accuracy: f64,
    /// Share of the positives that it finds.
    pub sensitivity: f64,
    /// Share of the others that it leaves alone.
    pub specificity: f64,
}

impl MemberMetrics {
    /// What is measured, by name.
    pub const MEASURES: [(&'static str, Measure); 4] = [
        ("accuracy", |worth| worth.accuracy),
        ("auc", |worth| worth.auc),
        ("sensitivity", |worth| worth.sensitivity),
        ("specificity", |worth| worth.specificity),
    ];

    /// Of scores `[N, classes]` against labels `[N]`.
    pub(crate) fn of(labels: &[usize], scores: &[Vec<f32>], positive: usize, threshold: f64) -> Self {
        let called: Vec<usize> = scores.iter().map(|row| predicted(row, positive, threshold)).collect();
        let classes = scores.first().map_or(0, Vec::len);
        let confusion = Confusion::count(classes, labels, &called);
        let of_interest = if classes == 2 { positive..positive + 1 } else { 0..classes };
        let count = of_interest.len() as f64;
        let mean = |measure: &dyn Fn(usize) -> f64| of_interest.clone().map(measure).sum::<f64>() / count;
        let share = |part: usize, rest: usize| part as f64 / (part + rest).max(1) as f64;
        let against_rest = |of: fn(Outcomes) -> [usize; 2]| {
            mean(&|class| {
                let [part, rest] = of(confusion.one_against_rest(class));
                share(part, rest)
            })
        };
        Self {
            auc: mean(&|class| {
                let (truth, of_class) = one_against_rest(labels, scores, class);
                auc(&truth, &of_class).unwrap_or(f64::NAN)
            }),
            accuracy: share(confusion.right(), labels.len() - confusion.right()),
            sensitivity: against_rest(|o| [o.true_positives, o.false_negatives]),
            specificity: against_rest(|o| [o.true_negatives, o.false_positives]),
        }
    }
}

impl Member {
    /// `seed 7`, `seed 7, fold 2` or `linear probe`.
    pub fn name(&self) -> String {
        let fold = self.fold.map(|fold| format!(", fold {fold}")).unwrap_or_default();
        if self.probe {
            return format!("linear probe{fold}");
        }
        format!("seed {}{fold}", self.seed)
    }
}

impl Description {
    /// How the trainings differ in a measure on a split; `None` of a single one.
    pub fn spread(&self, split: &str, measure: Measure) -> Option<Spread> {
        let trained = self.members.iter().filter(|member| !member.probe);
        let worths = trained.filter_map(|member| member.measured.get(split));
        Spread::of(&worths.map(measure).collect::<Vec<_>>())
    }

    /// The same without what a stopwatch said, so that the same training gives the same file. The run's other files tell.
    fn without_times(&self) -> Self {
        let mut same = self.clone();
        let members = same.members.iter_mut().map(|member| &mut member.history);
        for record in
            std::iter::once(&mut same.history).chain(members).flat_map(|history| &mut history.epochs)
        {
            record.seconds = f64::NAN;
        }
        same.test.iter_mut().for_each(|metrics| metrics.seconds = f64::NAN);
        same
    }

    /// The layers that were trained, head included.
    pub(crate) fn tail(&self) -> impl Iterator<Item = &Layer> {
        self.blocks[self.cut..].iter().flat_map(|block| &block.layers)
    }
}

/// What lies in a sealed file, before anything is compiled.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) description: Description,
    /// Of the trunk and of the first member's tail.
    pub(crate) weights: Weights,
    /// Of the other members' tails.
    pub(crate) others: Vec<Weights>,
    pub(crate) gate: Option<Gate>,
}

impl Sealed {
    /// Reads a sealed file.
    ///
    /// # Errors
    /// A missing file, or one that is no headstart model.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&Self::bytes(path)?, path)
    }

    /// The bytes of a file that may be a sealed one.
    pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
        regular::read(path, MOST_BYTES).map_err(|why| Error::io("read", path, why))
    }

    /// As [`Sealed::read`], of a file's bytes.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let metadata = weights::metadata(bytes, path)?;
        let text = metadata.get(KEY).ok_or_else(|| {
            Error::invalid(path, "a model sealed by headstart", "a safetensors file of another kind")
        })?;
        let description = describe(text, path)?;
        let all = Weights::from_safetensors(bytes, path)?;
        digest::verify(text, description.format, &all, path)?;
        check::description(&description, path)?;
        let gate = description.gate.map(|facts| {
            let features = |layers| features_at(&description, layers, path);
            Gate::read(&all, &facts, description.classes.len(), features, path)
        });
        let layers = description.blocks.iter().flat_map(|block| &block.layers);
        let others = description.members.iter().skip(1).enumerate().map(|(number, _)| {
            let mut tail = Weights::default();
            for (name, tensor) in all.iter() {
                if let Some(name) = name.strip_prefix(&prefix(number)) {
                    tail.share(name, tensor);
                }
            }
            tail.verify(description.tail(), path)
        });
        let others = others.collect::<Result<_>>()?;
        let weights = all.verify(layers, path)?;
        let sealed = Self { gate: gate.transpose()?, others, description, weights };
        check::tensors(&sealed, path)?;
        Ok(sealed)
    }

    /// Each member's whole net; they share the trunk's tensors.
    pub(crate) fn members(&self) -> Vec<Weights> {
        let others = self.others.iter().map(|tail| {
            let mut whole = self.weights.clone();
            whole.merge(tail.clone());
            whole
        });
        std::iter::once(self.weights.clone()).chain(others).collect()
    }

    /// The bytes of the sealed file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (tensors, metadata) = self.content();
        tensors.to_safetensors(metadata)
    }

    /// The same in fewer bytes: what 16 bits hold is stored in 16. It reads as the same model.
    pub(crate) fn to_short_bytes(&self) -> Vec<u8> {
        let (tensors, metadata) = self.content();
        tensors.to_short_safetensors(metadata)
    }

    /// All tensors, and the metadata that lie beside them.
    fn content(&self) -> (Weights, BTreeMap<String, String>) {
        let description = self.description.without_times();
        let description = serde_json::to_string(&description).expect("a plain struct becomes JSON");
        let mut tensors = self.weights.clone();
        for (number, tail) in self.others.iter().enumerate() {
            for (name, tensor) in tail.iter() {
                tensors.share(format!("{}{name}", prefix(number)), tensor);
            }
        }
        if let Some(gate) = &self.gate {
            gate.store(&mut tensors);
        }
        let description = digest::stamp(&description, &tensors);
        (tensors, BTreeMap::from([(KEY.to_string(), description)]))
    }
}

/// What the names of another member's tensors begin with.
fn prefix(number: usize) -> String {
    format!("member.{}.", number + 1)
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

/// Reads a description; the version comes first, because a newer file may have fields of any kind.
pub(super) fn describe(text: &str, path: &Path) -> Result<Description> {
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
