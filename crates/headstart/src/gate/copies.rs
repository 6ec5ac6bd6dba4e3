//! Copies of the training images that no camera makes: inverted, and upside down. What a net sees of them may lie
//! near what it sees of the images themselves, so a probe of its features learns to tell them apart.

use std::path::Path;

use super::{is_fitted, tensor, threshold};
use crate::backbone::weights::Weights;
use crate::error::Result;
use crate::probe::linear;

/// The penalty on the weights of a probe, an image.
const PENALTY: f64 = 1e-2;
/// Of the images as they are so many may look like copies to one probe.
const MISTAKEN: f64 = 0.005;
/// A probe that finds fewer of the copies of images that it did not see is left out: what it looks for cannot be
/// told in these images.
const FOUND: f64 = 0.9;
/// How far the boundary lies from the images towards their copies, as a share of the gap between them.
const MARGIN: f64 = 0.25;
/// Name in the sealed file.
const PROBES: &str = "gate.copies";

/// Features of images, a row for each.
type Rows = Vec<Vec<f32>>;

/// Features of images and of their copies.
pub struct Pairs {
    /// Of the images as they are, that the probes learn from.
    pub plain: Vec<Vec<f32>>,
    /// Of images as they are that the probes do not learn from: they say how often one looks like a copy.
    pub unseen: Vec<Vec<f32>>,
    /// Each kind of copy, of images to learn from and of others.
    pub copies: Vec<(Rows, Rows)>,
}

/// Linear probes of features, each of which tells one kind of copy.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Copies {
    /// `[probes, features + 1]`, the constant last. What a probe says is a distance: beyond the gate's threshold
    /// when it tells a copy.
    pub(crate) probes: Vec<f32>,
    /// Length of one probe.
    pub(crate) width: usize,
}

impl Copies {
    /// Whether its probes can have been fitted.
    pub(super) fn is_sound(&self) -> bool {
        self.probes.chunks_exact(self.width.max(1)).all(is_fitted)
    }

    /// Fits a probe for each kind of copy that can be told; one that tells it says more than `limit`.
    pub(super) fn fit(pairs: &Pairs, limit: f64) -> Self {
        let mut found = Self::default();
        for (seen, unseen) in &pairs.copies {
            if let Some(probe) = probe((&pairs.plain, seen), (&pairs.unseen, unseen), limit) {
                found.width = probe.len();
                found.probes.extend(probe.into_iter().map(|weight| weight as f32));
            }
        }
        found
    }

    /// The largest of what the probes say; 0 without one.
    pub(super) fn distance(&self, features: &[f32]) -> f64 {
        let probes = self.probes.chunks_exact(self.width.max(1));
        probes.map(|probe| value(probe.iter().copied().map(f64::from), features)).fold(0.0, f64::max)
    }

    pub(crate) fn count(&self) -> usize {
        self.probes.len() / self.width.max(1)
    }

    pub(super) fn store(&self, weights: &mut Weights) {
        if self.count() > 0 {
            weights.insert(PROBES, vec![self.count(), self.width], self.probes.clone());
        }
    }

    pub(super) fn read(weights: &Weights, count: usize, features: usize, path: &Path) -> Result<Self> {
        match count {
            0 => Ok(Self::default()),
            _ => {
                let width = features + 1;
                Ok(Self { probes: tensor(weights, PROBES, &[count, width], path)?, width })
            }
        }
    }
}

/// A probe that says more than `limit` of copies; `None` when it finds too few of those it did not see.
fn probe(
    (plain, copies): (&[Vec<f32>], &[Vec<f32>]),
    (unseen, unseen_copies): (&[Vec<f32>], &[Vec<f32>]),
    limit: f64,
) -> Option<Vec<f64>> {
    if plain.is_empty() || copies.is_empty() {
        return None;
    }
    let rows = [plain, copies].concat();
    let labels: Vec<usize> = (0..rows.len()).map(|row| usize::from(row >= plain.len())).collect();
    let mut probe = linear(&rows, &labels, PENALTY);
    let says = |rows: &[Vec<f32>]| -> Vec<f64> {
        rows.iter().map(|row| value(probe.iter().copied(), row)).collect()
    };
    // Of images that it did not see, and of those that it learned from: where one class looks like another's copies, as
    // bright pictures inverted look like dark ones, it cannot tell these either.
    let highest = threshold(&says(unseen), MISTAKEN)?.max(threshold(&says(plain), MISTAKEN)?);
    let mut of_copies = says(unseen_copies);
    of_copies.sort_by(f64::total_cmp);
    let lowest = *of_copies.get(of_copies.len() / 100)?;
    // Where the two lie apart, between them, and nearer to the images: copies of other images vary more than these few.
    let boundary = highest.max(highest + (lowest - highest) * MARGIN);
    let told = of_copies.iter().filter(|said| **said > boundary).count();
    *probe.last_mut()? += limit - boundary;
    (told as f64 >= FOUND * of_copies.len() as f64).then_some(probe)
}

/// Weights times features, and the constant.
fn value(probe: impl Iterator<Item = f64>, features: &[f32]) -> f64 {
    probe.zip(features.iter().copied().map(f64::from).chain([1.0])).map(|(weight, x)| weight * x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{ChannelOrder, Filter, OddCopy, Preprocess, Resize};
    use crate::random::Random;

    #[test]
    fn black_becomes_white_and_the_first_row_the_last() {
        let preprocess = Preprocess {
            size: 2,
            resize: Resize::Squash,
            filter: Filter::Bilinear,
            channel_order: ChannelOrder::Rgb,
            mean: [127.0, 100.0, 0.0],
            deviation: [2.0, 50.0, 1.0],
        };
        let normal = |grey: [f32; 4]| -> Vec<f32> {
            let pixel = |x: f32| [(x - 127.0) / 2.0, (x - 100.0) / 50.0, x];
            grey.into_iter().flat_map(pixel).collect()
        };
        let copy = |kind: OddCopy| {
            let mut input = normal([0.0, 255.0, 10.0, 100.0]);
            kind.apply(&preprocess, &mut input);
            input
        };
        let expected = normal([255.0, 0.0, 245.0, 155.0]);
        let close = copy(OddCopy::Inverted).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(close, "{:?}", copy(OddCopy::Inverted));
        assert_eq!(copy(OddCopy::UpsideDown), normal([10.0, 100.0, 0.0, 255.0]));
    }

    fn rows(count: usize, first: f32, seed: u64) -> Vec<Vec<f32>> {
        let mut random = Random::new(seed, 1);
        (0..count).map(|_| vec![first + random.symmetric(1.0), random.symmetric(1.0)]).collect()
    }

    #[test]
    fn copies_that_can_be_told_lie_beyond_the_limit_and_others_have_no_probe() {
        let pairs = |apart: f32| Pairs {
            plain: rows(60, 0.0, 1),
            unseen: rows(40, 0.0, 2),
            copies: vec![(rows(60, apart, 3), rows(40, apart, 4))],
        };
        let copies = Copies::fit(&pairs(4.0), 1.5);
        assert_eq!(copies.count(), 1);
        assert!(rows(40, 0.0, 5).iter().all(|row| copies.distance(row) < 1.5));
        assert!(rows(40, 4.0, 6).iter().all(|row| copies.distance(row) > 1.5));
        let none = Copies::fit(&pairs(0.0), 1.5);
        assert_eq!((none.count(), none.distance(&[9.0, 9.0])), (0, 0.0));
    }
}
