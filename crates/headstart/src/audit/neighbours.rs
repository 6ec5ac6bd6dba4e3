//! All pairs of hashes that lie close together, without comparing all pairs: multi-index hashing
//! (Norouzi, Punjani & Fleet 2012).

use rayon::prelude::*;

use super::perceptual::{BITS, Hash, Hashes, distance};
use super::view::View;

/// Bits in which two hashes of the same picture may differ. On chest X-rays (Kermany et al. 2018) two versions of one
/// picture, scaled and compressed apart, differ in at most 8 bits, copies that were turned or framed in at most 10 and
/// cropped ones in at most some 32 in the view that is closest. Among 72,000 pairs of different ones none was so close; of
/// the demo's phantoms two in a hundred pairs are, which are looked at again.
pub(super) const MOST: u32 = 47;
/// A picture as it is counts as so many bits closer: of two views that are about as close it is the likelier one.
const HEAD_START: u32 = 4;
/// Bits of a hash that are looked up together.
const BAND: usize = 16;
/// With so many bands two hashes at most [`MOST`] bits apart differ in at most two bits in some band.
const BANDS: usize = BITS / BAND;
/// Hashes that are looked up at a time, to bound what is found but not yet told.
const WAVE: usize = 4096;

const _: () = assert!((MOST as usize) < 3 * BANDS, "some band has at most two bits that differ");

/// Two pictures that are nearly the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// The one that is seen as `view` says.
    pub(super) first: usize,
    /// The one as it is.
    pub(super) second: usize,
    /// Bits that differ.
    pub(super) distance: u32,
    pub(super) view: View,
    /// Whether one is the other's negative.
    pub(super) inverted: bool,
}

impl Pair {
    /// The least is the likeliest of several views of one pair.
    fn rank(&self) -> u32 {
        let is_plain = self.view == View::WHOLE && !self.inverted;
        self.distance + if is_plain { 0 } else { HEAD_START }
    }
}

/// Every pair at most [`MOST`] bits apart in some view, in order, each once: as it is closest.
pub(super) fn pairs(hashes: &[Hashes]) -> Vec<Pair> {
    let bands: Vec<Buckets> = (0..BANDS).into_par_iter().map(|band| Buckets::new(hashes, band)).collect();
    let mut pairs = Vec::new();
    for start in (0..hashes.len()).step_by(WAVE) {
        let wave = start..hashes.len().min(start + WAVE);
        let found: Vec<Vec<Pair>> = wave.into_par_iter().map(|index| close(hashes, &bands, index)).collect();
        pairs.extend(found.into_iter().flatten());
    }
    let both = |pair: &Pair| (pair.first.min(pair.second), pair.first.max(pair.second));
    pairs.sort_by_key(|pair| (both(pair), pair.rank(), pair.first));
    pairs.dedup_by_key(|pair| both(pair));
    pairs
}

/// The pairs of picture `first`, looked at again, and another as it is.
fn close(hashes: &[Hashes], bands: &[Buckets], first: usize) -> Vec<Pair> {
    let mut found = Vec::new();
    let negative = hashes[first].plain.map(|word| !word);
    let seen = hashes[first].seen().map(|(view, hash)| (view, hash, false));
    for (view, wanted, inverted) in seen.chain([(View::WHOLE, &negative, true)]) {
        // Both ways of these are the same.
        let is_even = view == View::WHOLE || view.mirrored;
        for (band, buckets) in bands.iter().enumerate() {
            let others = buckets.near(self::band(wanted, band));
            for second in others.filter(|second| *second > first || (!is_even && *second != first)) {
                let distance = distance(wanted, &hashes[second].plain);
                if distance <= MOST {
                    found.push(Pair { first, second, distance, view, inverted });
                }
            }
        }
    }
    found.sort_by_key(|pair| (pair.second, pair.rank()));
    found.dedup_by_key(|pair| pair.second);
    found
}

/// Some of a hash's bits.
fn band(hash: &Hash, band: usize) -> u16 {
    const IN_WORD: usize = 64 / BAND;
    (hash[band / IN_WORD] >> (band % IN_WORD * BAND)) as u16
}

/// The hashes by the value of one band.
struct Buckets {
    /// Indices of the hashes, sorted by value.
    order: Vec<u32>,
    /// Where in `order` each value begins, and the end.
    starts: Vec<u32>,
}

impl Buckets {
    fn new(hashes: &[Hashes], band: usize) -> Self {
        let value = |index: u32| self::band(&hashes[index as usize].plain, band);
        let mut order: Vec<u32> = (0..hashes.len() as u32).collect();
        order.sort_by_key(|index| value(*index));
        let mut starts = vec![0; (1 << BAND) + 1];
        order.iter().for_each(|index| starts[usize::from(value(*index)) + 1] += 1);
        for value in 0..1 << BAND {
            starts[value + 1] += starts[value];
        }
        Self { order, starts }
    }

    /// The hashes whose value differs in at most two bits.
    fn near(&self, value: u16) -> impl Iterator<Item = usize> {
        let one = (0..BAND).map(|bit| 1u16 << bit);
        let two = (0..BAND).flat_map(|high| (0..high).map(move |low| 1u16 << high | 1 << low));
        let changes = [0].into_iter().chain(one).chain(two);
        changes.map(move |change| value ^ change).flat_map(|value| {
            let value = usize::from(value);
            let bucket = self.starts[value] as usize..self.starts[value + 1] as usize;
            self.order[bucket].iter().map(|index| *index as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn flipped(mut hash: Hash, random: &mut Random, bits: u32) -> Hash {
        let original = hash;
        while distance(&hash, &original) < bits {
            let bit = random.below(BITS);
            hash[bit / 64] |= (!original[bit / 64]) & (1 << (bit % 64));
            hash[bit / 64] &= !(original[bit / 64] & (1 << (bit % 64)));
        }
        hash
    }

    fn drawn(random: &mut Random, plain: Hash) -> Hashes {
        let mut any = || std::array::from_fn(|_| random.bits());
        Hashes { plain, mirrored: any(), views: std::array::from_fn(|_| any()), unframed: None }
    }

    #[test]
    fn every_close_pair_is_found_and_no_other() {
        let mut random = Random::new(1, 0);
        let mut hashes = Vec::new();
        for distance in 0..60 {
            let plain = std::array::from_fn(|_| random.bits());
            hashes.push(drawn(&mut random, plain));
            let near = flipped(plain, &mut random, distance);
            hashes.push(drawn(&mut random, near));
        }
        let found: Vec<(usize, usize, u32)> =
            pairs(&hashes).iter().map(|pair| (pair.first, pair.second, pair.distance)).collect();
        let expected: Vec<(usize, usize, u32)> =
            (0..=MOST).map(|distance| (2 * distance as usize, 2 * distance as usize + 1, distance)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_pair_is_found_as_it_is_closest() {
        let mut random = Random::new(2, 0);
        let mut two = || {
            let plain = std::array::from_fn(|_| random.bits());
            let other = std::array::from_fn(|_| random.bits());
            [drawn(&mut random, plain), drawn(&mut random, other)]
        };
        let only = |pair: [Hashes; 2]| {
            let found = pairs(&pair);
            assert_eq!(found.len(), 1, "{found:?}");
            found[0]
        };
        let [mut one, other] = two();
        one.mirrored = other.plain;
        let found = only([one, other]);
        assert!(found.view.mirrored && !found.inverted && found.distance == 0);
        one.plain = other.plain;
        assert_eq!(only([one, other]).view, View::WHOLE);
        // A turned copy: close as it is, but far closer in the right view.
        let mut random = Random::new(9, 0);
        one.plain = flipped(other.plain, &mut random, 40);
        one.mirrored = flipped(other.plain, &mut random, 100);
        one.views[12] = flipped(other.plain, &mut random, 6);
        assert_eq!(only([one, other]).view, super::super::view::VIEWS[12]);
        // The later one is a part of the earlier one, or the other way round.
        let [mut one, other] = two();
        one.views[3] = other.plain;
        assert_eq!(only([one, other]).view, super::super::view::VIEWS[3]);
        assert_eq!((only([other, one]).first, only([other, one]).second), (1, 0));
        let [one, mut other] = two();
        other.plain = one.plain.map(|word| !word);
        assert!(only([one, other]).inverted);
    }
}
