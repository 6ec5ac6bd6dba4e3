//! A hash that hardly changes when a picture is scaled, recompressed or brightened: the signs of its
//! low frequencies (Zauner 2010), 256 of them as in PDQ (Facebook 2019).

use std::f64::consts::PI;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::plane::SIDE;

/// Side of the picture that is transformed.
const SMALL: usize = 64;
/// Frequencies along each side, from 1 on: the mean brightness is none of them.
const FREQUENCIES: usize = 16;
/// Bits of a hash.
pub(super) const BITS: usize = FREQUENCIES * FREQUENCIES;

/// 256 bits. Half of them are set, so two hashes differ in an even number.
pub(super) type Hash = [u64; BITS / 64];

/// The hashes of a picture as it is and mirrored left to right.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Hashes {
    pub(super) plain: Hash,
    pub(super) mirrored: Hash,
}

/// Number of bits that differ.
pub(super) fn distance(left: &Hash, right: &Hash) -> u32 {
    left.iter().zip(right).map(|(left, right)| (left ^ right).count_ones()).sum()
}

/// `cos(π · u · (2x + 1) / 2n)` for the frequencies `u` from 1 on: `[FREQUENCIES, SMALL]`.
static COSINES: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let cosine = |u: usize, x: usize| (PI * (u * (2 * x + 1)) as f64 / (2 * SMALL) as f64).cos() as f32;
    (1..=FREQUENCIES).flat_map(|u| (0..SMALL).map(move |x| cosine(u, x))).collect()
});

/// The hashes of a grey picture.
///
/// # Shapes
/// `grey`: `[SIDE, SIDE]`
pub(super) fn hashes(grey: &[f32]) -> Hashes {
    let plain = transform(&shrunk(grey));
    // Mirroring turns round every odd wave along x; the first wave is the one of frequency 1.
    let turned = |(index, value): (usize, &f32)| match (index % FREQUENCIES).is_multiple_of(2) {
        true => -value,
        false => *value,
    };
    let mirrored: Vec<f32> = plain.iter().enumerate().map(turned).collect();
    Hashes { plain: signs(&plain), mirrored: signs(&mirrored) }
}

/// Means over squares, `[SMALL, SMALL]`.
fn shrunk(grey: &[f32]) -> Vec<f32> {
    const STEP: usize = SIDE / SMALL;
    let mut small = vec![0.0; SMALL * SMALL];
    for (index, level) in grey.iter().enumerate() {
        small[index / SIDE / STEP * SMALL + index % SIDE / STEP] += level / (STEP * STEP) as f32;
    }
    small
}

/// The cosine transform's low frequencies, `[FREQUENCIES, FREQUENCIES]`, those along x fastest.
fn transform(small: &[f32]) -> Vec<f32> {
    let dot =
        |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(left, right)| left * right).sum::<f32>();
    // [FREQUENCIES, SMALL]: along x.
    let along: Vec<f32> = COSINES
        .chunks_exact(SMALL)
        .flat_map(|wave| small.chunks_exact(SMALL).map(move |row| dot(row, wave)))
        .collect();
    COSINES
        .chunks_exact(SMALL)
        .flat_map(|wave| along.chunks_exact(SMALL).map(move |column| dot(column, wave)))
        .collect()
}

/// Which values lie above their median.
fn signs(values: &[f32]) -> Hash {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let median = (sorted[BITS / 2 - 1] + sorted[BITS / 2]) / 2.0;
    let mut hash = [0; BITS / 64];
    for (index, _) in values.iter().enumerate().filter(|(_, value)| **value > median) {
        hash[index / 64] |= 1 << (index % 64);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something like a landscape, with detail at all scales.
    fn picture(value: impl Fn(f32) -> f32) -> Vec<f32> {
        let level = |x: f32, y: f32| {
            (x * 0.021 + 1.3).sin() + (y * 0.017 + x * 0.041).cos() + 0.5 * (x * 0.11 - y * 0.07).sin()
        };
        (0..SIDE * SIDE)
            .map(|index| value(128.0 + 40.0 * level((index % SIDE) as f32, (index / SIDE) as f32)))
            .collect()
    }

    fn mirrored(grey: &[f32]) -> Vec<f32> {
        grey.chunks_exact(SIDE).flat_map(|row| row.iter().rev().copied()).collect()
    }

    #[test]
    fn brightness_and_contrast_do_not_count() {
        let original = hashes(&picture(|level| level)).plain;
        assert!(distance(&original, &hashes(&picture(|level| 0.5 * level + 60.0)).plain) <= 2);
        let other = hashes(&picture(|level| (level * 0.2).sin() * 90.0)).plain;
        assert!(distance(&original, &other) > 60);
    }

    #[test]
    fn the_mirrored_hash_is_that_of_the_mirrored_picture() {
        let (picture, mut found) = (picture(|level| level), 0);
        for (left, right) in [(picture.clone(), mirrored(&picture)), (mirrored(&picture), picture)] {
            found += distance(&hashes(&left).mirrored, &hashes(&right).plain);
        }
        assert!(found <= 4, "{found} bits");
    }

    #[test]
    fn half_of_the_bits_are_set() {
        let ones: u32 = hashes(&picture(|level| level)).plain.iter().map(|word| word.count_ones()).sum();
        assert_eq!(ones as usize, BITS / 2);
    }
}
