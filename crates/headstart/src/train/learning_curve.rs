//! How many labelled images transfer saves: the same net at several numbers of labelled images, once
//! from its pretrained weights with the trunk frozen, once from random weights.

use std::time::{Duration, Instant};

use super::Job;
use super::assembly::Assembled;
use super::data::{Prepared, prepare};
use super::fit::{Data, Fit};
use super::phases::Phases;
use super::random_weights::random_weights;
use super::recipe::Recipe;
use super::throughput::tail_step;
use super::unfreeze_schedule::{Thaw, UnfreezeSchedule};
use super::validate::logits;
use super::views::Views;
use crate::backbone::spec::Layer;
use crate::backbone::{Backbone, Unfreeze};
use crate::dataset::{Dataset, Sample, Split};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::evaluate::{auc, one_against_rest, predicted};
use crate::features::Extracted;
use crate::learning_curve::{LearningCurve, Point, Start};
use crate::observer::Observer;
use crate::random::Random;
use crate::trunk::Buffers;

/// Stream of random numbers: which images are labelled.
const STREAM: u64 = 0x1ea2;
/// One in so many labelled images validates.
const VALIDATE: usize = 5;
/// A net from random weights takes larger steps than a pretrained one; this is AdamW's usual rate.
const RANDOM_RATE: f64 = 1e-3;
/// Images that a training sees in all, at least and at most.
const SEEN: [usize; 2] = [600, 12_000];
/// Share of the time that goes to training from random weights; the rest is for features and measuring.
const SHARE: f64 = 0.62;
/// Images whose statistics normalise a net of random weights.
const STATISTICS: usize = 24;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Labelled images of each class.
    pub sizes: Vec<usize>,
    /// Trainings of each kind and size.
    pub seeds: u64,
    /// About how long all may take; how long each training is follows from it.
    pub time: Duration,
}

/// Trains at every size.
///
/// # Errors
/// As [`super::train`], and [`Error::Setting`] when no size fits the data.
pub fn learning_curve(job: &Job, question: &Question, observer: &mut dyn Observer) -> Result<LearningCurve> {
    job.recipe.check()?;
    let start = Instant::now();
    let Prepared { dataset, positive, .. } = prepare(job, observer)?;
    let sizes = sizes(&dataset, &question.sizes)?;
    let chosen: Vec<Vec<usize>> = (0..question.seeds).map(|seed| order(&dataset, seed)).collect();
    let mut study = Study::new(job, dataset, positive, &chosen, *sizes.last().unwrap_or(&0), observer)?;
    study.seen = study.images_seen(&sizes, question, start.elapsed());
    observer.say(&format!("each training sees {} images", study.seen));
    let mut points = Vec::new();
    for (seed, order) in (0..).zip(&chosen) {
        for size in &sizes {
            for kind in [Start::Transfer, Start::Random] {
                let point = study.train(kind, *size, order, seed, observer)?;
                observer.say(&format!(
                    "seed {seed}  {size:>5} images a class  {:<15} AUC {:.4}  accuracy {:.4}  {:.1} s",
                    if kind == Start::Transfer { "transfer" } else { "random weights" },
                    point.auc,
                    point.accuracy,
                    point.seconds
                ));
                points.push(point);
            }
        }
    }
    Ok(LearningCurve {
        backbone: job.recipe.backbone.clone(),
        image_size: study.backbone.preprocess.size,
        test_images: study.test().len(),
        images_seen: study.seen,
        points,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Those that the rarest class allows.
fn sizes(dataset: &Dataset, wanted: &[usize]) -> Result<Vec<usize>> {
    let count = |class| dataset.samples.iter().filter(|s| labelled(s) && s.label == class).count();
    let rarest = (0..dataset.classes.len()).map(count).min().unwrap_or(0);
    let mut sizes: Vec<usize> =
        wanted.iter().copied().filter(|size| *size >= VALIDATE && *size <= rarest).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.is_empty() {
        return Err(Error::setting(
            "images",
            format!("numbers from {VALIDATE} to {rarest}, the images of the rarest class"),
            format!("{wanted:?}"),
        ));
    }
    Ok(sizes)
}

fn labelled(sample: &Sample) -> bool {
    sample.split != Some(Split::Test)
}

/// Samples that may be labelled, in a seed's order.
fn order(dataset: &Dataset, seed: u64) -> Vec<usize> {
    let samples = dataset.samples.iter().enumerate();
    let mut order: Vec<usize> = samples.filter(|(_, s)| labelled(s)).map(|(index, _)| index).collect();
    Random::new(seed, STREAM).shuffle(&mut order);
    order
}

/// What all trainings share.
struct Study<'a> {
    job: &'a Job,
    dataset: Dataset,
    positive: usize,
    backbone: Backbone,
    /// Features for the recipe's cut, and pixels for a net of which nothing is frozen.
    features: Extracted,
    pixels: Extracted,
    /// Samples behind the records of both, before any is set aside.
    subset: Vec<usize>,
    seconds_per_image: f64,
    seen: usize,
    device: Device,
}

impl<'a> Study<'a> {
    fn new(
        job: &'a Job,
        dataset: Dataset,
        positive: usize,
        chosen: &[Vec<usize>],
        largest: usize,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let device = job.open_device(observer)?;
        let backbone = job.backbone()?;
        let mut subset: Vec<usize> = chosen
            .iter()
            .flat_map(|order| first_of_each(&dataset, order, largest))
            .chain((0..dataset.samples.len()).filter(|index| !labelled(&dataset.samples[*index])))
            .collect();
        subset.sort_unstable();
        subset.dedup();
        let samples: Vec<Sample> = subset.iter().map(|index| dataset.samples[*index].clone()).collect();
        let classes = dataset.classes.len();
        let head = (classes, job.seed);
        let trunk = Assembled::new(backbone.clone(), &job.recipe, head, &device)?;
        let whole = Assembled::new(backbone.clone(), &everything(&job.recipe), head, &device)?;
        let features = trunk.extractor.extract(&samples, &job.cache, observer)?;
        let pixels = whole.extractor.extract(&samples, &job.cache, observer)?;
        let seconds_per_image = seconds_per_image(&trunk);
        let seen = 0;
        Ok(Self {
            job,
            dataset,
            positive,
            backbone,
            features,
            pixels,
            subset,
            seconds_per_image,
            seen,
            device,
        })
    }

    /// Test images among the subset.
    fn test(&self) -> Vec<usize> {
        self.subset.iter().copied().filter(|index| !labelled(&self.dataset.samples[*index])).collect()
    }

    /// How many images each training may see for all to fit into the time.
    fn images_seen(&self, sizes: &[usize], question: &Question, spent: Duration) -> usize {
        let everything = everything(&self.job.recipe);
        let rate = tail_step(self.backbone.clone(), &everything, &self.device).unwrap_or(1.0);
        let trainings = (sizes.len() as u64 * question.seeds).max(1) as f64;
        let left = question.time.saturating_sub(spent).as_secs_f64() * SHARE / trainings;
        ((left * rate) as usize).clamp(SEEN[0], SEEN[1])
    }

    fn train(
        &self,
        kind: Start,
        size: usize,
        order: &[usize],
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<Point> {
        let extracted = if kind == Start::Transfer { &self.features } else { &self.pixels };
        let mut place = vec![None; self.dataset.samples.len()];
        for (record, usable) in extracted.usable.iter().enumerate() {
            place[self.subset[*usable]] = Some(record);
        }
        let labels: Vec<usize> =
            extracted.usable.iter().map(|usable| self.dataset.samples[self.subset[*usable]].label).collect();
        let records = |samples: &[usize]| samples.iter().filter_map(|index| place[*index]).collect();
        let mine: Vec<usize> = records(&first_of_each(&self.dataset, order, size));
        let (validation, train): (Vec<_>, Vec<_>) =
            mine.iter().enumerate().partition(|(index, _)| index % VALIDATE == 0);
        let [validation, train] = [validation, train].map(|part: Vec<(usize, &usize)>| {
            part.into_iter().map(|(_, record)| *record).collect::<Vec<_>>()
        });
        let epochs = (self.seen as f64 / train.len().max(1) as f64).round().max(1.0) as usize;
        let recipe = self.recipe(kind, epochs);
        let classes = self.dataset.classes.len();
        let start = Instant::now();
        let mut net = Assembled::new(self.backbone.clone(), &recipe, (classes, seed), &self.device)?;
        if kind == Start::Random {
            self.forget(&mut net, &train, seed);
        }
        let data = Data {
            records: &extracted.records,
            views: &Views::default(),
            stressed: &Views::default(),
            labels: &labels,
            train: &train,
            validation: &validation,
            classes,
            positive: self.positive,
        };
        let unfreeze_schedule = UnfreezeSchedule::new(&net.blocks[net.cut..], recipe.thaw, recipe.block_rate);
        let fit = Fit {
            tail: &net.tail,
            data: &data,
            recipe: &recipe,
            unfreeze_schedule: &unfreeze_schedule,
            phases: &Phases::default(),
            seed,
            checkpoint: None,
            checkpoint_every: Duration::MAX,
            ranks: &self.job.ranks,
        };
        let fitted = fit.run(&net.weights, &mut Quiet(observer))?;
        let trunk = if kind == Start::Transfer { self.seconds_per_image * mine.len() as f64 } else { 0.0 };
        let seconds = start.elapsed().as_secs_f64() + trunk;
        let test: Vec<usize> = records(&self.test());
        let rows = logits(&net.tail, &fitted.weights, &extracted.records, &test);
        let output = recipe.loss.output();
        let scores: Vec<Vec<f32>> = rows.iter().map(|row| output.scores(row)).collect();
        let truth: Vec<usize> = test.iter().map(|record| labels[*record]).collect();
        let (auc, accuracy) = self.measure(&truth, &scores);
        Ok(Point { start: kind, images_per_class: size, seed, auc, accuracy, seconds })
    }

    fn recipe(&self, kind: Start, epochs: usize) -> Recipe {
        // Both kinds see the same number of images.
        let recipe = Recipe { epochs, patience: epochs, thaw: Thaw::AtOnce, ..self.job.recipe.clone() };
        match kind {
            Start::Transfer => recipe,
            Start::Random => Recipe { learning_rate: RANDOM_RATE, ..everything(&recipe) },
        }
    }

    /// Replaces the pretrained weights.
    fn forget(&self, net: &mut Assembled, train: &[usize], seed: u64) {
        let input = net.extractor.input();
        let few = &train[..train.len().min(STATISTICS)];
        let mut maps = vec![0.0; few.len() * input.len()];
        for (record, map) in few.iter().zip(maps.chunks_exact_mut(input.len())) {
            self.pixels.records.copy(*record, map);
        }
        let backbone = &net.blocks[..net.blocks.len() - 1];
        let layers: Vec<Layer> = backbone.iter().flat_map(|block| block.layers.clone()).collect();
        net.weights.merge(random_weights(&layers, &maps, few.len(), input, seed));
        net.renew_tail();
    }

    fn measure(&self, truth: &[usize], scores: &[Vec<f32>]) -> (f64, f64) {
        let classes = self.dataset.classes.len();
        let of_interest = if classes == 2 { vec![self.positive] } else { (0..classes).collect() };
        let areas = of_interest.iter().map(|class| {
            let (truth, scores) = one_against_rest(truth, scores, *class);
            auc(&truth, &scores).unwrap_or(f64::NAN)
        });
        let area = areas.sum::<f64>() / of_interest.len() as f64;
        let right =
            truth.iter().zip(scores).filter(|(label, row)| predicted(row, self.positive, 0.5) == **label);
        (area, right.count() as f64 / truth.len() as f64)
    }
}

/// The first `size` samples of each class.
fn first_of_each(dataset: &Dataset, order: &[usize], size: usize) -> Vec<usize> {
    let mut left = vec![size; dataset.classes.len()];
    let take = |index: &&usize| {
        let left = &mut left[dataset.samples[**index].label];
        let taken = *left > 0;
        *left = left.saturating_sub(1);
        taken
    };
    order.iter().filter(take).copied().collect()
}

fn everything(recipe: &Recipe) -> Recipe {
    Recipe { unfreeze: Unfreeze::Everything, ..recipe.clone() }
}

/// Of the frozen trunk on this machine.
fn seconds_per_image(net: &Assembled) -> f64 {
    const BATCH: usize = 16;
    let images = vec![0.5; BATCH * net.extractor.input().len()];
    let mut buffers = Buffers::default();
    net.extractor.run(&images, BATCH, &mut buffers);
    let start = Instant::now();
    net.extractor.run(&images, BATCH, &mut buffers);
    start.elapsed().as_secs_f64() / BATCH as f64
}

/// Many small trainings need no line for each epoch.
struct Quiet<'a>(&'a mut dyn Observer);

impl Observer for Quiet<'_> {
    fn stop(&self) -> bool {
        self.0.stop()
    }
}
