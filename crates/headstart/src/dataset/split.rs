//! Cutting a split: stratified by class, never through a patient, seeded.

use std::collections::BTreeMap;

use super::{Dataset, Split};
use crate::random::Random;

/// Stream of random numbers for splits.
const STREAM: u64 = 0x5eed_0001;

/// Moves about `fraction` of each class's training images to `split`.
pub(super) fn cut(dataset: &mut Dataset, split: Split, fraction: f64, seed: u64) {
    let mut random = Random::new(seed, STREAM + split as u64);
    let mut wanted: Vec<usize> = dataset
        .counts(Split::Train)
        .iter()
        .map(|count| ((*count as f64 * fraction).round() as usize).max(1).min(count.saturating_sub(1)))
        .collect();
    for group in shuffled_groups(dataset, &mut random) {
        let mut counts = vec![0; wanted.len()];
        group.iter().for_each(|index| counts[dataset.samples[*index].label] += 1);
        // A patient goes over whole, when every class that it has images of still has room.
        if counts.iter().zip(&wanted).all(|(count, room)| count <= room) {
            group.iter().for_each(|index| dataset.samples[*index].split = split);
            wanted.iter_mut().zip(&counts).for_each(|(room, count)| *room -= count);
        }
    }
}

/// The training images as groups of indices: one patient, or one image by itself.
fn shuffled_groups(dataset: &Dataset, random: &mut Random) -> Vec<Vec<usize>> {
    let mut groups = BTreeMap::<&str, Vec<usize>>::new();
    for (index, sample) in dataset.samples.iter().enumerate() {
        if sample.split == Split::Train {
            groups.entry(sample.group.as_ref().unwrap_or(&sample.path)).or_default().push(index);
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    random.shuffle(&mut groups);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Sample;

    fn dataset(images: usize) -> Dataset {
        let sample = |index: usize| Sample {
            path: format!("{index:04}"),
            file: "".into(),
            label: usize::from(index.is_multiple_of(4)),
            split: Split::Train,
            group: (!index.is_multiple_of(3)).then(|| format!("p{}", index / 7)),
        };
        let classes = vec!["a".into(), "b".into()];
        Dataset { classes, samples: (0..images).map(sample).collect() }
    }

    #[test]
    fn no_patient_is_in_two_splits_and_the_classes_keep_their_share() {
        for seed in 0..20 {
            let mut cut = dataset(400);
            cut.cut(Split::Validation, 0.2, seed);
            assert_eq!(cut.shared_groups(), 0);
            assert_eq!(cut.samples.len(), 400);
            let counts = cut.counts(Split::Validation);
            assert!((50..=60).contains(&counts[0]) && (17..=20).contains(&counts[1]), "{counts:?}");
        }
    }

    #[test]
    fn the_seed_decides() {
        let cut = |seed| {
            let mut cut = dataset(100);
            cut.cut(Split::Validation, 0.3, seed);
            cut
        };
        assert_eq!(cut(1), cut(1));
        assert_ne!(cut(1), cut(2));
    }
}
