//! Copies of images that no camera makes: inverted, and upside down. A gate learns from them what to refuse.

use super::Preprocess;

/// What is done to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddCopy {
    /// Black becomes white.
    Inverted,
    /// The first row becomes the last.
    UpsideDown,
}

impl OddCopy {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Inverted, Self::UpsideDown];

    /// In the names of caches.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inverted => "inverted",
            Self::UpsideDown => "upside-down",
        }
    }

    /// Makes a net's input `[size, size, 3]` that of the copy.
    pub fn apply(self, preprocess: &Preprocess, input: &mut [f32]) {
        match self {
            Self::Inverted => {
                for pixel in input.as_chunks_mut::<3>().0 {
                    let scales = preprocess.mean.iter().zip(&preprocess.deviation);
                    for (value, (mean, deviation)) in pixel.iter_mut().zip(scales) {
                        // Of a grey level x: 255 − x.
                        *value = (255.0 - 2.0 * mean) / deviation - *value;
                    }
                }
            }
            Self::UpsideDown => {
                let row = preprocess.size * 3;
                let (mut top, mut bottom) = (0, preprocess.size.saturating_sub(1));
                while top < bottom {
                    let (above, below) = input.split_at_mut(bottom * row);
                    above[top * row..][..row].swap_with_slice(&mut below[..row]);
                    (top, bottom) = (top + 1, bottom - 1);
                }
            }
        }
    }
}
