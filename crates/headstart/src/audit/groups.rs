//! How many images there are of what, and which groups lie in two splits.

use std::collections::BTreeMap;

use super::{Counts, SharedGroup};
use crate::dataset::{Dataset, Split};

/// Images by split and class, for the splits that there are.
pub(super) fn counts(dataset: &Dataset) -> Vec<Counts> {
    let mut counts = BTreeMap::<Option<Split>, Vec<usize>>::new();
    for sample in &dataset.samples {
        counts.entry(sample.split).or_insert_with(|| vec![0; dataset.classes.len()])[sample.label] += 1;
    }
    let counts = counts.into_iter();
    counts.map(|(split, images)| Counts { split, imbalance: imbalance(&images), images }).collect()
}

/// The largest class over the smallest, of which there is at least one image.
pub(super) fn imbalance(images: &[usize]) -> f64 {
    let (least, most) = (images.iter().min(), images.iter().max());
    most.zip(least).map_or(1.0, |(most, least)| *most as f64 / *least as f64)
}

/// Images by class, whatever their split.
pub(super) fn all(counts: &[Counts]) -> Vec<usize> {
    let classes = counts.first().map_or(0, |split| split.images.len());
    (0..classes).map(|class| counts.iter().map(|split| split.images[class]).sum()).collect()
}

/// Groups with images in more than one split.
pub(super) fn shared(dataset: &Dataset) -> Vec<SharedGroup> {
    let mut groups = BTreeMap::<&str, BTreeMap<Split, usize>>::new();
    for sample in &dataset.samples {
        if let (Some(group), Some(split)) = (&sample.group, sample.split) {
            *groups.entry(group).or_default().entry(split).or_default() += 1;
        }
    }
    let shared = groups.into_iter().filter(|(_, images)| images.len() > 1);
    shared
        .map(|(group, images)| SharedGroup { group: group.into(), images: images.into_iter().collect() })
        .collect()
}
