//! Which of the pairs whose hashes are close show the same picture: both are read again and laid on each other.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::neighbours::Pair;
use super::plane::Plane;
use super::registration::Print;
use crate::dataset::Dataset;
use crate::dataset::clusters::Clusters;
use crate::error::{Error, Result};
use crate::image::Limits;
use crate::observer::Observer;
use crate::ranks::Ranks;

/// Least correlation of the detail of two pictures that show the same. That of 1,564 pairs of one chest X-ray (Kermany et al.
/// 2018), scaled and compressed apart, is 0.81 at least, and so is that of the copies in `tests/copies.rs`. That of two
/// exposures of one patient is 0.64 at most, of two patients 0.53 and of two of the demo's phantoms 0.52.
const SAME: f32 = 0.72;
/// Pairs whose hashes differ in at most [`CLOSE`] bits need less: grain as fine as a pixel does not outlast another size and a
/// JPEG. No two of the X-rays are so close; of the demo's phantoms some are, and their detail correlates by 0.39 at most.
const SAME_IF_CLOSE: f32 = 0.55;
const CLOSE: u32 = 20;
/// Pairs of a picture that are looked at, the closest first: copies are among them.
const MOST: usize = 32;
/// Pairs that are looked at together; what they join need not be looked at again.
const WAVE: usize = 64;

/// The pairs of `candidates`, by sample, that show the same. A pair is left out where others join it already. Groups of pairs
/// that have no picture in common are dealt to the ranks, which tell each other what they found.
///
/// # Errors
/// [`Error::Interrupted`].
pub(super) fn confirmed(
    dataset: &Dataset,
    candidates: Vec<Pair>,
    ranks: &Ranks,
    observer: &dyn Observer,
) -> Result<Vec<Pair>> {
    let groups = groups(candidates, dataset.samples.len());
    let ours = groups.iter().enumerate().filter(|(group, _)| ranks.has(*group));
    let mut same = Clusters::new(dataset.samples.len());
    let found =
        ours.map(|(_, pairs)| within(dataset, pairs, &mut same, observer)).collect::<Result<Vec<_>>>()?;
    let mut all: Vec<_> = ranks.share(found)?.into_iter().map(Vec::into_iter).collect();
    let found_in = |(group, pairs): (usize, Vec<Pair>)| {
        let places = all[group % ranks.size()].next().unwrap_or_default();
        places.into_iter().map(|place: usize| pairs[place]).collect::<Vec<_>>()
    };
    Ok(groups.into_iter().enumerate().flat_map(found_in).collect())
}

/// The candidates that are looked at, in groups that have no picture in common.
fn groups(candidates: Vec<Pair>, samples: usize) -> Vec<Vec<Pair>> {
    let mut close = Clusters::new(samples);
    let candidates = closest(candidates);
    candidates.iter().for_each(|pair| close.join(pair.first, pair.second));
    let mut groups = BTreeMap::<usize, Vec<Pair>>::new();
    candidates.into_iter().for_each(|pair| groups.entry(close.first(pair.first)).or_default().push(pair));
    groups.into_values().collect()
}

/// The places of those among the pairs of a group that show the same.
fn within(
    dataset: &Dataset,
    pairs: &[Pair],
    same: &mut Clusters,
    observer: &dyn Observer,
) -> Result<Vec<usize>> {
    let (prints, mut found) = (prints(dataset, pairs), Vec::new());
    let places: Vec<usize> = (0..pairs.len()).collect();
    for wave in places.chunks(WAVE) {
        if observer.stop() {
            return Err(Error::Interrupted);
        }
        let mut is_open = |place: &usize| same.first(pairs[*place].first) != same.first(pairs[*place].second);
        let open: Vec<usize> = wave.iter().copied().filter(|place| is_open(place)).collect();
        let kept: Vec<usize> =
            open.into_par_iter().filter(|place| is_same(&prints, &pairs[*place])).collect();
        for place in kept {
            same.join(pairs[place].first, pairs[place].second);
            found.push(place);
        }
    }
    Ok(found)
}

/// The closest pairs of each picture, the closest first.
fn closest(mut pairs: Vec<Pair>) -> Vec<Pair> {
    pairs.sort_by_key(|pair| (pair.distance, pair.first, pair.second));
    let mut looked_at = HashMap::<usize, usize>::new();
    pairs.retain(|pair| {
        let counts = [pair.first, pair.second].map(|sample| {
            let count = looked_at.entry(sample).or_default();
            *count += 1;
            *count
        });
        counts.iter().any(|count| *count <= MOST)
    });
    pairs
}

/// Of the pictures in `pairs` that can be read.
fn prints(dataset: &Dataset, pairs: &[Pair]) -> HashMap<usize, Print> {
    let mut samples: Vec<usize> = pairs.iter().flat_map(|pair| [pair.first, pair.second]).collect();
    samples.sort_unstable();
    samples.dedup();
    let print = |sample: &usize| {
        let image = dataset.samples[*sample].read(&Limits::default()).ok()?;
        Some((*sample, Print::of(&Plane::of(&image).grey)))
    };
    samples.par_iter().filter_map(print).collect()
}

fn is_same(prints: &HashMap<usize, Print>, pair: &Pair) -> bool {
    let both = prints.get(&pair.first).zip(prints.get(&pair.second));
    let least = if pair.distance <= CLOSE { SAME_IF_CLOSE } else { SAME };
    both.is_some_and(|(first, second)| first.correlation(second, pair.view, pair.inverted) >= least)
}
