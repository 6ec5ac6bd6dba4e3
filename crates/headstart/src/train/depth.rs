//! How deep to unfreeze: one pass taps the features behind each block, linear probes tell what is known
//! there, and a stopwatch tells what training from there on costs.

use std::time::Duration;

use rayon::prelude::*;

use super::checkpoint;
use super::throughput::Stopwatch;
use super::{Job, Recipe};
use crate::backbone::spec::{Layer, Spec};
use crate::backbone::{Backbone, Unfreeze};
use crate::compiled::Stages;
use crate::dataset::{Dataset, Split, clusters::Clusters, folds};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::evaluate::positive_score;
use crate::features::input;
use crate::gate::pool;
use crate::image::Limits;
use crate::observer::Observer;
use crate::probe::{Features, Table, out_of_fold};
use crate::random::Random;
use crate::trunk::Buffers;

/// How long a training may take unless the user says.
pub const BUDGET: Duration = Duration::from_secs(600);
/// Training images that are looked at.
const SAMPLE: usize = 400;
/// Blocks of the backbone that may be trained, at most.
const DEPTHS: usize = 6;
/// Images that run through the net at a time.
const BATCH: usize = 16;
const FOLDS: usize = 5;
/// A difference of log losses that means nothing, however sure it is.
const NEGLIGIBLE: f64 = 0.01;
/// Stream of random numbers.
const STREAM: u64 = 0xde97;

/// A depth that training may start at.
struct Depth {
    /// Blocks before the cut.
    cut: usize,
    unfreeze: Unfreeze,
    /// Mean log loss of probes on the features at the cut, and its standard error.
    loss: f64,
    error: f64,
    time: Duration,
}

/// Whether a backbone has the block that a recipe names.
///
/// # Errors
/// [`Error::Usage`].
pub(super) fn check(unfreeze: &Unfreeze, spec: &Spec) -> Result<()> {
    match unfreeze {
        Unfreeze::Auto => Ok(()),
        named => spec.cut(named).map(drop),
    }
}

/// What the recipe's `unfreeze` stands for on these images: itself, unless it is left to choose.
///
/// Chosen is, of the depths whose probe is at most a standard error worse than the best one's (Breiman
/// 1984; a hundredth of a nat is never too much), the deepest that the budget allows. Where a probe is
/// worse than that, the trunk does not see yet what tells the classes apart, and few images will not
/// teach it to the tail.
///
/// # Errors
/// Too few images for cross-validation, or [`Error::Interrupted`].
pub(super) fn resolve(
    job: &Job,
    backbone: &Backbone,
    (dataset, device): (&Dataset, &Device),
    observer: &mut dyn Observer,
) -> Result<Unfreeze> {
    if job.recipe.unfreeze != Unfreeze::Auto {
        return Ok(job.recipe.unfreeze.clone());
    }
    if let Some(chosen) = job.checkpoints.as_deref().filter(|_| job.resume).and_then(checkpoint::unfreeze) {
        observer.say(&format!("unfreeze {chosen}, as it was chosen before the stop"));
        return Ok(chosen);
    }
    observer.say(&format!("probing {} at each of its last blocks", backbone.spec.name));
    let depths = depths(job, backbone, (dataset, device), observer)?;
    let chosen = choose(&depths, job.budget);
    observer.say("train from        probe's log loss    whole training");
    for depth in &depths {
        let mark = if std::ptr::eq(depth, chosen) { "  <- chosen" } else { "" };
        observer.say(&format!(
            "{:<16}  {:.4} ± {:.4}     {:>6}{mark}",
            depth.unfreeze.to_string(),
            depth.loss,
            depth.error,
            minutes(depth.time)
        ));
    }
    observer.say(&reason(&depths, chosen, job.budget));
    Ok(chosen.unfreeze.clone())
}

/// The head alone first, then a block more each.
fn depths(
    job: &Job,
    backbone: &Backbone,
    (dataset, device): (&Dataset, &Device),
    observer: &mut dyn Observer,
) -> Result<Vec<Depth>> {
    let blocks = backbone.spec.blocks.len();
    let cuts: Vec<usize> = (1..=blocks).rev().take(DEPTHS + 1).collect();
    let sample = sample(dataset, job.seed);
    let Taps { kept, rows } = taps((backbone, dataset), device, &sample, &cuts, observer)?;
    let labels: Vec<usize> = kept.iter().map(|index| dataset.samples[*index].label).collect();
    let units = folds::units(dataset, Clusters::new(dataset.samples.len()));
    let units: Vec<usize> = kept.iter().map(|index| units[*index]).collect();
    let classes = dataset.classes.len();
    if let Some(class) = folds::too_few(classes, &labels, &units, FOLDS) {
        let expected = format!("at least {FOLDS} training images of each class to choose what to unfreeze");
        return Err(Error::invalid(&dataset.root, expected, format!("fewer of {}", dataset.classes[class])));
    }
    let fold_of = folds::folds(classes, &labels, &units, FOLDS, job.seed);
    let mut depths = Vec::with_capacity(cuts.len());
    for (cut, rows) in cuts.into_iter().zip(rows) {
        let features = Features::of_rows(&rows);
        let scores = out_of_fold(&Table::new(&features, &labels, classes), &fold_of, observer)?;
        let losses: Vec<f64> = scores
            .iter()
            .zip(&labels)
            .map(|(row, label)| -positive_score(row, *label).max(f64::from(f32::MIN_POSITIVE)).ln())
            .collect();
        let count = losses.len() as f64;
        let loss = losses.iter().sum::<f64>() / count;
        let variance = losses.iter().map(|one| (one - loss).powi(2)).sum::<f64>() / (count - 1.0);
        let unfreeze = match backbone.spec.blocks.get(cut) {
            Some(block) => Unfreeze::Block(block.name.clone()),
            None => Unfreeze::Nothing,
        };
        let time = time(job, backbone, (dataset, device), &unfreeze)?;
        depths.push(Depth { cut, unfreeze, loss, error: (variance / count).sqrt(), time });
    }
    Ok(depths)
}

/// The deepest of those that know about as much as the best and fit into the budget; the quickest where
/// none fits.
fn choose(depths: &[Depth], budget: Duration) -> &Depth {
    let limit = limit(depths);
    let fitting = depths.iter().filter(|depth| depth.loss <= limit && depth.time <= budget);
    let quickest = depths.iter().min_by_key(|depth| depth.time);
    fitting.min_by_key(|depth| depth.cut).or(quickest).expect("there is always the head alone")
}

/// The largest loss that means as much knowledge as the best depth's.
fn limit(depths: &[Depth]) -> f64 {
    let best = depths.iter().min_by(|a, b| a.loss.total_cmp(&b.loss));
    best.map_or(f64::INFINITY, |best| best.loss + best.error.max(NEGLIGIBLE))
}

fn reason(depths: &[Depth], chosen: &Depth, budget: Duration) -> String {
    let deeper = depths.iter().filter(|depth| depth.cut < chosen.cut).max_by_key(|depth| depth.cut);
    let name = &chosen.unfreeze;
    match deeper {
        _ if chosen.time > budget => {
            format!("unfreeze {name}: nothing fits into {}; this is the quickest", minutes(budget))
        }
        Some(next) if next.time > budget && next.loss <= limit(depths) => {
            format!("unfreeze {name}: from {} on it would not fit into {}", next.unfreeze, minutes(budget))
        }
        Some(next) => format!(
            "unfreeze {name}: what the net knows before {} tells the classes apart less well",
            next.unfreeze
        ),
        None => format!("unfreeze {name}: the deepest that was looked at"),
    }
}

/// Training images, of each class alike, as far as there are.
fn sample(dataset: &Dataset, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..dataset.samples.len()).filter(|i| dataset.samples[*i].split == Some(Split::Train)).collect();
    Random::new(seed, STREAM).shuffle(&mut order);
    let share = SAMPLE.div_ceil(dataset.classes.len());
    let mut left = vec![share; dataset.classes.len()];
    order.retain(|index| {
        let left = &mut left[dataset.samples[*index].label];
        let taken = *left > 0;
        *left = left.saturating_sub(1);
        taken
    });
    order.sort_unstable();
    order
}

/// What passes the net's blocks.
struct Taps {
    /// The images that could be read.
    kept: Vec<usize>,
    /// For each cut the means over places of the maps there, a row for each of these images.
    rows: Vec<Vec<Vec<f32>>>,
}

/// Taps the features at each cut. What cannot be read is told when features are computed.
fn taps(
    (backbone, dataset): (&Backbone, &Dataset),
    device: &Device,
    sample: &[usize],
    cuts: &[usize],
    observer: &dyn Observer,
) -> Result<Taps> {
    let spec = &backbone.spec;
    let layers: Vec<&Layer> = spec.layers(0..spec.blocks.len()).collect();
    let ends: Vec<usize> = cuts.iter().map(|cut| spec.layers(0..*cut).count()).collect();
    let start = input(&backbone.preprocess);
    let stages = Stages::new(&layers, 0..layers.len(), &backbone.weights, start, &ends, device);
    let (mut kept, mut rows, mut buffers) = (Vec::new(), vec![Vec::new(); cuts.len()], Buffers::default());
    for batch in sample.chunks(BATCH) {
        if observer.stop() {
            return Err(Error::Interrupted);
        }
        let read = |index: &usize| {
            let image = dataset.samples[*index].read(&Limits::default()).ok()?;
            Some((*index, backbone.preprocess.apply(&image)))
        };
        let (indices, inputs): (Vec<usize>, Vec<Vec<f32>>) =
            batch.par_iter().filter_map(read).collect::<Vec<_>>().into_iter().unzip();
        let output = stages.forward(&inputs.concat(), indices.len(), &mut buffers, |end, shape, maps| {
            if let Some(place) = ends.iter().position(|other| *other == end) {
                rows[place].extend(pool(maps, shape));
            }
        });
        buffers.recycle(output);
        kept.extend(indices);
    }
    Ok(Taps { kept, rows })
}

/// What features and all epochs of all trainings will take from a cut on, by a batch of each.
fn time(
    job: &Job,
    backbone: &Backbone,
    (dataset, device): (&Dataset, &Device),
    unfreeze: &Unfreeze,
) -> Result<Duration> {
    let recipe = Recipe { unfreeze: unfreeze.clone(), ..job.recipe.clone() };
    let mut watch = Stopwatch::new(backbone.clone(), &recipe, device)?;
    let batch = recipe.batch_size as f64;
    // The first of each warms up.
    let trunk = [watch.trunk(), watch.trunk()][1].as_secs_f64() / batch;
    let step = [watch.tail_step(), watch.tail_step()][1].as_secs_f64() / batch;
    let of = |split| dataset.samples.iter().filter(|sample| sample.split == Some(split)).count() as f64;
    let views = 1.0 + recipe.augment.map_or(0, |augment| augment.views) as f64;
    let scored = 1.0 + recipe.test_views.len() as f64;
    let (train, others) = (of(Split::Train), of(Split::Validation) + of(Split::Test));
    let members = recipe.seeds * recipe.folds.unwrap_or(1);
    let fit = members as f64 * recipe.epochs as f64 * train * step;
    Ok(Duration::from_secs_f64((train * views + others * scored) * trunk + fit))
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{:.1} min", seconds as f64 / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head alone, then a block more each: the probe's loss and the seconds.
    fn depths(each: &[(f64, u64)]) -> Vec<Depth> {
        let depth = |(place, (loss, seconds)): (usize, &(f64, u64))| Depth {
            cut: each.len() - place,
            unfreeze: Unfreeze::Block(format!("b{}", each.len() - place)),
            loss: *loss,
            error: 0.02,
            time: Duration::from_secs(*seconds),
        };
        each.iter().enumerate().map(depth).collect()
    }

    #[test]
    fn the_deepest_that_pays_and_fits_is_chosen() {
        let all = depths(&[(0.31, 10), (0.30, 60), (0.315, 200), (0.33, 300)]);
        let chosen = |budget| {
            let budget = Duration::from_secs(budget);
            let chosen = choose(&all, budget);
            (chosen.cut, reason(&all, chosen, budget))
        };
        let (cut, why) = chosen(600);
        assert_eq!(cut, 2);
        assert!(why.ends_with("what the net knows before b1 tells the classes apart less well"), "{why}");
        let (cut, why) = chosen(100);
        assert_eq!((cut, why.as_str()), (3, "unfreeze b3: from b2 on it would not fit into 100 s"));
        let (cut, why) = chosen(5);
        assert_eq!((cut, why.as_str()), (4, "unfreeze b4: nothing fits into 5 s; this is the quickest"));
    }
}
