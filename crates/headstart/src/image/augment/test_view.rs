//! Views of an image that are scored besides it.

use serde::{Deserialize, Serialize};

use super::affine::Affine;
use super::filters::{blur, gaussian};
use super::planes::Planes;
use crate::image::Preprocess;

/// A view of an image that is scored besides it, always the same. What is not named stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TestView {
    /// Whether it is mirrored. Not for images whose sides differ, as a chest's do.
    pub flip: bool,
    /// Degrees, clockwise.
    pub rotation: f32,
    /// Share by which it is larger, or below 0 smaller.
    pub scale: f32,
    /// Shares of the side by which it is moved to the left and up.
    pub shift: [f32; 2],
    /// Deviation of the Gaussian that blurs it, in pixels of the net's input.
    pub blur: f32,
}

impl TestView {
    /// This view of a net's input `[size, size, 3]`.
    pub fn apply(&self, preprocess: &Preprocess, input: &[f32]) -> Vec<f32> {
        let mut planes = Planes::new(&preprocess.levels_of(input), preprocess.size);
        self.affine().apply(&mut planes);
        blur(&mut planes, self.blur);
        preprocess.normalise_levels(&planes.into_levels())
    }

    /// Whether it is the image mirrored, and not changed otherwise.
    pub(crate) fn only_flips(&self) -> bool {
        *self == Self { flip: true, ..Self::default() }
    }

    /// Where each pixel of a view of `size` × `size` comes from, before the blur: left and top, line after line; `None`
    /// where all stay.
    pub(crate) fn sources(&self, size: usize) -> Option<Vec<[f32; 2]>> {
        let affine = self.affine();
        (!affine.is_identity()).then(|| affine.sources(size).collect())
    }

    /// The weights of the blur along one axis; `None` where there is none.
    pub(crate) fn taps(&self) -> Option<Vec<f32>> {
        gaussian(self.blur)
    }

    fn affine(&self) -> Affine {
        Affine::new(self.rotation, self.scale, self.shift, self.flip)
    }
}
