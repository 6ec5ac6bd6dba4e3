//! Pictures that are there more than once: the same bytes, or nearly the same picture.

use std::collections::HashMap;

use super::confirm::confirmed;
use super::neighbours::{Pair, pairs};
use super::survey::Look;
use super::{Duplicates, Place};
use crate::dataset::clusters::Clusters;
use crate::dataset::{Dataset, Digest};
use crate::error::Result;
use crate::observer::Observer;
use crate::ranks::Ranks;

/// What was found, and which samples it ties together.
pub(super) struct Found {
    pub(super) exact: Vec<Duplicates>,
    pub(super) near: Vec<Duplicates>,
    /// Over all samples of the data.
    pub(super) ties: Clusters,
}

/// Two contents that show the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Same {
    contents: [Digest; 2],
    distance: u32,
    mirrored: bool,
}

/// All contents that show the same though their bytes differ. `looks` has an entry for each sample, `None` where it
/// cannot be used. Ranks share what has to be looked at again.
///
/// # Errors
/// [`crate::Error::Interrupted`].
pub(super) fn same(
    dataset: &Dataset,
    looks: &[Option<Look>],
    ranks: &Ranks,
    observer: &dyn Observer,
) -> Result<Vec<Same>> {
    // One of each content is compared. A flat picture is like any other flat one, which tells nothing.
    let hash = |sample: usize| Some((sample, looks[sample].as_ref()?.appearance.hashes?));
    let (samples, hashes): (Vec<usize>, Vec<_>) =
        copies(looks).iter().filter_map(|copies| hash(copies[0])).unzip();
    let of_samples = |pair: Pair| Pair { first: samples[pair.first], second: samples[pair.second], ..pair };
    let candidates = pairs(&hashes).into_iter().map(of_samples).collect();
    let content = |sample: usize| looks[sample].as_ref().map(|look| look.content);
    let told = |pair: Pair| {
        let contents = [content(pair.first)?, content(pair.second)?];
        Some(Same { contents, distance: pair.distance, mirrored: pair.view.mirrored })
    };
    Ok(confirmed(dataset, candidates, ranks, observer)?.into_iter().filter_map(told).collect())
}

/// Finds both kinds. `looks` has an entry for each sample, `None` where it cannot be used; `same` are the contents that
/// show the same, of these samples and perhaps others.
pub(super) fn find(dataset: &Dataset, looks: &[Option<Look>], same: &[Same]) -> Found {
    let mut ties = Clusters::new(looks.len());
    let copies = copies(looks);
    copies.iter().for_each(|copies| copies.iter().for_each(|copy| ties.join(copies[0], *copy)));
    let exact = copies.iter().filter(|copies| copies.len() > 1);
    let exact = exact.map(|copies| duplicates(dataset, copies, 0, false)).collect();

    let first: HashMap<Digest, usize> =
        copies.iter().filter_map(|copies| Some((looks[copies[0]].as_ref()?.content, copies[0]))).collect();
    let here = |same: &Same| {
        let [first, second] = same.contents.map(|content| first.get(&content).copied());
        Some(Tie { first: first?, second: second?, distance: same.distance, mirrored: same.mirrored })
    };
    let pairs: Vec<Tie> = same.iter().filter_map(here).collect();
    let mut near = Clusters::new(looks.len());
    for pair in &pairs {
        near.join(pair.first, pair.second);
        ties.join(pair.first, pair.second);
    }
    Found { exact: sorted(exact), near: sorted(near_clusters(dataset, near, &pairs, &copies)), ties }
}

/// Two samples of which the contents show the same.
struct Tie {
    first: usize,
    second: usize,
    distance: u32,
    mirrored: bool,
}

/// The samples by content: those with the same bytes in one list, in order.
fn copies(looks: &[Option<Look>]) -> Vec<Vec<usize>> {
    let mut lists: Vec<Vec<usize>> = Vec::new();
    let mut known = HashMap::<Digest, usize>::new();
    for (sample, look) in looks.iter().enumerate() {
        let Some(look) = look else { continue };
        let list = *known.entry(look.content).or_insert(lists.len());
        match lists.get_mut(list) {
            Some(copies) => copies.push(sample),
            None => lists.push(vec![sample]),
        }
    }
    lists
}

/// Clusters of two contents or more, with all copies of each.
fn near_clusters(
    dataset: &Dataset,
    mut near: Clusters,
    pairs: &[Tie],
    copies: &[Vec<usize>],
) -> Vec<Duplicates> {
    let mut links = HashMap::<usize, (u32, bool)>::new();
    for pair in pairs {
        let (distance, mirrored) = links.entry(near.first(pair.first)).or_default();
        (*distance, *mirrored) = ((*distance).max(pair.distance), *mirrored || pair.mirrored);
    }
    let mut members = HashMap::<usize, Vec<usize>>::new();
    for copies in copies {
        let first = near.first(copies[0]);
        if links.contains_key(&first) {
            members.entry(first).or_default().extend(copies);
        }
    }
    let cluster = |(first, mut samples): (usize, Vec<usize>)| {
        samples.sort_unstable();
        let (distance, mirrored) = links[&first];
        duplicates(dataset, &samples, distance, mirrored)
    };
    members.into_iter().map(cluster).collect()
}

fn duplicates(dataset: &Dataset, samples: &[usize], distance: u32, mirrored: bool) -> Duplicates {
    let images: Vec<Place> = samples.iter().map(|sample| Place::new(dataset, *sample)).collect();
    let differ = |differ: fn(&Place, &Place) -> bool| images.iter().any(|image| differ(image, &images[0]));
    let across_classes = differ(|left, right| left.class != right.class);
    let across_splits = differ(|left, right| left.split != right.split);
    Duplicates { images, across_classes, across_splits, distance, mirrored }
}

/// The worst first: two classes, then two splits, then many.
fn sorted(mut all: Vec<Duplicates>) -> Vec<Duplicates> {
    all.sort_by_key(|one| {
        (!one.across_classes, !one.across_splits, std::cmp::Reverse(one.images.len()), one.images[0].index)
    });
    all
}
