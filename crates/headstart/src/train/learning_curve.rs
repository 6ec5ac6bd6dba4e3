//! How many labelled images transfer saves: the same net at several numbers of labelled images, once
//! from its pretrained weights with the trunk frozen, once from random weights.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::data::prepare;
use super::fit::{Data, Fit};
use super::graft::Grafted;
use super::random_weights::random_weights;
use super::recipe::Recipe;
use super::run::write_whole;
use super::throughput::tail_step;
use super::validate::logits;
use super::{Job, Observer};
use crate::backbone::spec::Layer;
use crate::backbone::{Backbone, Unfreeze};
use crate::dataset::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::evaluate::{auc, one_against_rest, predicted};
use crate::features::Extracted;
use crate::history::EpochRecord;
use crate::random::Random;
use crate::report::learning_curve_svg;
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

/// Where a training begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Pretrained weights; all but the last block and the head frozen, as the recipe says.
    Transfer,
    /// Random weights, all of them trained.
    Random,
}

/// One training.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// Where it began.
    pub start: Start,
    /// Labelled images of each class; one in five of them validates.
    pub images_per_class: usize,
    /// Which images these are, and the seed of the training.
    pub seed: u64,
    /// Area under the ROC curve on the test images; the mean over classes of more than two.
    pub auc: f64,
    /// Share of the test images whose largest score is right.
    pub accuracy: f64,
    /// Time of the training, the trunk's share for these images included.
    pub seconds: f64,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct LearningCurve {
    /// Name of the backbone.
    pub backbone: String,
    /// Side of the net's input in pixels.
    pub image_size: usize,
    /// Number of test images.
    pub test_images: usize,
    /// Images that each training saw, counted as often as it saw them.
    pub images_seen: usize,
    /// All trainings.
    pub points: Vec<Point>,
    /// Time in all.
    pub seconds: f64,
}

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

/// Mean, least and greatest of the trainings of one kind and size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Labelled images of each class.
    pub images_per_class: usize,
    /// Mean area under the ROC curve.
    pub mean: f64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// Mean time.
    pub seconds: f64,
}

impl LearningCurve {
    /// By number of images, in rising order.
    pub fn bands(&self, start: Start) -> Vec<Band> {
        let mut sizes: Vec<usize> = self.points.iter().map(|point| point.images_per_class).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let of = |size: usize| {
            let own = || self.points.iter().filter(move |p| p.start == start && p.images_per_class == size);
            let count = own().count() as f64;
            Band {
                images_per_class: size,
                mean: own().map(|point| point.auc).sum::<f64>() / count,
                low: own().map(|point| point.auc).fold(f64::INFINITY, f64::min),
                high: own().map(|point| point.auc).fold(f64::NEG_INFINITY, f64::max),
                seconds: own().map(|point| point.seconds).sum::<f64>() / count,
            }
        };
        sizes.into_iter().map(of).filter(|band| band.mean.is_finite()).collect()
    }

    /// What transfer saves, in a sentence or two.
    pub fn in_words(&self) -> String {
        let (transfer, random) = (self.bands(Start::Transfer), self.bands(Start::Random));
        let Some(best) = random.iter().max_by(|a, b| a.mean.total_cmp(&b.mean)) else {
            return "Nothing was trained from random weights.".into();
        };
        let Some(enough) = transfer.iter().find(|band| band.mean >= best.mean) else {
            return format!(
                "Transfer saves nothing here: from random weights {} images a class reach an AUC of {:.3}, which \
                 transfer does not.",
                best.images_per_class, best.mean
            );
        };
        let most = if enough == &transfer[0] { "at most " } else { "" };
        format!(
            "From random weights the best is an AUC of {:.3}, with {} labelled images a class, in {:.1} minutes of \
             training. Transfer is that good ({:.3}) with {most}{} images a class, in {:.1} minutes: it saves {} labelled \
             images a class and {:.1} minutes.",
            best.mean,
            best.images_per_class,
            best.seconds / 60.0,
            enough.mean,
            enough.images_per_class,
            enough.seconds / 60.0,
            best.images_per_class.saturating_sub(enough.images_per_class),
            (best.seconds - enough.seconds) / 60.0,
        )
    }

    /// A row for each number of images.
    pub fn table(&self) -> String {
        let mut text = String::from(
            "| images a class | transfer: AUC (least–most) | seconds | random weights: AUC (least–most) | seconds |\n\
             |---|---|---|---|---|\n",
        );
        let random = self.bands(Start::Random);
        for band in self.bands(Start::Transfer) {
            let cell = |band: &Band| {
                format!("{:.3} ({:.3}–{:.3}) | {:.1}", band.mean, band.low, band.high, band.seconds)
            };
            let other = random.iter().find(|other| other.images_per_class == band.images_per_class);
            let other = other.map_or("– | –".into(), cell);
            text += &format!("| {} | {} | {other} |\n", band.images_per_class, cell(&band));
        }
        text
    }
}

/// Trains at every size, and writes `learning-curve.json`, `.md` and `.svg` into the job's folder.
///
/// # Errors
/// As [`super::train`], and [`Error::Usage`] when no size fits the data.
pub fn learning_curve(job: &Job, question: &Question, observer: &mut dyn Observer) -> Result<LearningCurve> {
    job.recipe.check()?;
    let start = Instant::now();
    let (dataset, positive) = prepare(job, observer)?;
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
    let curve = LearningCurve {
        backbone: job.recipe.backbone.clone(),
        image_size: study.backbone.preprocess.size,
        test_images: study.test().len(),
        images_seen: study.seen,
        points,
        seconds: start.elapsed().as_secs_f64(),
    };
    write(&curve, &job.out)?;
    Ok(curve)
}

fn write(curve: &LearningCurve, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
    let json = serde_json::to_string_pretty(curve).expect("plain structs become JSON") + "\n";
    write_whole(&folder.join("learning-curve.json"), json.as_bytes())?;
    let text = format!("{}\n{}\n", curve.table(), curve.in_words());
    write_whole(&folder.join("learning-curve.md"), text.as_bytes())?;
    write_whole(&folder.join("learning-curve.svg"), learning_curve_svg(curve).as_bytes())
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
        return Err(Error::Usage(format!(
            "--images: expected numbers from {VALIDATE} to {rarest}, the images of the rarest class, found {wanted:?}"
        )));
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
        let backbone = Backbone::load_at(&job.recipe.backbone, job.weights.as_deref(), job.image_size)?;
        let mut subset: Vec<usize> = chosen
            .iter()
            .flat_map(|order| first_of_each(&dataset, order, largest))
            .chain((0..dataset.samples.len()).filter(|index| !labelled(&dataset.samples[*index])))
            .collect();
        subset.sort_unstable();
        subset.dedup();
        let samples: Vec<Sample> = subset.iter().map(|index| dataset.samples[*index].clone()).collect();
        let classes = dataset.classes.len();
        let trunk = Grafted::new(backbone.clone(), &job.recipe, classes, job.seed)?;
        let whole = Grafted::new(backbone.clone(), &everything(&job.recipe), classes, job.seed)?;
        let features = trunk.extractor.extract(&samples, &job.cache, observer)?;
        let pixels = whole.extractor.extract(&samples, &job.cache, observer)?;
        let seconds_per_image = seconds_per_image(&trunk);
        Ok(Self { job, dataset, positive, backbone, features, pixels, subset, seconds_per_image, seen: 0 })
    }

    /// Test images among the subset.
    fn test(&self) -> Vec<usize> {
        self.subset.iter().copied().filter(|index| !labelled(&self.dataset.samples[*index])).collect()
    }

    /// How many images each training may see for all to fit into the time.
    fn images_seen(&self, sizes: &[usize], question: &Question, spent: Duration) -> usize {
        let classes = self.dataset.classes.len();
        let whole = Grafted::new(self.backbone.clone(), &everything(&self.job.recipe), classes, 0);
        let rate = whole.map_or(1.0, |whole| tail_step(&whole, &self.job.recipe));
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
        let mut net = Grafted::new(self.backbone.clone(), &recipe, classes, seed)?;
        if kind == Start::Random {
            self.forget(&mut net, &train, seed);
        }
        let data = Data {
            records: &extracted.records,
            labels: &labels,
            train: &train,
            validation: &validation,
            classes,
            positive: self.positive,
        };
        let fit = Fit { tail: &net.tail, data: &data, recipe: &recipe, seed };
        let fitted = fit.run(&net.weights, None, &mut Quiet(observer))?;
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
        let recipe = Recipe { epochs, patience: epochs, ..self.job.recipe.clone() };
        match kind {
            Start::Transfer => recipe,
            Start::Random => Recipe { learning_rate: RANDOM_RATE, ..everything(&recipe) },
        }
    }

    /// Replaces the pretrained weights.
    fn forget(&self, net: &mut Grafted, train: &[usize], seed: u64) {
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
fn seconds_per_image(net: &Grafted) -> f64 {
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

impl crate::features::Progress for Quiet<'_> {
    fn estimated(&mut self, _: usize, _: Duration) {}
    fn extracted(&mut self, _: usize, _: usize, _: usize) {}
    fn set_aside(&mut self, _: &str, _: &str) {}
    fn stop(&self) -> bool {
        self.0.stop()
    }
}

impl Observer for Quiet<'_> {
    fn say(&mut self, _: &str) {}
    fn warn(&mut self, _: &str) {}
    fn step(&mut self, _: usize, _: usize, _: usize) {}
    fn epoch(&mut self, _: &EpochRecord) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(Start, usize, f64)]) -> LearningCurve {
        let point = |(start, images_per_class, auc): &(Start, usize, f64)| Point {
            start: *start,
            images_per_class: *images_per_class,
            seed: 0,
            auc: *auc,
            accuracy: 0.5,
            seconds: if *start == Start::Transfer { 6.0 } else { 60.0 },
        };
        LearningCurve {
            backbone: "net".into(),
            image_size: 32,
            test_images: 10,
            images_seen: 100,
            points: points.iter().map(point).collect(),
            seconds: 1.0,
        }
    }

    #[test]
    fn what_transfer_saves_is_counted() {
        use Start::{Random, Transfer};
        let points = [
            (Transfer, 25, 0.7),
            (Transfer, 50, 0.9),
            (Random, 25, 0.5),
            (Random, 50, 0.6),
            (Random, 50, 0.8),
        ];
        let words = curve(&points).in_words();
        assert!(words.contains("an AUC of 0.700, with 50 labelled images"), "{words}");
        assert!(
            words.contains("at most 25 images a class") && words.contains("saves 25 labelled"),
            "{words}"
        );
        let bands = curve(&points).bands(Random);
        assert_eq!((bands[1].mean, bands[1].low, bands[1].high), (0.7, 0.6, 0.8));
        let worse = curve(&[(Transfer, 25, 0.6), (Random, 25, 0.7)]).in_words();
        assert!(worse.starts_with("Transfer saves nothing here"), "{worse}");
        assert!(
            curve(&points)
                .table()
                .contains("| 50 | 0.900 (0.900–0.900) | 6.0 | 0.700 (0.600–0.800) | 60.0 |")
        );
    }
}
