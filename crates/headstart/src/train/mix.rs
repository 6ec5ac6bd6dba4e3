//! Mixes pairs of training images: their features and their labels.
//!
//! The features at the cut are mixed, not the pixels (manifold mixup, Verma 2019): the trunk has seen
//! each image already.

use serde::{Deserialize, Serialize};

use crate::backbone::spec::MapShape;
use crate::random::Random;

/// How two images become one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mix {
    /// `λ·a + (1 − λ)·b` (Zhang 2017).
    Mixup {
        /// λ is drawn from Beta(alpha, alpha).
        alpha: f64,
    },
    /// A rectangle of `b` in `a`, with labels by area (Yun 2019). Needs maps larger than 1×1.
    Cutmix {
        /// The share that stays is drawn from Beta(alpha, alpha).
        alpha: f64,
    },
}

/// One pair for each image of a batch.
pub(super) struct Pairs {
    /// The image that is mixed in, by its place in the batch.
    pub(super) partner: Vec<usize>,
    /// What is left of the image itself.
    pub(super) share: Vec<f32>,
}

impl Pairs {
    /// Every image alone.
    pub(super) fn none(batch: usize) -> Self {
        Self { partner: (0..batch).collect(), share: vec![1.0; batch] }
    }
}

impl Mix {
    /// Of the distribution that shares are drawn from.
    pub fn alpha(self) -> f64 {
        match self {
            Self::Mixup { alpha } | Self::Cutmix { alpha } => alpha,
        }
    }

    /// Mixes a batch of maps in place, `[batch, H, W, C]`; one share for the whole batch, as the papers do.
    pub(super) fn apply(self, maps: &mut [f32], shape: MapShape, random: &mut Random) -> Pairs {
        let batch = maps.len() / shape.len();
        let mut partner: Vec<usize> = (0..batch).collect();
        random.shuffle(&mut partner);
        let share = beta(self.alpha(), random);
        let others = maps.to_vec();
        let pairs = maps.chunks_exact_mut(shape.len()).zip(&partner);
        let share = match self {
            Self::Mixup { .. } => {
                let share = share as f32;
                for (map, partner) in pairs {
                    let other = &others[partner * shape.len()..][..shape.len()];
                    map.iter_mut().zip(other).for_each(|(a, b)| *a = share * *a + (1.0 - share) * b);
                }
                share
            }
            Self::Cutmix { .. } => {
                let [rows, columns] = rectangle(shape, share, random);
                for (map, partner) in pairs {
                    let other = &others[partner * shape.len()..][..shape.len()];
                    for row in rows.clone() {
                        let width = shape.width * shape.channels;
                        let start = row * width + columns.start * shape.channels;
                        let length = columns.len() * shape.channels;
                        map[start..start + length].copy_from_slice(&other[start..start + length]);
                    }
                }
                1.0 - (rows.len() * columns.len()) as f32 / (shape.height * shape.width) as f32
            }
        };
        Pairs { partner, share: vec![share; batch] }
    }
}

/// Rows and columns of a rectangle with about `1 − share` of the area, its centre drawn, cut at the edges.
fn rectangle(shape: MapShape, share: f64, random: &mut Random) -> [std::ops::Range<usize>; 2] {
    let side = (1.0 - share).sqrt();
    [shape.height, shape.width].map(|length| {
        let half = side * length as f64 / 2.0;
        let centre = f64::from(random.unit()) * length as f64;
        let place = |at: f64| (at.round().max(0.0) as usize).min(length);
        place(centre - half)..place(centre + half)
    })
}

/// Drawn from Beta(alpha, alpha): Jöhnk's method (1964), quick for an alpha of at most 1.
fn beta(alpha: f64, random: &mut Random) -> f64 {
    loop {
        let [x, y] = [(); 2].map(|()| f64::from(random.unit()).powf(1.0 / alpha));
        if x + y > 0.0 && x + y <= 1.0 {
            return x / (x + y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: MapShape = MapShape { height: 4, width: 4, channels: 2 };

    /// Images whose values are all 0, 1, 2.
    fn maps() -> Vec<f32> {
        (0..3).flat_map(|image| vec![image as f32; SHAPE.len()]).collect()
    }

    #[test]
    fn mixup_lies_between_the_two() {
        let mut mixed = maps();
        let pairs = Mix::Mixup { alpha: 0.4 }.apply(&mut mixed, SHAPE, &mut Random::new(1, 2));
        for (image, map) in mixed.chunks_exact(SHAPE.len()).enumerate() {
            let share = pairs.share[image];
            let expected = share * image as f32 + (1.0 - share) * pairs.partner[image] as f32;
            assert!(map.iter().all(|value| (value - expected).abs() < 1e-6));
        }
    }

    #[test]
    fn cutmix_takes_an_area_and_its_share_of_the_label() {
        for stream in 0..20 {
            let mut mixed = maps();
            let pairs = Mix::Cutmix { alpha: 1.0 }.apply(&mut mixed, SHAPE, &mut Random::new(1, stream));
            for (image, map) in mixed.chunks_exact(SHAPE.len()).enumerate() {
                let partner = pairs.partner[image];
                let own = map.iter().filter(|value| **value == image as f32).count();
                let expected = if partner == image { 1.0 } else { pairs.share[image] };
                assert_eq!(own as f32 / SHAPE.len() as f32, expected);
                assert!(map.iter().all(|value| [image as f32, partner as f32].contains(value)));
            }
        }
    }

    #[test]
    fn shares_have_the_mean_and_the_variance_of_beta() {
        let mut random = Random::new(3, 4);
        let drawn: Vec<f64> = (0..20_000).map(|_| beta(0.4, &mut random)).collect();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / drawn.len() as f64;
        // 1/2 and 1 / (4·(2·0.4 + 1)).
        assert!((mean - 0.5).abs() < 0.01 && (variance - 0.138_9).abs() < 0.004, "{mean} {variance}");
    }
}
