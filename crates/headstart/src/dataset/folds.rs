//! Cutting data into folds: units stay whole, and each fold has about its share of each class.

use std::collections::{BTreeMap, HashMap};

use super::Dataset;
use super::clusters::Clusters;
use crate::random::Random;

/// For each sample the first of those that it must share a fold with: its group and its duplicates.
pub(crate) fn units(dataset: &Dataset, mut ties: Clusters) -> Vec<usize> {
    let mut groups = HashMap::<&str, usize>::new();
    for (index, sample) in dataset.samples.iter().enumerate() {
        if let Some(group) = &sample.group {
            ties.join(*groups.entry(group).or_insert(index), index);
        }
    }
    (0..dataset.samples.len()).map(|sample| ties.first(sample)).collect()
}

/// The first class that has too few units to be in the training part of every fold.
pub(crate) fn too_few(classes: usize, labels: &[usize], units: &[usize], folds: usize) -> Option<usize> {
    let mut counts = vec![0; classes];
    for unit in sizes(labels, units).values() {
        unit.keys().for_each(|class| counts[*class] += 1);
    }
    counts.iter().position(|count| *count < folds)
}

/// The fold of each image: that of its unit, which goes where its class has fewest images so far.
pub(crate) fn folds(
    classes: usize,
    labels: &[usize],
    units: &[usize],
    folds: usize,
    seed: u64,
) -> Vec<usize> {
    let sizes = sizes(labels, units);
    let mut order: Vec<usize> = sizes.keys().copied().collect();
    Random::new(seed, 0xf01d).shuffle(&mut order);
    // Large ones first: the small ones then even out.
    order.sort_by_key(|unit| std::cmp::Reverse(sizes[unit].values().sum::<usize>()));
    let mut filled = vec![vec![0; classes]; folds];
    let mut fold_of = BTreeMap::new();
    for unit in order {
        let images = &sizes[&unit];
        let rarest = |fold: &usize| images.keys().map(|class| filled[*fold][*class]).min();
        let fold = (0..folds).min_by_key(rarest).unwrap_or_default();
        images.iter().for_each(|(class, images)| filled[fold][*class] += images);
        fold_of.insert(unit, fold);
    }
    units.iter().map(|unit| fold_of[unit]).collect()
}

/// Images by unit, and by those classes that the unit has images of.
fn sizes(labels: &[usize], units: &[usize]) -> BTreeMap<usize, BTreeMap<usize, usize>> {
    let mut sizes = BTreeMap::<usize, BTreeMap<usize, usize>>::new();
    for (label, unit) in labels.iter().zip(units) {
        *sizes.entry(*unit).or_default().entry(*label).or_insert(0) += 1;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_even_and_units_whole() {
        let labels: Vec<usize> = (0..300).map(|index| usize::from(index % 3 == 0)).collect();
        let units: Vec<usize> = (0..300).map(|index| if index < 90 { index / 6 } else { index }).collect();
        let folds = folds(2, &labels, &units, 5, 7);
        for (unit, fold) in units.iter().zip(&folds) {
            let mut others = units.iter().zip(&folds).filter(|(other, _)| *other == unit);
            assert!(others.all(|(_, other)| other == fold));
        }
        for class in 0..2 {
            for fold in 0..5 {
                let images = labels.iter().zip(&folds).filter(|(l, f)| **l == class && **f == fold).count();
                let even = labels.iter().filter(|label| **label == class).count() / 5;
                assert!(images.abs_diff(even) <= 2, "{images} of class {class} in fold {fold}");
            }
        }
    }

    #[test]
    fn a_class_in_few_units_is_told() {
        assert_eq!(too_few(2, &[0, 0, 0, 1, 1, 1], &[0, 1, 2, 3, 3, 4], 3), Some(1));
        assert_eq!(too_few(2, &[0, 0, 0, 1, 1, 1], &[0, 1, 2, 3, 4, 5], 3), None);
    }
}
