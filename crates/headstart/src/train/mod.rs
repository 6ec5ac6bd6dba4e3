//! The main job: data in, a sealed classifier and all that is known of it out. Nothing is written but caches and
//! checkpoints.

mod assembly;
mod check;
pub(crate) mod checkpoint;
pub mod choose;
mod collapse;
mod data;
mod decide;
mod depth;
mod evaluation;
mod fit;
mod gate_fit;
mod inputs;
#[cfg(test)]
mod keras_step;
pub mod learning_curve;
mod loss;
mod members;
pub mod mix;
mod moving_average;
mod optimizer;
mod outcome;
mod partition;
mod phases;
mod probed;
pub(crate) mod random_weights;
pub mod rate_finder;
pub mod recipe;
pub mod schedule;
mod setup;
#[cfg(test)]
mod shared;
mod slices;
mod state;
mod step;
mod style;
mod targets;
pub mod throughput;
pub mod unfreeze_schedule;
mod validate;
mod views;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::data::Usable;
use self::decide::Measurements;
use self::inputs::Inputs;
use self::members::Trainings;
use self::setup::Setup;
use crate::audit::Audit;
use crate::backbone::Backbone;
use crate::classifier::Classifier;
use crate::dataset::{Dataset, Grouping, Sample, Split};
use crate::date;
use crate::device::{Device, DeviceClass};
use crate::error::Result;
use crate::evaluate::SplitMetrics;
use crate::external::{Stressed, stress};
use crate::features::Extracted;
use crate::observer::Observer;
use crate::ranks::Ranks;

pub use crate::csv_field::csv_field;
pub use assembly::trunk;
pub use depth::BUDGET;
pub(crate) use evaluation::{Measured, Part};
pub use outcome::Run;
pub use partition::Partition;
pub use recipe::Recipe;

/// The seed that a training has, unless another is given.
const SEED: u64 = 7;
/// Time between two checkpoints within an epoch, unless another is given.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// What to train.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The images.
    pub data: PathBuf,
    /// Images that a program lists itself, instead of what `data` holds; `data` then only names them.
    #[serde(skip)]
    pub own_data: Option<Dataset>,
    /// How.
    pub recipe: Recipe,
    /// A backbone of one's own, instead of the one that the recipe names.
    #[serde(skip)]
    pub own_backbone: Option<Backbone>,
    /// The backbone's weights, unless they are embedded.
    pub weights: Option<PathBuf>,
    /// Side of the net's input, unless the backbone's own.
    pub image_size: Option<usize>,
    /// Seed of split, head, order and dropout.
    pub seed: u64,
    /// At most so many training images.
    pub train_images: Option<usize>,
    /// A list of images to leave out, one path a line.
    pub exclude: Option<PathBuf>,
    /// What tells which images belong together.
    pub groups: Grouping,
    /// Whether to cut again what comes with splits.
    pub resplit: bool,
    /// Whether no test images are cut off: those that come with the data stay.
    #[serde(default)]
    pub no_test: bool,
    /// The positive class of two, unless the last by name.
    pub positive: Option<String>,
    /// Folder of the feature cache.
    pub cache: PathBuf,
    /// Bytes that views of the training images, and features at later cuts, may take there.
    pub cache_limit: Option<usize>,
    /// How long the training may take, for `unfreeze = "auto"`.
    pub budget: Duration,
    /// Where checkpoints lie while it trains; without a folder, a training that is stopped is lost.
    #[serde(skip)]
    pub checkpoints: Option<PathBuf>,
    /// Whether to go on from the checkpoints.
    #[serde(skip)]
    pub resume: bool,
    /// Time between two checkpoints within an epoch.
    pub checkpoint_every: Duration,
    /// The processes that share the training: this one alone, unless given.
    #[serde(skip)]
    pub ranks: Ranks,
    /// What it is computed on. Another kind of device gives other bits.
    #[serde(default)]
    pub device: DeviceClass,
    /// The command that was called, for the report.
    pub command: String,
}

impl Job {
    /// A training on `data` with the usual settings.
    pub fn new(data: PathBuf, recipe: Recipe, cache: PathBuf) -> Self {
        Self {
            data,
            own_data: None,
            recipe,
            own_backbone: None,
            weights: None,
            image_size: None,
            seed: SEED,
            train_images: None,
            exclude: None,
            groups: Grouping::Automatic,
            resplit: false,
            no_test: false,
            positive: None,
            cache,
            cache_limit: None,
            budget: BUDGET,
            checkpoints: None,
            resume: false,
            checkpoint_every: CHECKPOINT_EVERY,
            ranks: Ranks::default(),
            device: DeviceClass::Cpu,
            command: String::new(),
        }
    }

    /// What it is computed on, of which `observer` is told unless it is the CPU.
    pub(crate) fn open_device(&self, observer: &mut dyn Observer) -> Result<Device> {
        let device = Device::open(self.device)?;
        if !self.device.is_cpu() {
            observer.say(&format!("computing on {}", device.name()));
        }
        Ok(device)
    }

    /// The pretrained net that it trains.
    pub(crate) fn backbone(&self) -> Result<Backbone> {
        match &self.own_backbone {
            Some(own) => Ok(own.clone()),
            None => Backbone::load_at(&self.recipe.backbone, self.weights.as_deref(), self.image_size),
        }
    }
}

/// Trains and evaluates: settles what is to be done, computes the features, fits, decides on validation images, and seals.
///
/// # Errors
/// Data, weights, settings or folders that cannot be used, each named.
pub fn train(job: &Job, observer: &mut dyn Observer) -> Result<Run> {
    let setup = Setup::new(job, observer)?;
    let inputs = Inputs::extract(&setup, observer)?;
    let Trainings { trained, warnings, seconds: fit_seconds } = inputs.fit(observer)?;
    let suspects = inputs.check_labels(observer)?;
    let (mut sealed, Measurements { measured, plateau }) = inputs.decide(trained, observer)?.sealed(&inputs);
    let Inputs { shown, usable, seconds: extract_seconds, .. } = inputs;
    let Extracted { usable: records, set_aside, .. } = shown.extracted;
    let Setup { job, dataset, survey, cut, style, net, .. } = setup;
    // Sealing compiles the whole net: the trunk and the tail that were trained with need not be beside it.
    drop(net);
    let classifier = Classifier::seal(&mut sealed);
    let stress = put_to_the_test(&job, &classifier, (&dataset, &records, &usable), observer)?;
    Ok(Run {
        audit: Audit::of(&dataset, &survey, style, Some(suspects)),
        metrics: by_split(&measured),
        labels: usable.labels,
        usable: records,
        date: date::now(),
        job,
        dataset,
        cut,
        classifier,
        sealed,
        measured,
        stress,
        plateau,
        set_aside,
        warnings,
        extract_seconds,
        fit_seconds,
    })
}

/// Takes part in a training that [`train`] does at rank 0, of which rank 0 has what comes of it.
///
/// # Errors
/// As [`train`].
pub fn assist(job: &Job, observer: &mut dyn Observer) -> Result<()> {
    let setup = Setup::new(job, observer)?;
    Inputs::extract(&setup, observer)?.fit(observer).map(|_| ())
}

/// The stress test, with validation images at even steps; none with folds, where each validation image has trained some
/// of the members.
fn put_to_the_test(
    job: &Job,
    classifier: &Classifier,
    (dataset, records, usable): (&Dataset, &[usize], &Usable),
    observer: &mut dyn Observer,
) -> Result<Vec<Stressed>> {
    let validation = usable.of(Split::Validation);
    let count = job.recipe.stress_images.min(validation.len());
    if count == 0 || job.recipe.folds.is_some() {
        return Ok(vec![]);
    }
    observer.say(&format!("stress test of {count} validation images"));
    let chosen: Vec<usize> = (0..count).map(|step| validation[step * validation.len() / count]).collect();
    let samples: Vec<&Sample> = chosen.iter().map(|index| &dataset.samples[records[*index]]).collect();
    let labels: Vec<usize> = chosen.iter().map(|index| usable.labels[*index]).collect();
    stress(classifier, &samples, &labels, observer)
}

fn by_split(measured: &[Measured]) -> BTreeMap<String, SplitMetrics> {
    measured.iter().map(|found| (found.part.name().to_string(), found.metrics.clone())).collect()
}
