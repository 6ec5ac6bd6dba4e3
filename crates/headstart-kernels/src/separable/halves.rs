//! A mobile block on small maps: strips of lines would overlap by much, so the projection's sum is
//! made of two halves of the channels, which two threads may compute. The halves are added in the
//! same order whoever computed them.

use super::Separable;
use crate::matmul::Epilogue;
use crate::scratch::Scratch;
use crate::shape::Shape;
use crate::strip::Strip;
use crate::vector::{Vector, with_vector};

/// Pixels of a small map.
const PIXELS: usize = 7 * 7;
/// Channels from which on halves are worth their sum, and what a half is a multiple of.
const CHANNELS: usize = 256;
const PANEL: usize = 32;

impl Separable {
    /// The channel where the second half begins, if there are halves. It depends on shapes alone,
    /// so that the order of the sum does.
    pub(super) fn middle(&self, out: Shape) -> Option<usize> {
        let channels = self.depthwise.geometry.in_channels;
        let is_halved = out.height * out.width <= PIXELS && channels >= CHANNELS;
        is_halved.then(|| (channels / 2).next_multiple_of(PANEL))
    }

    /// Computes one strip of an image.
    pub(super) fn sum_halves(
        &self,
        image: (&[f32], Shape),
        strip: Strip,
        middle: usize,
        epilogue: Epilogue<'_>,
        output: &mut [f32],
    ) {
        let mut second = Scratch::new(output.len());
        rayon::join(
            || self.sum(image, strip, 0..middle, Epilogue::PLAIN, output),
            || {
                self.sum(
                    image,
                    strip,
                    middle..self.depthwise.geometry.in_channels,
                    Epilogue::PLAIN,
                    &mut second,
                )
            },
        );
        let bias = epilogue.bias.expect("a projection has a bias");
        assert!(epilogue.residual.is_none_or(|residual| residual.len() == output.len()), "a residual like C");
        assert!(second.len() == output.len() && output.len().is_multiple_of(bias.len()), "whole pixels");
        // SAFETY: the lengths were checked above.
        unsafe { epilogue_dispatched(&second, epilogue, output) }
        epilogue.activation.bend(output);
    }
}

with_vector! {
    /// `output ← clamp(output + second + bias + residual)`, each like `output`, the bias like a pixel.
    unsafe fn epilogue_dispatched(second: &[f32], epilogue: Epilogue<'_>, output: &mut [f32]) = epilogue_with;
}

#[inline(always)]
unsafe fn epilogue_with<V: Vector>(second: &[f32], epilogue: Epilogue<'_>, output: &mut [f32]) {
    let bias = epilogue.bias.unwrap_or_default();
    for start in (0..output.len()).step_by(bias.len()) {
        for channel in (0..bias.len()).step_by(V::LANES) {
            let (place, lanes) = (start + channel, V::LANES.min(bias.len() - channel));
            // SAFETY: these lanes lie inside of each.
            unsafe {
                let to = output.as_mut_ptr().add(place);
                let mut sum = load::<V>(to, lanes).add(load(second.as_ptr().add(place), lanes));
                sum = sum.add(load(bias.as_ptr().add(channel), lanes));
                if let Some(residual) = epilogue.residual {
                    sum = sum.add(load(residual.as_ptr().add(place), lanes));
                }
                let sum = sum.clamp(epilogue.activation.range());
                if lanes == V::LANES { sum.store(to) } else { sum.store_first(to, lanes) }
            }
        }
    }
}

#[inline(always)]
unsafe fn load<V: Vector>(from: *const f32, lanes: usize) -> V {
    // SAFETY: the caller vouches for the lanes.
    unsafe { if lanes == V::LANES { V::load(from) } else { V::load_first(from, lanes) } }
}
