//! The main job: data in, a sealed classifier and its run folder out.

mod checkpoint;
mod collapse;
mod data;
mod fit;
mod graft;
mod judge;
#[cfg(test)]
mod keras_step;
mod loss;
mod optimizer;
mod partition;
pub mod recipe;
mod run;
mod step;
pub mod throughput;
mod validate;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use self::checkpoint::Checkpoint;
use self::data::{Prepared, Usable};
use self::graft::Grafted;
use self::judge::{Judge, Measured};
use crate::audit::{self, Audit, Features, Labels};
use crate::backbone::Backbone;
use crate::backbone::weights::sha256;
use crate::classifier::{Classifier, Description, FORMAT};
use crate::dataset::{Dataset, Grouping, Split};
use crate::error::Result;
use crate::evaluate::SplitMetrics;
use crate::features::Extracted;
use crate::history::EpochRecord;

pub use partition::Partition;
pub use recipe::Recipe;
pub use run::field as csv_field;

/// What a training tells while it works.
pub trait Observer: audit::Observer {
    /// A line for the user.
    fn say(&mut self, line: &str);
    /// Something is wrong, in a sentence.
    fn warn(&mut self, line: &str);
    /// `done` of `total` images of an epoch.
    fn step(&mut self, epoch: usize, done: usize, total: usize);
    /// An epoch is over.
    fn epoch(&mut self, record: &EpochRecord);
}

/// What to train.
#[derive(Debug, Clone)]
pub struct Job {
    /// The images.
    pub data: PathBuf,
    /// How.
    pub recipe: Recipe,
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
    /// The run folder: new or empty.
    pub out: PathBuf,
    /// Whether to go on where a training into `out` was stopped.
    pub resume: bool,
    /// The command that was called, for the report.
    pub command: String,
}

/// What a training came to.
#[derive(Debug)]
pub struct Outcome {
    /// The sealed model.
    pub classifier: Classifier,
    /// Metrics of validation and test.
    pub metrics: BTreeMap<String, SplitMetrics>,
}

/// Trains, evaluates and writes the run folder.
///
/// # Errors
/// Data, weights, settings or folders that cannot be used, each named.
pub fn train(job: &Job, observer: &mut dyn Observer) -> Result<Outcome> {
    job.recipe.check()?;
    let folder = run::Folder::new(&job.out, job.resume)?;
    let Prepared { dataset, survey, positive } = data::prepare(job, observer)?;
    let backbone = Backbone::load_at(&job.recipe.backbone, job.weights.as_deref(), job.image_size)?;
    let mut net = Grafted::new(backbone, &job.recipe, dataset.classes.len(), job.seed)?;
    net.announce(dataset.samples.len(), observer);

    let start = Instant::now();
    let extracted = net.extractor.extract(&dataset.samples, &job.cache, observer)?;
    let extract_seconds = start.elapsed().as_secs_f64();
    let usable = Usable::new(&dataset, &extracted)?;

    let start = Instant::now();
    let checkpoint = Checkpoint::new(&job.out, fingerprint(job, &net, &dataset, &extracted));
    let fitted = fit_tail(job, &net, &usable, &extracted, (&dataset, positive), &checkpoint, observer);
    let fitted = fitted.inspect_err(|_| folder.discard())?;
    let fit_seconds = start.elapsed().as_secs_f64();
    net.weights.merge(fitted.weights);

    let features = Features::new(&extracted.records, extracted.usable.len(), net.extractor.output());
    let labels = Labels::check(&dataset, &survey, &extracted.usable, &features, observer)?;
    let audit = Audit::of(&dataset, &survey, Some(labels));

    let (tail, weights) = (&net.tail, &net.weights);
    let judge = Judge { tail, weights, records: &extracted.records, recipe: &job.recipe, positive };
    let (threshold, measured) = judge.measure(&usable)?;
    let test = measured.iter().find(|part| part.split == Split::Test).map(|part| part.metrics.clone());
    let classifier = Classifier::seal(
        Description {
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
            provenance: net.backbone.provenance.clone(),
            recipe: toml::to_string(&job.recipe).expect("a recipe becomes TOML"),
            seed: job.seed,
            training_images: usable.of(Split::Train).len(),
            history: fitted.history,
            test,
            golden: vec![],
        },
        &net.weights,
    );
    folder.write(&run::Contents {
        job,
        dataset: &dataset,
        audit: &audit,
        classifier: &classifier,
        weights: &net.weights,
        measured: &measured,
        extracted: &extracted,
        labels: &usable.labels,
        warnings: &fitted.warnings,
        extract_seconds,
        fit_seconds,
    })?;
    checkpoint.remove();
    Ok(Outcome { classifier, metrics: by_split(measured) })
}

fn fit_tail(
    job: &Job,
    net: &Grafted,
    usable: &Usable,
    extracted: &Extracted,
    (dataset, positive): (&Dataset, usize),
    checkpoint: &Checkpoint,
    observer: &mut dyn Observer,
) -> Result<fit::Fitted> {
    let data = fit::Data {
        records: &extracted.records,
        labels: &usable.labels,
        train: &usable.of(Split::Train),
        validation: &usable.of(Split::Validation),
        classes: dataset.classes.len(),
        positive,
    };
    let fit = fit::Fit { tail: &net.tail, data: &data, recipe: &job.recipe, seed: job.seed };
    fit.run(&net.weights, checkpoint, observer)
}

/// Names everything that the epochs of a training depend on, but not how many there shall be.
fn fingerprint(job: &Job, net: &Grafted, dataset: &Dataset, extracted: &Extracted) -> String {
    let recipe = Recipe { epochs: 0, patience: 0, ..job.recipe.clone() };
    let recipe = toml::to_string(&recipe).expect("a recipe becomes TOML");
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!("{version} {} {} {recipe}", net.extractor.key(), job.seed);
    for index in &extracted.usable {
        let sample = &dataset.samples[*index];
        text += &format!("{} {} {:?}\n", sample.path, sample.label, sample.split);
    }
    sha256(text.as_bytes())
}

fn by_split(measured: Vec<Measured>) -> BTreeMap<String, SplitMetrics> {
    measured.into_iter().map(|part| (part.split.name().to_string(), part.metrics)).collect()
}
