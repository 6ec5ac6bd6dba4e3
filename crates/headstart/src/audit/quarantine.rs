//! Which files to leave out of training: what is certainly of no use. The rest is for people to judge.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Audit, Duplicates, OddityKind, Place};

impl Audit {
    /// Paths, sorted, of
    /// - files that cannot be used,
    /// - pictures that are black or white all over,
    /// - exact duplicates: all of them when they have more than one label, else all but one,
    /// - near duplicates of images of another split.
    ///
    /// Of duplicates in several splits those in the one that is most held out are kept.
    pub fn quarantine(&self) -> Vec<&str> {
        let faults = self.faults.iter().map(|fault| &fault.image);
        let empty = self
            .oddities
            .iter()
            .filter(|odd| matches!(odd.kind, OddityKind::Black | OddityKind::White))
            .map(|odd| &odd.image);
        let exact = self.exact_duplicates.iter().flat_map(copies);
        let near = self.near_duplicates.iter().flat_map(from_other_splits);
        let all: BTreeSet<&str> =
            faults.chain(empty).chain(exact).chain(near).map(|image| image.path.as_str()).collect();
        all.into_iter().collect()
    }
}

fn copies(duplicates: &Duplicates) -> Vec<&Place> {
    let mut images: Vec<&Place> = duplicates.images.iter().collect();
    if !duplicates.across_classes {
        images.sort_by_key(|image| Reverse(image.split));
        images.remove(0);
    }
    images
}

fn from_other_splits(duplicates: &Duplicates) -> Vec<&Place> {
    let kept = duplicates.images.iter().map(|image| image.split).max().flatten();
    duplicates.images.iter().filter(|image| image.split != kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Split;

    fn duplicates(images: &[(&str, &str, Option<Split>)]) -> Duplicates {
        let place = |(path, class, split): &(&str, &str, Option<Split>)| Place {
            index: 0,
            path: path.to_string(),
            class: class.to_string(),
            split: *split,
        };
        let images: Vec<Place> = images.iter().map(place).collect();
        let across_classes = images.iter().any(|image| image.class != images[0].class);
        Duplicates { images, across_classes, across_splits: true, distance: 0, mirrored: false }
    }

    fn paths(places: Vec<&Place>) -> Vec<&str> {
        places.into_iter().map(|place| place.path.as_str()).collect()
    }

    #[test]
    fn the_copy_that_is_most_held_out_is_kept() {
        let (train, test) = (Some(Split::Train), Some(Split::Test));
        let same = duplicates(&[("1", "a", train), ("2", "a", test), ("3", "a", train), ("4", "a", test)]);
        assert_eq!(paths(copies(&same)), ["4", "1", "3"]);
        assert_eq!(paths(from_other_splits(&same)), ["1", "3"]);
        let no_split = duplicates(&[("1", "a", None), ("2", "a", None)]);
        assert_eq!(paths(copies(&no_split)), ["2"]);
        assert!(from_other_splits(&no_split).is_empty());
    }

    #[test]
    fn of_copies_with_two_labels_none_is_kept() {
        let two = duplicates(&[("1", "a", Some(Split::Train)), ("2", "b", Some(Split::Test))]);
        assert_eq!(paths(copies(&two)), ["1", "2"]);
    }
}
