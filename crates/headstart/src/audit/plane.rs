//! The square in grey that every picture is measured in, so that its own size plays no part.

use crate::image::{ChannelOrder, Filter, Image, Preprocess, Resize};

/// Side of the square.
pub(super) const SIDE: usize = 256;
/// Channels that lie further apart than this make a pixel coloured: more than a codec's rounding.
const CHROMA: f32 = 16.0;

/// A picture, squashed to a square.
#[derive(Debug)]
pub(super) struct Plane {
    /// Grey levels, 0 to 255: `[SIDE, SIDE]`.
    pub(super) grey: Vec<f32>,
    /// Share of the pixels that are coloured.
    pub(super) coloured: f32,
}

impl Plane {
    pub(super) fn of(image: &Image) -> Self {
        let square = Preprocess {
            size: SIDE,
            resize: Resize::Squash,
            filter: Filter::Bilinear,
            channel_order: ChannelOrder::Rgb,
            mean: [0.0; 3],
            deviation: [1.0; 3],
        };
        let pixels = square.apply(image);
        let pixels = pixels.as_chunks::<3>().0;
        let chroma = |[red, green, blue]: &[f32; 3]| red.max(*green).max(*blue) - red.min(*green).min(*blue);
        let coloured = pixels.iter().filter(|pixel| chroma(pixel) > CHROMA).count();
        // Rec. 601's luma.
        let grey = pixels.iter().map(|[red, green, blue]| 0.299 * red + 0.587 * green + 0.114 * blue);
        Self { grey: grey.collect(), coloured: coloured as f32 / pixels.len() as f32 }
    }

    /// Number of pixels at each whole level.
    pub(super) fn histogram(&self) -> [usize; 256] {
        let mut counts = [0; 256];
        self.grey.iter().for_each(|level| counts[level.round().clamp(0.0, 255.0) as usize] += 1);
        counts
    }

    /// The levels below which the given shares of the pixels lie, to whole levels.
    pub(super) fn percentiles<const N: usize>(&self, shares: [f32; N]) -> [f32; N] {
        let counts = self.histogram();
        shares.map(|share| {
            let wanted = (share * self.grey.len() as f32) as usize;
            let mut below = 0;
            let reached = counts.iter().position(|count| {
                below += count;
                below > wanted
            });
            reached.unwrap_or(255) as f32
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_a_share_of_the_pixels() {
        let pixels =
            (0..SIDE * SIDE).flat_map(|index| if index % SIDE < 64 { [200, 100, 100] } else { [90; 3] });
        assert_eq!(Plane::of(&Image::from_rgb8(SIDE, SIDE, pixels.collect())).coloured, 0.25);
    }

    #[test]
    fn percentiles_are_levels() {
        let pixels: Vec<u8> = (0..SIDE * SIDE).map(|index| (index % SIDE) as u8).collect();
        let plane = Plane::of(&Image::from_grey8(SIDE, SIDE, &pixels));
        assert_eq!(plane.percentiles([0.0, 0.25, 0.5, 1.0]), [0.0, 64.0, 128.0, 255.0]);
    }
}
