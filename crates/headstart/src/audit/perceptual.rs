//! A hash that hardly changes when a picture is scaled, recompressed or brightened: the signs of its
//! low frequencies (Zauner 2010), 256 of them as in PDQ (Facebook 2019). The middle of the picture counts most and its edge
//! not at all, as a border, or what fills the corners of a turned picture, says nothing of what it shows.

use std::f64::consts::PI;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::plane::SIDE;
use super::view::{VIEWS, View};

/// Side of the picture that is transformed.
const SMALL: usize = 64;
/// The share of a side, around the middle, that is transformed.
const MIDDLE: f32 = 0.86;
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

/// How much each pixel of the small picture counts, `[SMALL, SMALL]`: all in the middle, nothing at the edge.
static WINDOW: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let weight = |at: usize| (PI * ((at as f64 + 0.5) / SMALL as f64 - 0.5)).cos() as f32;
    (0..SMALL * SMALL).map(|index| weight(index % SMALL) * weight(index / SMALL)).collect()
});

/// The hashes of a grey picture.
///
/// # Shapes
/// `grey`: `[SIDE, SIDE]`
pub(super) fn hashes(grey: &[f32]) -> Hashes {
    let blurred = blurred(grey);
    let transformed = |view: &View| transform(&weighted(sampled(&blurred, view)));
    let plain = transformed(&View::WHOLE);
    // Mirroring turns round every odd wave along x; the first wave is the one of frequency 1.
    let turned = |(index, value): (usize, &f32)| match (index % FREQUENCIES).is_multiple_of(2) {
        true => -value,
        false => *value,
    };
    let mirrored: Vec<f32> = plain.iter().enumerate().map(turned).collect();
    let seen = |view: &View| signs(&transformed(view));
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

/// The middle of a picture as `view` sees it, small; the edge goes on outside.
fn sampled(blurred: &[f32], view: &View) -> Vec<f32> {
    let map = view.map();
    let place = |at: usize| MIDDLE * ((at as f32 + 0.5) / SMALL as f32 - 0.5);
    // Where the square begins whose middle is at this part of the picture.
    let start = |at: f32| {
        let first = (at + 0.5) * SIDE as f32 - STEP as f32 / 2.0;
        first.round().clamp(0.0, (SIDE - 1) as f32) as usize
    };
    (0..SMALL * SMALL)
        .map(|index| {
            let [x, y] = map.at(place(index % SMALL), place(index / SMALL)).map(start);
            blurred[y * SIDE + x]
        })
        .collect()
}

/// Levels above or below their mean, as far as each counts.
fn weighted(mut small: Vec<f32>) -> Vec<f32> {
    let total: f32 = WINDOW.iter().sum();
    let mean = small.iter().zip(&*WINDOW).map(|(level, weight)| level * weight).sum::<f32>() / total;
    small.iter_mut().zip(&*WINDOW).for_each(|(level, weight)| *level = (*level - mean) * weight);
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

    /// Sixteen waves in all directions, as fine as the finest that the hash sees.
    fn waves() -> Vec<f32> {
        let wave = |x: f32, y: f32, wave: usize| {
            let along = (wave * 37 % 17) as f32 - 8.0;
            let down = (wave * 23 % 19) as f32 - 9.0;
            8.0 * (0.02 * (along * x + down * y) + wave as f32).sin()
        };
        let level = |x: f32, y: f32| 128.0 + (1..=16).map(|number| wave(x, y, number)).sum::<f32>();
        (0..SIDE * SIDE).map(|index| level((index % SIDE) as f32, (index / SIDE) as f32)).collect()
    }

    /// The picture as a view has it, black outside.
    fn seen(grey: &[f32], view: &View) -> Vec<f32> {
        let (map, place) = (view.map(), |at: usize| (at as f32 + 0.5) / SIDE as f32 - 0.5);
        let pixel = |index: usize| {
            let [x, y] = map.at(place(index % SIDE), place(index / SIDE)).map(|at| (at + 0.5) * SIDE as f32);
            let inside = |at: f32| (0.0..SIDE as f32).contains(&at);
            if inside(x) && inside(y) { grey[y as usize * SIDE + x as usize] } else { 0.0 }
        };
        (0..SIDE * SIDE).map(pixel).collect()
    }

    #[test]
    fn cropped_turned_and_framed_pictures_are_seen_in_one_of_the_views() {
        let original = waves();
        let whole = hashes(&original);
        let cropped = View { scale: [0.95; 2], shift: [0.0167, 0.0], ..View::WHOLE };
        let turned = View { turn: 3.0, ..View::WHOLE };
        let framed = View { scale: [1.2; 2], ..View::WHOLE };
        for view in [cropped, turned, framed] {
            let copy = hashes(&seen(&original, &view)).plain;
            let nearest = whole.seen().map(|(_, hash)| distance(hash, &copy)).min().expect("some");
            let as_it_is = distance(&whole.plain, &copy);
            assert!(nearest <= 24 && as_it_is > 31, "{view:?}: {nearest} of {as_it_is}");
        }
    }

    #[test]
    fn half_of_the_bits_are_set() {
        let ones: u32 = hashes(&picture(|level| level)).plain.iter().map(|word| word.count_ones()).sum();
        assert_eq!(ones as usize, BITS / 2);
    }
}
