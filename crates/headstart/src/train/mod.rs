//! The main job: data in, a sealed classifier and its run folder out.

mod collapse;
pub mod fit;
#[cfg(test)]
mod keras_step;
mod loss;
mod optimizer;
pub mod recipe;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::Device;

use crate::backbone::Backbone;
use crate::backbone::spec::{Block, Layer};
use crate::backbone::weights::Weights;
use crate::classifier::{Classifier, Description};
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::evaluate::{SplitMetrics, evaluate, youden};
use crate::features::{Extracted, Extractor, Progress, input};
use crate::history::EpochRecord;
use crate::network::{self, Tail};

pub use recipe::Recipe;
pub use run::field as csv_field;

/// What a training tells while it works.
pub trait Observer: Progress {
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
    /// The positive class of two, unless the last by name.
    pub positive: Option<String>,
    /// Folder of the feature cache.
    pub cache: PathBuf,
    /// The run folder: new or empty.
    pub out: PathBuf,
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
    let folder = run::Folder::new(&job.out)?;
    let (dataset, positive) = dataset(job, observer)?;
    let mut backbone = Backbone::load(&job.recipe.backbone, job.weights.as_deref())?;
    backbone.preprocess.size = job.image_size.unwrap_or(backbone.preprocess.size);
    let cut = backbone.spec.cut(&job.recipe.unfreeze)?;
    let extractor = Extractor::new(&backbone, cut, &backbone.preprocess);
    announce(&extractor, &dataset, &backbone, cut, observer);
    let start = Instant::now();
    let extracted = extractor.extract(&dataset.samples, &job.cache, observer)?;
    let extract_seconds = start.elapsed().as_secs_f64();
    let usable = Usable::new(&dataset, &extracted)?;

    let head = job.recipe.head(backbone_output(&backbone), dataset.classes.len());
    let mut weights = backbone.weights.clone();
    weights.merge(network::initialise(&head.layers, job.seed));
    let blocks: Vec<Block> = backbone.spec.blocks.iter().cloned().chain([head]).collect();
    let layers: Vec<Layer> = blocks[cut..].iter().flat_map(|block| block.layers.clone()).collect();
    let tail = Tail::new(layers, extractor.output(), &weights, Device::flex().autodiff().inner());
    let start = Instant::now();
    let data = fit::Data {
        records: &extracted.records,
        labels: &usable.labels,
        train: &usable.of(Split::Train),
        validation: &usable.of(Split::Validation),
        classes: dataset.classes.len(),
        positive,
    };
    let fitted = fit::fit(&tail, &weights, &data, &job.recipe, job.seed, observer)?;
    let fit_seconds = start.elapsed().as_secs_f64();
    weights.merge(fitted.weights);

    let judge = Judge { job, tail: &tail, weights: &weights, data: &data };
    let (threshold, measured) = judge.measure(&usable);
    let metrics: BTreeMap<String, SplitMetrics> =
        measured.iter().map(|(split, _, metrics)| (split.name().to_string(), metrics.clone())).collect();
    let description = Description {
        format: 1,
        version: env!("CARGO_PKG_VERSION").into(),
        backbone: backbone.spec.name.clone(),
        blocks,
        cut,
        preprocess: backbone.preprocess.clone(),
        output: job.recipe.loss.output(),
        classes: dataset.classes.clone(),
        positive,
        threshold,
        provenance: backbone.provenance.clone(),
        recipe: toml::to_string(&job.recipe).expect("a recipe becomes TOML"),
        seed: job.seed,
        training_images: data.train.len(),
        history: fitted.history,
        test: metrics.get(Split::Test.name()).cloned(),
        golden: vec![],
    };
    let classifier = Classifier::seal(description, &weights);
    let mut predictions = Vec::new();
    for (split, scores, _) in &measured {
        for (index, scores) in usable.of(*split).iter().zip(scores) {
            let sample = &dataset.samples[extracted.usable[*index]];
            predictions.push((sample, classifier.prediction(scores.clone())));
        }
    }
    folder.write(&run::Contents {
        job,
        dataset: &dataset,
        classifier: &classifier,
        weights: &weights,
        metrics: &metrics,
        predictions: &predictions,
        set_aside: &extracted.set_aside,
        warnings: &fitted.warnings,
        seconds: (extract_seconds, fit_seconds),
    })?;
    Ok(Outcome { classifier, metrics })
}

/// Opens the data, takes the subset and cuts what is missing.
fn dataset(job: &Job, observer: &mut dyn Observer) -> Result<(Dataset, usize)> {
    let mut dataset = Dataset::open(&job.data)?;
    if let Some(limit) = job.train_images {
        dataset.keep_training_images(limit);
    }
    for split in [Split::Test, Split::Validation] {
        if !dataset.has(split) {
            dataset.cut(split, job.recipe.validation_fraction, job.seed);
        }
        if !dataset.has(split) {
            let found = format!("too few to cut a {} split", split.name());
            return Err(Error::invalid(&job.data, "several images of each class", found));
        }
    }
    let positive = match &job.positive {
        None => dataset.classes.len() - 1,
        Some(name) => dataset.classes.iter().position(|class| class == name).ok_or_else(|| {
            Error::Usage(format!("--positive: expected one of {}, found {name}", dataset.classes.join(", ")))
        })?,
    };
    for split in Split::ALL {
        let counts = dataset.counts(split);
        let shown: Vec<String> =
            dataset.classes.iter().zip(counts).map(|(class, count)| format!("{class} {count}")).collect();
        observer.say(&format!("{:<11} {}", split.name(), shown.join(", ")));
    }
    Ok((dataset, positive))
}

/// Says what will be computed and how much room it takes.
fn announce(
    extractor: &Extractor,
    dataset: &Dataset,
    backbone: &Backbone,
    cut: usize,
    observer: &mut dyn Observer,
) {
    let mebibytes = (extractor.record_bytes() * dataset.samples.len()) as f64 / (1 << 20) as f64;
    let names: Vec<&str> = backbone.spec.blocks[cut..].iter().map(|block| block.name.as_str()).collect();
    let shape = extractor.output();
    observer.say(&format!(
        "{}: training {}; features {}×{}×{} of {} images take {mebibytes:.0} MiB in the cache",
        backbone.spec.name,
        if names.is_empty() { "the head".into() } else { format!("{} and the head", names.join(", ")) },
        shape.height,
        shape.width,
        shape.channels,
        dataset.samples.len(),
    ));
}

fn backbone_output(backbone: &Backbone) -> crate::backbone::spec::MapShape {
    let blocks = backbone.spec.blocks.len();
    crate::backbone::spec::output_shape(backbone.spec.layers(0..blocks), input(&backbone.preprocess))
}

/// Labels and splits of the records.
struct Usable {
    labels: Vec<usize>,
    splits: Vec<Split>,
}

impl Usable {
    fn new(dataset: &Dataset, extracted: &Extracted) -> Result<Self> {
        let samples = || extracted.usable.iter().map(|index| &dataset.samples[*index]);
        let usable = Self {
            labels: samples().map(|sample| sample.label).collect(),
            splits: samples().map(|sample| sample.split).collect(),
        };
        for (class, name) in dataset.classes.iter().enumerate() {
            for split in [Split::Train, Split::Validation] {
                if !usable.of(split).iter().any(|index| usable.labels[*index] == class) {
                    return Err(Error::Usage(format!(
                        "no usable image of class {name} for {}: {} files were set aside",
                        split.name(),
                        extracted.set_aside.len()
                    )));
                }
            }
        }
        Ok(usable)
    }

    fn of(&self, split: Split) -> Vec<usize> {
        (0..self.splits.len()).filter(|index| self.splits[*index] == split).collect()
    }
}

/// Scores splits with the trained tail.
struct Judge<'a> {
    job: &'a Job,
    tail: &'a Tail,
    weights: &'a Weights,
    data: &'a fit::Data<'a>,
}

/// A split, the scores of its images and what they are worth.
type Measured = (Split, Vec<Vec<f32>>, SplitMetrics);

impl Judge<'_> {
    fn scores(&self, indices: &[usize]) -> Vec<Vec<f32>> {
        let logits = fit::logits(self.tail, self.weights, self.data.records, indices);
        logits.iter().map(|row| self.job.recipe.loss.output().scores(row)).collect()
    }

    /// Chooses the threshold on validation, then reads the test split once.
    fn measure(&self, usable: &Usable) -> (f64, Vec<Measured>) {
        let positive = self.data.positive;
        let mut threshold = 0.5;
        let mut measured = Vec::new();
        for split in [Split::Validation, Split::Test] {
            let indices = usable.of(split);
            if indices.is_empty() {
                continue;
            }
            let start = Instant::now();
            let scores = self.scores(&indices);
            let labels: Vec<usize> = indices.iter().map(|index| usable.labels[*index]).collect();
            if split == Split::Validation {
                let truth: Vec<bool> = labels.iter().map(|label| *label == positive).collect();
                let of_positive: Vec<f64> = scores.iter().map(|scores| f64::from(scores[positive])).collect();
                threshold = youden(&truth, &of_positive);
            }
            let metrics = evaluate(&labels, &scores, positive, threshold, start.elapsed().as_secs_f64());
            measured.push((split, scores, metrics));
        }
        (threshold, measured)
    }
}
