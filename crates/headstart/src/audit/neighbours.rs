//! All pairs of hashes that lie close together, without comparing all pairs: multi-index hashing
//! (Norouzi, Punjani & Fleet 2012).

use rayon::prelude::*;

use super::perceptual::{BITS, Hash, Hashes, distance};

/// Bits in which two hashes of the same picture may differ, PDQ's recommendation. On chest X-rays
/// (Kermany et al. 2018) two versions of one picture, scaled and compressed apart, differ in at most
/// 12 bits, and no two pictures in 17 to 40.
pub(super) const MOST: u32 = 31;
/// Bits of a hash that are looked up together.
const BAND: usize = 16;
/// With so many bands two hashes at most [`MOST`] bits apart differ in at most one bit in some band.
const BANDS: usize = BITS / BAND;
/// Hashes that are looked up at a time, to bound what is found but not yet told.
const WAVE: usize = 4096;

const _: () = assert!((MOST as usize) < 2 * BANDS, "some band has at most one bit that differs");

/// Two pictures that are nearly the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) first: usize,
    pub(super) second: usize,
    /// Bits that differ.
    pub(super) distance: u32,
    /// Whether one is the other mirrored.
    pub(super) mirrored: bool,
}

/// Every pair at most [`MOST`] bits apart, in order, each once: as it is rather than mirrored.
pub(super) fn pairs(hashes: &[Hashes]) -> Vec<Pair> {
    let bands: Vec<Buckets> = (0..BANDS).into_par_iter().map(|band| Buckets::new(hashes, band)).collect();
    let mut pairs = Vec::new();
    for start in (0..hashes.len()).step_by(WAVE) {
        let wave = start..hashes.len().min(start + WAVE);
        let found: Vec<Vec<Pair>> = wave.into_par_iter().map(|index| later(hashes, &bands, index)).collect();
        pairs.extend(found.into_iter().flatten());
    }
    pairs
}

/// The pairs of picture `first` and a later one.
fn later(hashes: &[Hashes], bands: &[Buckets], first: usize) -> Vec<Pair> {
    let mut found = Vec::new();
    for (mirrored, wanted) in [(false, &hashes[first].plain), (true, &hashes[first].mirrored)] {
        for (band, buckets) in bands.iter().enumerate() {
            for second in buckets.near(self::band(wanted, band)).filter(|second| *second > first) {
                let distance = distance(wanted, &hashes[second].plain);
                if distance <= MOST {
                    found.push(Pair { first, second, distance, mirrored });
                }
            }
        }
    }
    found.sort_unstable_by_key(|pair| (pair.second, pair.mirrored));
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

    /// The hashes whose value differs in at most one bit.
    fn near(&self, value: u16) -> impl Iterator<Item = usize> {
        let values = [value].into_iter().chain((0..BAND).map(move |bit| value ^ (1 << bit)));
        values.flat_map(|value| {
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

    #[test]
    fn every_close_pair_is_found_and_no_other() {
        let mut random = Random::new(1, 0);
        let mut hashes = Vec::new();
        for distance in 0..60 {
            let plain = std::array::from_fn(|_| random.bits());
            let mirrored = std::array::from_fn(|_| random.bits());
            hashes.push(Hashes { plain, mirrored });
            let near = flipped(plain, &mut random, distance);
            hashes.push(Hashes { plain: near, mirrored: std::array::from_fn(|_| random.bits()) });
        }
        let found: Vec<(usize, usize, u32)> =
            pairs(&hashes).iter().map(|pair| (pair.first, pair.second, pair.distance)).collect();
        let expected: Vec<(usize, usize, u32)> =
            (0..=MOST).map(|distance| (2 * distance as usize, 2 * distance as usize + 1, distance)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_mirrored_pair_is_told_and_a_plain_one_comes_first() {
        let (one, other) = ([1, 2, 3, 4], [!1, !2, 3, 4]);
        let hashes = |plain, mirrored| Hashes { plain, mirrored };
        let found = pairs(&[hashes(one, other), hashes(other, one)]);
        assert_eq!(found, [Pair { first: 0, second: 1, distance: 0, mirrored: true }]);
        let found = pairs(&[hashes(one, one), hashes(one, one)]);
        assert_eq!(found, [Pair { first: 0, second: 1, distance: 0, mirrored: false }]);
    }
}
