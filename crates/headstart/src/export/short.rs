//! A sealed model in fewer bytes, for where it has to be sent: its matrices and kernels in 16 bits, if it then still says
//! what it said.

use std::path::Path;

use crate::classifier::{Answer, Classifier, Sealed};
use crate::error::Result;
use crate::image::Image;
use crate::random::Random;

/// How far a score may move.
pub const MOST_OFF: f32 = 1e-3;
/// Generated pictures that both forms of a model are asked about.
const PICTURES: usize = 24;
/// Stream of random numbers.
const STREAM: u64 = 0x5407;

/// A model as it is sent.
#[derive(Debug)]
pub struct Short {
    /// The model whose bytes these are.
    pub classifier: Classifier,
    /// A sealed file that headstart reads as any other.
    pub bytes: Vec<u8>,
    /// Whether its weights were rounded; otherwise some answer would have changed.
    pub is_rounded: bool,
    /// How far its scores are off on the generated pictures, at most.
    pub off: f32,
}

/// Shortens the sealed model at `path`.
///
/// # Errors
/// As [`Classifier::load`].
pub fn shorten(path: &Path) -> Result<Short> {
    let (classifier, sealed, _) = Classifier::load_with_tensors(path)?;
    let mut rounded = Sealed {
        weights: sealed.weights.rounded(),
        others: sealed.others.iter().map(|tail| tail.rounded()).collect(),
        ..sealed.clone()
    };
    let small = Classifier::seal(&mut rounded);
    let pictures = pictures(sealed.description.preprocess.size);
    let off = difference(&classifier.classify_all(&pictures), &small.classify_all(&pictures));
    Ok(match off.filter(|off| *off <= MOST_OFF) {
        Some(off) => Short { classifier: small, bytes: rounded.to_short_bytes(), is_rounded: true, off },
        None => Short { classifier, bytes: sealed.to_short_bytes(), is_rounded: false, off: 0.0 },
    })
}

/// The largest difference between scores; `None` where an image is answered otherwise, or a score is not a number.
fn difference(answers: &[Answer], others: &[Answer]) -> Option<f32> {
    let is_same = |(left, right): (&Answer, &Answer)| {
        left.label == right.label && left.verdict == right.verdict && left.unusual == right.unusual
    };
    let scores = |answers: &[Answer]| -> Vec<f32> {
        answers.iter().flat_map(|answer| answer.scores.iter().copied()).collect()
    };
    let off = scores(answers).into_iter().zip(scores(others)).map(|(left, right)| (left - right).abs());
    let off = off.fold(0.0f32, |most, off| if off <= most { most } else { off });
    (answers.iter().zip(others).all(is_same) && !off.is_nan()).then_some(off)
}

/// Pictures of soft blobs with noise: no image of anybody is needed.
fn pictures(size: usize) -> Vec<Image> {
    let drawn = (0..PICTURES).map(|number| {
        let mut random = Random::new(number as u64, STREAM);
        let blobs: Vec<[f32; 4]> = (0..6).map(|_| std::array::from_fn(|_| random.unit())).collect();
        let noise = 1 + random.below(40);
        let mut pixels = Vec::with_capacity(size * size * 3);
        for place in 0..size * size {
            let (x, y) = ((place % size) as f32 / size as f32, (place / size) as f32 / size as f32);
            for channel in 0..3 {
                let light = |[across, down, width, tint]: &[f32; 4]| {
                    let distance = ((x - across).powi(2) + (y - down).powi(2)) / (0.01 + 0.1 * width);
                    (1.0 - 0.3 * tint * channel as f32) / (1.0 + distance * distance)
                };
                let value = 160.0 * blobs.iter().map(light).sum::<f32>() + random.below(noise) as f32;
                pixels.push(value.min(255.0) as u8);
            }
        }
        Image::from_rgb8(size, size, pixels)
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Verdict;

    fn answer(score: f32, verdict: Verdict) -> Answer {
        Answer {
            class: "a".into(),
            label: 0,
            scores: vec![score, 1.0 - score],
            verdict,
            distance: None,
            oddness: None,
            unusual: false,
            plausible: None,
            frames: 1,
        }
    }

    #[test]
    fn another_answer_counts_as_different_however_near_the_scores() {
        let one = [answer(0.75, Verdict::Decided)];
        assert_eq!(difference(&one, &[answer(0.5, Verdict::Decided)]), Some(0.25));
        assert_eq!(difference(&one, &[answer(0.75, Verdict::Refused)]), None);
        assert_eq!(difference(&one, &[answer(f32::NAN, Verdict::Decided)]), None);
    }
}
