//! A hash that hardly changes when a picture is scaled, recompressed or brightened: the signs of its
//! low frequencies (Zauner 2010), 256 of them as in PDQ (Facebook 2019).

use std::f64::consts::PI;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::plane::SIDE;
use super::view::{VIEWS, View};

/// Side of the picture that is transformed.
const SMALL: usize = 64;
/// Frequencies along each side, from 1 on: the mean brightness is none of them.
const FREQUENCIES: usize = 16;
/// Bits of a hash.
pub(super) const BITS: usize = FREQUENCIES * FREQUENCIES;

/// 256 bits. Half of them are set, so two hashes differ in an even number.
pub(super) type Hash = [u64; BITS / 64];

/// The hashes of a picture as it is, and as it is looked at again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Hashes {
    pub(super) plain: Hash,
    /// Left to right.
    pub(super) mirrored: Hash,
    /// As [`VIEWS`] have it.
    pub(super) views: [Hash; VIEWS.len()],
    /// Without an even border, where it has one: width and height of what lies inside, and the shift of its middle.
    pub(super) unframed: Option<(Hash, [f32; 2], [f32; 2])>,
}

impl Hashes {
    /// The hashes by which copies are looked for, with how the picture is seen in each: as it is first.
    pub(super) fn seen(&self) -> impl Iterator<Item = (View, &Hash)> {
        let plain = [(View::WHOLE, &self.plain), (View::mirrored(), &self.mirrored)];
        let unframed = self
            .unframed
            .as_ref()
            .map(|(hash, scale, shift)| (View { scale: *scale, shift: *shift, ..View::WHOLE }, hash));
        plain.into_iter().chain(unframed).chain(VIEWS.into_iter().zip(&self.views))
    }
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
    let blurred = blurred(grey);
    let seen = |view: &View| signs(&transform(&sampled(&blurred, view)));
    let unframed = View::within_border(grey);
    Hashes {
        plain: signs(&plain),
        mirrored: signs(&mirrored),
        views: VIEWS.each_ref().map(seen),
        unframed: unframed.map(|view| (seen(&view), view.scale, view.shift)),
    }
}

/// Side of a square of pixels that one of a small picture is the mean of.
const STEP: usize = SIDE / SMALL;

/// Of each pixel the mean with those right of it and below, `STEP × STEP` of them, cut at the edges.
fn blurred(grey: &[f32]) -> Vec<f32> {
    let mean = |values: &mut dyn Iterator<Item = f32>| {
        let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
        sum / count as f32
    };
    let along: Vec<f32> = (0..SIDE * SIDE)
        .map(|index| {
            let (x, row) = (index % SIDE, index / SIDE * SIDE);
            mean(&mut grey[row + x..row + (x + STEP).min(SIDE)].iter().copied())
        })
        .collect();
    (0..SIDE * SIDE)
        .map(|index| {
            let (x, y) = (index % SIDE, index / SIDE);
            mean(&mut (y..(y + STEP).min(SIDE)).map(|y| along[y * SIDE + x]))
        })
        .collect()
}

/// A small picture as `view` sees it; black outside.
fn sampled(blurred: &[f32], view: &View) -> Vec<f32> {
    let map = view.map();
    let part = |at: usize| (at as f32 + 0.5) / SMALL as f32 - 0.5;
    // Where the square begins whose middle is at this part of the picture.
    let start = |at: f32| ((at + 0.5) * SIDE as f32 - STEP as f32 / 2.0).round();
    (0..SMALL * SMALL)
        .map(|index| {
            let [x, y] = map.at(part(index % SMALL), part(index / SMALL)).map(start);
            let inside = |at: f32| (0.0..SIDE as f32).contains(&at);
            if inside(x) && inside(y) { blurred[y as usize * SIDE + x as usize] } else { 0.0 }
        })
        .collect()
}

/// Means over squares, `[SMALL, SMALL]`.
fn shrunk(grey: &[f32]) -> Vec<f32> {
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
    fn a_part_of_a_picture_is_seen_in_one_of_its_views() {
        let original = picture(|level| level);
        let part = View { scale: [0.95; 2], shift: [0.0167, 0.0], ..View::WHOLE };
        let cut: Vec<f32> = (0..SIDE * SIDE)
            .map(|index| {
                let place = |at: usize| (at as f32 + 0.5) / SIDE as f32 - 0.5;
                let [x, y] = part.map().at(place(index % SIDE), place(index / SIDE));
                let pixel = |at: f32| ((at + 0.5) * SIDE as f32) as usize;
                original[pixel(y) * SIDE + pixel(x)]
            })
            .collect();
        let (whole, cut) = (hashes(&original), hashes(&cut).plain);
        let nearest = whole.seen().map(|(_, hash)| distance(hash, &cut)).min().expect("some");
        assert!(nearest <= 12 && distance(&whole.plain, &cut) > 31, "{nearest}");
    }

    #[test]
    fn half_of_the_bits_are_set() {
        let ones: u32 = hashes(&picture(|level| level)).plain.iter().map(|word| word.count_ones()).sum();
        assert_eq!(ones as usize, BITS / 2);
    }
}
