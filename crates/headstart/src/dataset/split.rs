//! Cutting a split: stratified by class, never through a group, decided by the seed.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

use sha2::{Digest as _, Sha256};

use super::{Dataset, Digest, Sample, Split};

/// Moves about `fraction` of each class's trainable images to `split`, and the rest to
/// [`Split::Train`]. Each class that has at least two groups has images on both sides.
pub(super) fn cut(dataset: &mut Dataset, split: Split, fraction: f64, seed: u64) {
    let ranked = ranked(dataset, split, seed);
    let counts =
        |group: &[Ranked]| count(group.iter().map(|(_, index)| dataset.samples[*index as usize].label));
    let all = dataset.count(Sample::is_trainable);
    let Ok(mut choice) = Choice::new(all, fraction, |take| {
        groups(&ranked).for_each(|group| take(group[0].0, &counts(group)));
        Ok::<_, Infallible>(())
    });
    let chosen: Vec<bool> = groups(&ranked).map(|group| choice.takes(group[0].0, &counts(group))).collect();
    for (group, chosen) in groups(&ranked).zip(chosen) {
        let split = if chosen { split } else { Split::Train };
        group.iter().for_each(|(_, index)| dataset.samples[*index as usize].split = Some(split));
    }
}

/// Of a group: the first bytes of a hash. Two groups of which they are the same go to the same side.
pub(super) type Rank = u64;
/// A trainable sample behind the rank of its group. Of a million there are a million of these and
/// nothing else, so that they are small.
type Ranked = (Rank, u32);

/// The trainable samples, those of a group together. Groups, a sample without group being one, come in
/// the order of a hash of their names: a file that is added later moves few of the others, and the
/// bits depend on no random number generator.
fn ranked(dataset: &Dataset, split: Split, seed: u64) -> Vec<Ranked> {
    let trainable = dataset.samples.iter().enumerate().filter(|(_, sample)| sample.is_trainable());
    let rank = |sample: &Sample| rank((sample.group.as_deref(), sample.path()), split, seed);
    let mut ranked: Vec<Ranked> = trainable.map(|(index, sample)| (rank(sample), index as u32)).collect();
    ranked.sort_unstable();
    ranked
}

fn groups(ranked: &[Ranked]) -> impl Iterator<Item = &[Ranked]> {
    ranked.chunk_by(|left, right| left.0 == right.0)
}

/// The rank of a group, or of an image without one, when a split is cut.
pub(super) fn rank((group, path): (Option<&str>, &str), split: Split, seed: u64) -> Rank {
    // A file may be named as a group is.
    let (kind, name) = match group {
        Some(group) => ("group", group),
        None => ("path", path),
    };
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for part in [split.name(), "\0", kind, "\0", name] {
        hash.update(part);
    }
    let digest: Digest = hash.finalize().into();
    Rank::from_be_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
}

/// The classes that a group has images of, and how many: of thousands of classes a group has few.
pub(super) type Counts = Vec<(usize, usize)>;

/// Numbers of labels.
pub(super) fn count(labels: impl Iterator<Item = usize>) -> Counts {
    let mut counts = BTreeMap::new();
    labels.for_each(|label| *counts.entry(label).or_insert(0) += 1);
    counts.into_iter().collect()
}

/// Which groups go over to the split that is cut: decided for one after the other, so that they need not be in memory.
pub(super) struct Choice {
    /// How many images of each class should.
    wanted: Vec<usize>,
    /// Images of each class that are left to train with.
    left: Vec<usize>,
    taken: Vec<usize>,
    /// Groups that go over although there is no room for them.
    exceptions: HashSet<Rank>,
}

/// A group: its images, its rank, and the classes of its images.
type Group = (usize, Rank, Counts);

impl Choice {
    /// `all` are the trainable images of each class. `groups` hands out the rank of each group and its trainable images
    /// of each class; it is called at least once and does the same each time.
    pub(super) fn new<E>(
        all: Vec<usize>,
        fraction: f64,
        mut groups: impl FnMut(&mut dyn FnMut(Rank, &[(usize, usize)])) -> Result<(), E>,
    ) -> Result<Self, E> {
        let wanted = |count: &usize| ((*count as f64 * fraction).round() as usize).clamp(1, (*count).max(1));
        let wanted: Vec<usize> = all.iter().map(wanted).collect();
        let start = |exceptions| Self {
            wanted: wanted.clone(),
            left: all.clone(),
            taken: vec![0; all.len()],
            exceptions,
        };
        let mut trial = start(HashSet::new());
        groups(&mut |rank, counts| _ = trial.takes(rank, counts))?;
        let without = |trial: &Self, class: usize| trial.taken[class] == 0 && all[class] > 1;
        if !(0..all.len()).any(|class| without(&trial, class)) {
            return Ok(start(trial.exceptions));
        }
        // A class whose groups are all larger than its share gets the smallest, rather than none.
        let mut candidates = BTreeMap::<usize, Vec<Group>>::new();
        groups(&mut |rank, counts| {
            let images = counts.iter().map(|(_, count)| count).sum();
            for (class, _) in counts.iter().filter(|(class, _)| without(&trial, *class)) {
                candidates.entry(*class).or_default().push((images, rank, counts.to_vec()));
            }
        })?;
        for (class, groups) in candidates {
            if trial.taken[class] > 0 {
                continue;
            }
            let possible = groups.into_iter().filter(|(_, _, counts)| trial.leaves_some(counts));
            // The first of the smallest.
            if let Some((_, rank, counts)) = possible.min_by_key(|(images, ..)| *images) {
                trial.take(&counts);
                trial.exceptions.insert(rank);
            }
        }
        Ok(start(trial.exceptions))
    }

    /// Whether a group goes over. To be asked for each, in the order in which [`Choice::new`] saw them.
    pub(super) fn takes(&mut self, rank: Rank, counts: &[(usize, usize)]) -> bool {
        let has_room = self.has_room(counts);
        if has_room {
            self.take(counts);
        }
        has_room || self.exceptions.contains(&rank)
    }

    fn has_room(&self, counts: &[(usize, usize)]) -> bool {
        counts.iter().all(|(class, count)| self.taken[*class] + count <= self.wanted[*class])
            && self.leaves_some(counts)
    }

    /// Whether each class of the group has images elsewhere.
    fn leaves_some(&self, counts: &[(usize, usize)]) -> bool {
        counts.iter().all(|(class, count)| *count < self.left[*class])
    }

    fn take(&mut self, counts: &[(usize, usize)]) {
        for (class, count) in counts {
            self.taken[*class] += count;
            self.left[*class] -= count;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::dataset;
    use super::*;

    /// Both splits that can be cut, from data with groups that may span classes.
    fn arbitrary() -> impl Strategy<Value = (Dataset, f64, u64)> {
        let counts = prop::collection::vec(2..60usize, 2..4);
        (counts, 1..12usize, 0.05..0.5f64, any::<u64>()).prop_map(|(counts, size, fraction, seed)| {
            let group = |label: usize, index: usize| {
                (!(index + label).is_multiple_of(3)).then(|| format!("patient{}", index / size))
            };
            (dataset(&counts, group), fraction, seed)
        })
    }

    fn splits(dataset: &Dataset) -> BTreeMap<String, Option<Split>> {
        dataset.samples.iter().map(|sample| (sample.path().to_string(), sample.split)).collect()
    }

    proptest! {
        #[test]
        fn no_group_is_in_two_splits((mut dataset, fraction, seed) in arbitrary()) {
            dataset.assign_test(fraction, seed);
            dataset.assign_validation(fraction, seed);
            prop_assert_eq!(dataset.shared_groups(), 0);
        }

        #[test]
        fn every_sample_is_in_one_split((before, fraction, seed) in arbitrary()) {
            let mut after = before.clone();
            after.assign_test(fraction, seed);
            after.assign_validation(fraction, seed);
            let splits = splits(&after);
            prop_assert_eq!(splits.len(), before.samples.len());
            prop_assert_eq!(after.samples.len(), before.samples.len());
            prop_assert!(splits.values().all(Option::is_some));
        }

        #[test]
        fn the_same_seed_is_the_same_split((before, fraction, seed) in arbitrary()) {
            let cut = |mut dataset: Dataset| { dataset.assign_validation(fraction, seed); splits(&dataset) };
            let mut reversed = before.clone();
            reversed.samples.reverse();
            prop_assert_eq!(cut(before), cut(reversed));
        }

        #[test]
        fn single_images_give_the_exact_fraction(
            counts in prop::collection::vec(2..200usize, 2..5), fraction in 0.01..0.9f64, seed: u64
        ) {
            let mut dataset = dataset(&counts, |_, _| None);
            dataset.assign_validation(fraction, seed);
            for (count, taken) in counts.iter().zip(dataset.counts(Split::Validation)) {
                let wanted = (*count as f64 * fraction).round() as usize;
                prop_assert_eq!(taken, wanted.clamp(1, count - 1));
            }
        }

        #[test]
        fn groups_keep_the_fraction_roughly(count in 100..300usize, fraction in 0.1..0.5f64, seed: u64) {
            let size = 5;
            let mut dataset = dataset(&[count, 2 * count], |label, index| Some(format!("{label}-{}", index / size)));
            dataset.assign_validation(fraction, seed);
            for (count, taken) in [count, 2 * count].iter().zip(dataset.counts(Split::Validation)) {
                let wanted = (*count as f64 * fraction).round() as usize;
                prop_assert!(taken <= wanted && taken + size > wanted, "{taken} of {wanted}");
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        let cut = |seed| {
            let mut dataset = dataset(&[50, 50], |_, _| None);
            dataset.assign_validation(0.3, seed);
            splits(&dataset)
        };
        assert_ne!(cut(1), cut(2));
    }

    #[test]
    fn large_groups_still_leave_a_class_in_both_splits() {
        let mut dataset = dataset(&[20, 20], |label, index| Some(format!("{label}-{}", index / 10)));
        dataset.assign_validation(0.2, 7);
        assert_eq!(dataset.counts(Split::Validation), [10, 10]);
        assert_eq!(dataset.counts(Split::Train), [10, 10]);
    }

    #[test]
    fn one_group_stays_in_training() {
        let mut dataset = dataset(&[5, 5], |label, _| Some(format!("{label}")));
        dataset.assign_validation(0.4, 7);
        assert!(!dataset.has_validation());
        assert_eq!(dataset.counts(Split::Train), [5, 5]);
    }

    #[test]
    fn a_given_test_split_is_left_alone() {
        let mut dataset = dataset(&[10, 10], |_, _| None);
        dataset.samples.iter_mut().step_by(2).for_each(|sample| sample.split = Some(Split::Test));
        dataset.assign_validation(0.4, 7);
        assert_eq!(dataset.counts(Split::Test), [5, 5]);
        assert_eq!(dataset.counts(Split::Validation), [2, 2]);
    }
}
