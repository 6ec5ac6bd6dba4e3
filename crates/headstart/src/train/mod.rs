//! The main job: data in, a sealed classifier and all that is known of it out. Nothing is written but caches and
//! checkpoints.

mod average;
mod check;
pub(crate) mod checkpoint;
mod collapse;
mod data;
mod depth;
mod familiar;
mod fit;
mod graft;
mod judge;
#[cfg(test)]
mod keras_step;
pub mod learning_curve;
mod loss;
mod members;
pub mod mix;
mod optimizer;
mod outcome;
pub mod pace;
mod partition;
mod phases;
mod probed;
pub(crate) mod random_weights;
pub mod rate_finder;
pub mod recipe;
pub mod schedule;
mod state;
mod step;
mod style;
mod targets;
pub mod throughput;
mod validate;
mod views;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use self::data::{Prepared, Usable};
use self::graft::Grafted;
use self::judge::{Decided, Judge, Judgement};
use self::members::{Fitting, Member, records};
use self::phases::Phases;
use self::views::{Needed, Shown, Views};
use crate::audit::{Audit, Features, Labels, StyleAudit};
use crate::backbone::Backbone;
use crate::classifier::{Classifier, Description, FORMAT, Sealed, Seen};
use crate::dataset::{Dataset, Digest, Grouping, Sample, Split};
use crate::date;
use crate::error::Result;
use crate::evaluate::{Doubt, SplitMetrics};
use crate::external::{Stressed, stress};
use crate::features::Extracted;
use crate::image::first_frames;
use crate::observer::Observer;
use crate::sha256::{hexadecimal, sha256};

pub use crate::csv_field::csv_field;
pub use depth::BUDGET;
pub use graft::trunk;
pub(crate) use judge::{Measured, Part};
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
    /// The command that was called, for the report.
    pub command: String,
}

impl Job {
    /// A training on `data` with the usual settings.
    pub fn new(data: PathBuf, recipe: Recipe, cache: PathBuf) -> Self {
        Self {
            data,
            recipe,
            own_backbone: None,
            weights: None,
            image_size: None,
            seed: SEED,
            train_images: None,
            exclude: None,
            groups: Grouping::Automatic,
            resplit: false,
            positive: None,
            cache,
            cache_limit: None,
            budget: BUDGET,
            checkpoints: None,
            resume: false,
            checkpoint_every: CHECKPOINT_EVERY,
            command: String::new(),
        }
    }

    /// The pretrained net that it trains.
    pub(crate) fn backbone(&self) -> Result<Backbone> {
        match &self.own_backbone {
            Some(own) => Ok(own.clone()),
            None => Backbone::load_at(&self.recipe.backbone, self.weights.as_deref(), self.image_size),
        }
    }
}

/// Trains and evaluates.
///
/// # Errors
/// Data, weights, settings or folders that cannot be used, each named.
pub fn train(job: &Job, observer: &mut dyn Observer) -> Result<Run> {
    job.recipe.check()?;
    let Prepared { dataset, survey, cut, positive } = data::prepare(job, observer)?;
    job.recipe.card.check_classes(&dataset.classes)?;
    let style = StyleAudit::of(&dataset, &survey, observer)?;
    let backbone = job.backbone()?;
    let unfreeze = depth::resolve(job, &backbone, &dataset, observer)?;
    let recipe = style::resolve(&job.recipe, &style, observer);
    let job = &Job { recipe: Recipe { unfreeze, ..recipe }, ..job.clone() };
    let mut net = Grafted::new(backbone, &job.recipe, dataset.classes.len(), job.seed)?;
    net.announce(dataset.samples.len(), observer);

    let start = Instant::now();
    let needed = Needed::new(job, &net, &dataset, observer);
    let Shown { extracted, drawn, fixed, stressed, odd } =
        needed.extract(job, &net.extractor, &dataset, observer)?;
    let usable = Usable::new(&dataset, &extracted)?;
    let members = Member::all(&job.recipe, job.seed, &dataset, (&usable, &extracted.usable))?;
    let train = records(&members, |member| &member.train);
    let phases = Phases::extract(job, &net, &members, (&extracted.records, &drawn, &stressed), observer)?;
    let extract_seconds = start.elapsed().as_secs_f64();
    net.extractor.rest();

    let start = Instant::now();
    let print = fingerprint(job, &net, &dataset, &extracted, &phases);
    let groups: Vec<Option<&str>> =
        extracted.usable.iter().map(|index| dataset.samples[*index].group.as_deref()).collect();
    let fitting = Fitting {
        job,
        net: &net,
        records: &extracted.records,
        views: &drawn,
        stressed: &stressed,
        phases: &phases,
        usable: &usable,
        positive,
        groups: &groups,
    };
    let all = fitting.all(members, &print, observer)?;
    let warnings = [&*all.warnings, first_frames(survey.first_frames(&dataset)).as_slice()].concat();
    let fit_seconds = start.elapsed().as_secs_f64();
    net.weights.merge(all.trained[0].weights.clone());

    let features = Features::new(&extracted.records, extracted.usable.len(), net.extractor.output());
    let labels = Labels::check(&dataset, &survey, &extracted.usable, &features, observer)?;
    let audit = Audit::of(&dataset, &survey, style, Some(labels));

    let digests = |records: Vec<usize>| -> Vec<Digest> {
        let samples = records.iter().map(|record| &dataset.samples[extracted.usable[*record]]);
        samples.filter_map(|sample| survey.content(sample)).collect()
    };
    let validation = records(all.trained.iter().map(|trained| &trained.member), |member| &member.validation);
    let seen = Seen::new(digests(train.clone()).into_iter(), digests(validation).into_iter());
    let judge = |trained| Judge {
        tail: &net.tail,
        trained,
        weights: &net.weights,
        records: &extracted.records,
        views: &fixed,
        stressed: &stressed,
        drawn: &drawn,
        odd: &odd,
        recipe: &job.recipe,
        positive,
        blocks: &net.blocks,
        cut: net.cut,
        groups: groups.clone(),
    };
    let trained = &all.trained[..probed::kept(&all.trained, &usable, judge, observer)];
    let Judgement { decided, familiar, reference, measured, alone } = judge(trained).measure(&usable)?;
    let Decided { threshold, plateau, calibration, conformal } = decided;
    let held_out = measured.iter().find(|found| found.part == Part::Test);
    let test = held_out.map(|found| found.metrics.clone());
    let threshold_counts = held_out.and_then(|found| found.threshold_counts(&usable.labels, positive));
    extracted.records.check()?;
    [&drawn, &fixed, &stressed].into_iter().try_for_each(Views::check)?;
    // Sealing compiles the whole net: the trunk and the tail that were trained with need not be beside it.
    drop((net.extractor, net.tail));
    let mut sealed = Sealed {
        description: Description {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            backbone: net.backbone.spec.name.clone(),
            blocks: net.blocks.clone(),
            cut: net.cut,
            preprocess: net.backbone.preprocess.clone(),
            output: job.recipe.loss.output(),
            classes: dataset.classes.clone(),
            positive,
            threshold,
            threshold_policy: job.recipe.threshold,
            calibration,
            conformal,
            gate: familiar.as_ref().map(|familiar| familiar.facts),
            reference,
            provenance: net.backbone.provenance.clone(),
            recipe: job.recipe.to_toml(),
            wording: job.recipe.card.resolved(survey.seems_medical(&dataset)),
            seed: job.seed,
            training_images: train.len(),
            history: trained[0].history.clone(),
            members: members::sealed(trained, alone),
            test_views: job.recipe.test_views.clone(),
            test,
            threshold_counts,
            doubts: Doubt::of(&dataset.tally()),
            seen: Some(seen),
            golden: vec![],
        },
        weights: net.weights,
        others: trained.iter().skip(1).map(|trained| trained.weights.clone()).collect(),
        gate: familiar.map(|familiar| familiar.gate),
    };
    let classifier = Classifier::seal(&mut sealed);
    let stress = put_to_the_test(job, &classifier, (&dataset, &extracted, &usable), observer)?;
    Ok(Run {
        job: job.clone(),
        dataset,
        cut,
        audit,
        metrics: by_split(&measured),
        classifier,
        sealed,
        measured,
        stress,
        plateau,
        usable: extracted.usable,
        set_aside: extracted.set_aside,
        labels: usable.labels,
        warnings,
        extract_seconds,
        fit_seconds,
        date: date::now(),
    })
}

/// The stress test, with validation images at even steps; none with folds, where each validation image has trained some
/// of the members.
fn put_to_the_test(
    job: &Job,
    classifier: &Classifier,
    (dataset, extracted, usable): (&Dataset, &Extracted, &Usable),
    observer: &mut dyn Observer,
) -> Result<Vec<Stressed>> {
    let validation = usable.of(Split::Validation);
    let count = job.recipe.stress_images.min(validation.len());
    if count == 0 || job.recipe.folds.is_some() {
        return Ok(vec![]);
    }
    observer.say(&format!("stress test of {count} validation images"));
    let chosen: Vec<usize> = (0..count).map(|step| validation[step * validation.len() / count]).collect();
    let samples: Vec<&Sample> =
        chosen.iter().map(|index| &dataset.samples[extracted.usable[*index]]).collect();
    let labels: Vec<usize> = chosen.iter().map(|index| usable.labels[*index]).collect();
    stress(classifier, &samples, &labels, observer)
}

/// Names everything that the epochs of a training depend on: not how many there shall be, unless the
/// learning rate's schedule asks. Part by part, so that a checkpoint can tell which one differs.
fn fingerprint(
    job: &Job,
    net: &Grafted,
    dataset: &Dataset,
    extracted: &Extracted,
    phases: &Phases,
) -> String {
    let epochs = if job.recipe.schedule.depends_on_length() { job.recipe.epochs } else { 0 };
    let recipe = Recipe { epochs, patience: 0, ..job.recipe.clone() }.to_toml();
    let version = env!("CARGO_PKG_VERSION");
    let settings = format!("{version} {} {} {recipe}", net.extractor.key(), job.seed);
    let mut images = String::new();
    for (index, content) in extracted.usable.iter().zip(extracted.records.contents()) {
        let sample = &dataset.samples[*index];
        let content = hexadecimal(content);
        images += &format!("{} {} {:?} {content}\n", sample.path(), sample.label, sample.split);
    }
    let digest = |text: &str| sha256(text.as_bytes());
    format!("settings={} images={} kept={}", digest(&settings), digest(&images), phases.kept())
}

fn by_split(measured: &[Measured]) -> BTreeMap<String, SplitMetrics> {
    measured.iter().map(|found| (found.part.name().to_string(), found.metrics.clone())).collect()
}
