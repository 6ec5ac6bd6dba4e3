//! Which pretrained net to take for some images: each net's features are computed once, plain and restyled, and linear
//! probes tell, by folds that divide no patient, what is known there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Partition;
use crate::backbone::Backbone;
use crate::backbone::registry::ENTRIES;
use crate::backbone::spec::{Block, Layer};
use crate::choice::{Choice, LeftOut, Quality, Tried, recommend};
use crate::dataset::{Dataset, Digest, Grouping, Sample, Split, clusters::Clusters, folds};
use crate::error::{Error, Result};
use crate::evaluate::evaluate_grouped;
use crate::features::{Extractor, View, Wanted};
use crate::image::{RESTYLED, Stylist};
use crate::observer::Observer;
use crate::probe::{Features, Table, out_of_fold_in};
use crate::ranks::Ranks;
use crate::trunk::Buffers;

/// Images that run through a net at a time while it is timed.
const BATCH: usize = 8;
/// Parts of the cross-validation.
const FOLDS: usize = 5;
/// Images of each class below which slow nets are left out rather than images.
const LEAST: usize = 30;
/// Share of the time for features; probes take the rest.
const SHARE: f64 = 0.8;
/// The share of the images that a training cuts off for validation, and for the test, where data have none.
const FRACTION: f64 = 0.15;

/// A net to try: a backbone's name, and the file of its weights unless they are in the program or were pulled.
pub type Candidate = (String, Option<PathBuf>);

/// What to choose, and by which images.
#[derive(Debug, Clone)]
pub struct Question {
    /// The images.
    pub data: PathBuf,
    /// The nets.
    pub candidates: Vec<Candidate>,
    /// How long everything may take.
    pub budget: Duration,
    /// Use so many training images, however long it takes.
    pub train_images: Option<usize>,
    /// Side of the nets' input; each net's own unless given.
    pub image_size: Option<usize>,
    /// What tells which images belong to one patient.
    pub groups: Grouping,
    /// A list of images to leave out.
    pub exclude: Option<PathBuf>,
    /// Decides the splits that are missing, and the folds.
    pub seed: u64,
    /// Folder that keeps features.
    pub cache: PathBuf,
}

/// The nets at hand: the embedded one, those that were pulled, and those of files, which are told by their tensors.
///
/// # Errors
/// A file that holds no known net's weights.
pub fn at_hand(files: &[PathBuf]) -> Result<Vec<Candidate>> {
    let mut given = BTreeMap::new();
    for file in files {
        let entry = Backbone::detect(file)?;
        if let Some(other) = given.insert(entry.name, file.clone()) {
            let found = format!("{} twice: in {} and in {}", entry.name, other.display(), file.display());
            return Err(Error::Usage(format!("expected one file of weights for each net, found {found}")));
        }
    }
    let known = ENTRIES.iter().filter_map(|entry| match given.remove(entry.name) {
        Some(file) => Some((entry.name.to_string(), Some(file))),
        None => (entry.embedded || entry.kept().is_some()).then(|| (entry.name.to_string(), None)),
    });
    Ok(known.collect())
}

/// Tries the nets on training images; the test images are never looked at, nor are those for validation. With the same
/// images it gives the same numbers. Which images fit into the budget depends on how fast the machine is just then.
///
/// # Errors
/// Data or weights that cannot be used; [`Error::Interrupted`].
pub fn choose(question: &Question, observer: &mut dyn Observer) -> Result<Choice> {
    let start = Instant::now();
    let mut dataset = training_images(question, observer)?;
    let all_images = dataset.samples.len();
    let mut candidates = Vec::new();
    for (name, weights) in &question.candidates {
        candidates.push(Timed::new(question, name, weights.as_deref(), &dataset)?);
        check(observer)?;
    }
    let left = question.budget.saturating_sub(start.elapsed());
    let (images, left_out) = fit(question, &mut candidates, (all_images, dataset.classes.len()), left);
    dataset.train_subset(images);
    observer.say(&format!("choosing by {} of {all_images} training images", dataset.samples.len()));
    for LeftOut { backbone, why } in &left_out {
        observer.warn(&format!("{backbone} is left out: {why}"));
    }
    let folded = Folded::new(&dataset, question.seed)?;
    let mut tried = Vec::new();
    for candidate in &candidates {
        tried.push(folded.attempt(question, candidate, observer)?);
    }
    let tried = folded.ranked(tried);
    let (recommended, reason) = recommend(&tried);
    Ok(Choice {
        classes: dataset.classes.clone(),
        images: dataset.samples.len(),
        all_images,
        groups: folded.groups(),
        folds: FOLDS,
        recommended: recommended.backbone.clone(),
        reason,
        tried,
        left_out,
        seconds: start.elapsed().as_secs_f64(),
    })
}

fn check(observer: &dyn Observer) -> Result<()> {
    if observer.stop() { Err(Error::Interrupted) } else { Ok(()) }
}

/// The images that a training with the same seed would train with.
fn training_images(question: &Question, observer: &mut dyn Observer) -> Result<Dataset> {
    let partition = Partition {
        data: question.data.clone(),
        own_data: None,
        exclude: question.exclude.clone(),
        train_images: None,
        groups: question.groups.clone(),
        resplit: false,
        no_test: false,
        fraction: FRACTION,
        seed: question.seed,
        cache: Some(question.cache.clone()),
        ranks: Ranks::default(),
    };
    let (mut dataset, survey, _) = partition.cut(&mut Hushed(observer))?;
    let unusable: Vec<String> =
        survey.unusable(&dataset).into_iter().map(|sample| sample.path().to_string()).collect();
    dataset.samples.retain(|sample| {
        sample.split == Some(Split::Train) && !unusable.iter().any(|path| path == sample.path())
    });
    Ok(dataset)
}

/// Tells all but warnings: they are of small splits for validation and test, which are not used here.
struct Hushed<'a>(&'a mut dyn Observer);

impl Observer for Hushed<'_> {
    fn say(&mut self, line: &str) {
        self.0.say(line);
    }

    fn surveyed(&mut self, done: usize, total: usize) {
        self.0.surveyed(done, total);
    }

    fn stop(&self) -> bool {
        self.0.stop()
    }
}

/// A net, and how long it takes.
struct Timed {
    name: String,
    weights: Option<PathBuf>,
    /// Seconds for an image, from its file on, plain and restyled.
    cost: f64,
    images_per_second: f64,
}

impl Timed {
    /// Runs a batch of images through the net; one before it warms up.
    fn new(question: &Question, name: &str, weights: Option<&Path>, dataset: &Dataset) -> Result<Self> {
        let (extractor, _) = extractor(question, name, weights)?;
        let values: Vec<f32> =
            (0..BATCH * extractor.input().len()).map(|index| (index % 255) as f32 / 255.0).collect();
        let mut buffers = Buffers::default();
        let mut pass = || {
            let start = Instant::now();
            extractor.run(&values, BATCH, &mut buffers);
            start.elapsed().as_secs_f64()
        };
        let net = [pass(), pass(), pass()].into_iter().skip(1).fold(f64::INFINITY, f64::min);
        let step = (dataset.samples.len() / BATCH).max(1);
        let samples: Vec<&Sample> = dataset.samples.iter().step_by(step).take(BATCH).collect();
        let cost = time_of_images(&extractor, &samples);
        Ok(Self {
            name: name.into(),
            weights: weights.map(Path::to_path_buf),
            cost,
            images_per_second: BATCH as f64 / net,
        })
    }
}

/// Seconds for an image, plain and restyled. A file that cannot be read is told when features are computed.
fn time_of_images(extractor: &Extractor, samples: &[&Sample]) -> f64 {
    let contents: Vec<Digest> =
        samples.iter().map(|sample| sample.content_hash().unwrap_or_default()).collect();
    let views = views();
    let wanted: Vec<(&Sample, &Digest, &View)> = samples
        .iter()
        .zip(&contents)
        .flat_map(|(sample, content)| views.iter().map(move |view| (*sample, content, view)))
        .collect();
    let start = Instant::now();
    let _ = extractor.features_of(&wanted);
    start.elapsed().as_secs_f64() / samples.len().max(1) as f64
}

/// The net up to its pooled features, and the size of its weights in MiB.
fn extractor(question: &Question, name: &str, weights: Option<&Path>) -> Result<(Extractor, f64)> {
    let mut backbone = Backbone::load_at(name, weights, question.image_size)?;
    let mebibytes = backbone.spec.parameter_count() as f64 * 4.0 / f64::from(1 << 20);
    backbone.spec.blocks.push(Block { name: "pool".into(), layers: vec![Layer::GlobalAveragePool] });
    let cut = backbone.spec.blocks.len();
    Ok((Extractor::new(&backbone, cut, &backbone.preprocess), mebibytes))
}

/// The images as they are, and restyled as a training's stressed validation is.
fn views() -> [View; 2] {
    [View::default(), View::drawn(&Arc::new(Stylist::new(RESTYLED)), 0)]
}

/// How many images fit into the time with these nets. Where they would be too few, the slowest nets are left out.
fn fit(
    question: &Question,
    candidates: &mut Vec<Timed>,
    (all, classes): (usize, usize),
    left: Duration,
) -> (usize, Vec<LeftOut>) {
    if let Some(images) = question.train_images {
        return (images, vec![]);
    }
    let least = (LEAST * classes).min(all);
    let (seconds, mut left_out) = (SHARE * left.as_secs_f64(), Vec::new());
    loop {
        let cost: f64 = candidates.iter().map(|candidate| candidate.cost).sum();
        let images = (seconds / cost) as usize;
        if images >= least || candidates.len() == 1 {
            return (images.clamp(least, all), left_out);
        }
        let slowest =
            (0..candidates.len()).max_by(|a, b| candidates[*a].cost.total_cmp(&candidates[*b].cost));
        let Timed { name, cost, .. } = candidates.remove(slowest.expect("there are at least two"));
        let why = format!("an image takes {cost:.2} s, and the time does not suffice for {least} images");
        left_out.push(LeftOut { backbone: name, why });
    }
}

/// The images in folds.
struct Folded<'a> {
    dataset: &'a Dataset,
    labels: Vec<usize>,
    /// The first image of each image's group.
    units: Vec<usize>,
    folds: Vec<usize>,
}

/// A net that was tried, and its Brier score on each image.
type Attempt = (Tried, Vec<f64>);

impl<'a> Folded<'a> {
    fn new(dataset: &'a Dataset, seed: u64) -> Result<Self> {
        let labels: Vec<usize> = dataset.samples.iter().map(|sample| sample.label).collect();
        let units = folds::units(dataset, Clusters::new(dataset.samples.len()));
        let classes = dataset.classes.len();
        if let Some(class) = folds::too_few(classes, &labels, &units, FOLDS) {
            let expected = format!("training images of at least {FOLDS} groups of each class");
            let found = format!("fewer of {}", dataset.classes[class]);
            return Err(Error::invalid(&dataset.root, expected, found));
        }
        let folds = folds::folds(classes, &labels, &units, FOLDS, seed);
        Ok(Self { dataset, labels, units, folds })
    }

    fn groups(&self) -> usize {
        self.units.iter().collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Features, probes and what they tell.
    fn attempt(&self, question: &Question, net: &Timed, observer: &mut dyn Observer) -> Result<Attempt> {
        observer.say(&net.name);
        let (extractor, mebibytes) = extractor(question, &net.name, net.weights.as_deref())?;
        let samples = &self.dataset.samples;
        let wanted = views().map(|view| Wanted { view, samples: (0..samples.len()).collect() });
        let extracted =
            extractor.extract_views(samples, &wanted, (&question.cache, &Ranks::default()), observer)?;
        if let Some((path, why)) = extracted.set_aside.first() {
            return Err(Error::invalid(path, "the file that was read at first", why));
        }
        let features =
            [0, 1].map(|view| Features::new(&extracted.records[view], samples.len(), extractor.output()));
        let table = Table::new(&features[0], &self.labels, self.dataset.classes.len());
        let scores = out_of_fold_in(&[&features[0], &features[1]], &table, &self.folds, observer)?;
        extracted.records.iter().try_for_each(|records| records.check())?;
        let [plain, stressed] = [0, 1].map(|view| self.errors(&scores[view]));
        let errors = plain.iter().zip(&stressed).map(|(plain, stressed)| f64::midpoint(*plain, *stressed));
        let tried = Tried {
            backbone: net.name.clone(),
            weights: net.weights.clone(),
            pixels: extractor.input().height,
            mebibytes,
            images_per_second: net.images_per_second,
            plain: self.quality(&scores[0], &plain)?,
            stressed: self.quality(&scores[1], &stressed)?,
            behind: (0.0, 0.0),
        };
        Ok((tried, errors.collect()))
    }

    /// Of each image half the squared differences between its scores and the truth.
    fn errors(&self, scores: &[Vec<f32>]) -> Vec<f64> {
        let square = |(class, score): (usize, &f32), label: usize| {
            (f64::from(*score) - f64::from(u8::from(class == label))).powi(2)
        };
        let error = |(row, label): (&Vec<f32>, &usize)| {
            row.iter().enumerate().map(|each| square(each, *label)).sum::<f64>() / 2.0
        };
        scores.iter().zip(&self.labels).map(error).collect()
    }

    fn quality(&self, scores: &[Vec<f32>], errors: &[f64]) -> Result<Quality> {
        let positive = self.dataset.classes.len() - 1;
        let measured = evaluate_grouped(&self.labels, scores, positive, 0.5, 0.0, &self.units)?;
        let brier = errors.iter().sum::<f64>() / errors.len() as f64;
        Ok(Quality { auc: measured.auc, accuracy: measured.accuracy, brier })
    }

    /// The best first, and how far the others are behind it.
    fn ranked(&self, mut attempts: Vec<Attempt>) -> Vec<Tried> {
        attempts.sort_by(|(a, _), (b, _)| a.brier().total_cmp(&b.brier()));
        let best = attempts.first().map(|(_, errors)| errors.clone()).unwrap_or_default();
        let ranked = attempts.into_iter().map(|(tried, errors)| {
            let differences: Vec<f64> = errors.iter().zip(&best).map(|(own, best)| own - best).collect();
            Tried { behind: mean_and_error(&differences, &self.units), ..tried }
        });
        ranked.collect()
    }
}

/// The mean, and its standard error where the values of a unit go together.
fn mean_and_error(values: &[f64], units: &[usize]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let mut sums = BTreeMap::<usize, f64>::new();
    for (value, unit) in values.iter().zip(units) {
        *sums.entry(*unit).or_default() += value - mean;
    }
    (mean, sums.values().map(|sum| sum * sum).sum::<f64>().sqrt() / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_together_counts_once() {
        let (mean, error) = mean_and_error(&[1.0, 3.0, 1.0, 3.0], &[0, 1, 2, 3]);
        assert_eq!((mean, error), (2.0, 0.5));
        let (_, together) = mean_and_error(&[1.0, 1.0, 3.0, 3.0], &[0, 0, 2, 2]);
        assert!((together - 8f64.sqrt() / 4.0).abs() < 1e-12, "{together}");
    }

    fn timed(name: &str, cost: f64) -> Timed {
        Timed { name: name.into(), weights: None, cost, images_per_second: 1.0 }
    }

    #[test]
    fn images_fit_the_time_and_slow_nets_give_way() {
        let mut question = Question {
            data: PathBuf::new(),
            candidates: vec![],
            budget: Duration::ZERO,
            train_images: None,
            image_size: None,
            groups: Grouping::default(),
            exclude: None,
            seed: 7,
            cache: PathBuf::new(),
        };
        let fitting = |question: &Question, seconds: u64| {
            let mut nets = vec![timed("slow", 0.9), timed("fast", 0.1)];
            let (images, left_out) = fit(question, &mut nets, (1000, 2), Duration::from_secs(seconds));
            (images, left_out.into_iter().map(|net| net.backbone).collect::<Vec<_>>())
        };
        assert_eq!(fitting(&question, 250), (200, vec![]));
        assert_eq!(fitting(&question, 5000), (1000, vec![]));
        assert_eq!(fitting(&question, 50), (400, vec!["slow".to_string()]));
        assert_eq!(fitting(&question, 1), (60, vec!["slow".to_string()]));
        question.train_images = Some(40);
        assert_eq!(fitting(&question, 1), (40, vec![]));
    }
}
