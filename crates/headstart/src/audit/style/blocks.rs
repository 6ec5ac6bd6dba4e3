//! The edges of the 8×8 blocks that JPEG leaves, in a picture at its own size (Wang, Bovik & Evans 2000).

use crate::image::Image;

/// Side of a block.
const BLOCK: usize = 8;
/// With fewer pixels a side there are too few edges.
const LEAST: usize = 2 * BLOCK;
/// Lines of pixels that are looked along at most, so that a large picture takes no longer to look at
/// than to decode.
const LINES: usize = 256;
/// Added to steps between pixels, in grey levels, so that a flat picture has no blocks.
const FLOOR: f64 = 0.01;

/// Logarithm of the mean step between neighbours across the edges of blocks over the mean step inside
/// them, over both directions. `None` for a picture that is too small.
pub(super) fn blockiness(image: &Image) -> Option<f32> {
    let (width, height) = (image.width(), image.height());
    if width.min(height) < LEAST {
        return None;
    }
    let pixels = image.to_rgb8();
    let pixels = pixels.as_chunks::<3>().0;
    let grey = |x: usize, y: usize| {
        let [red, green, blue] = pixels[y * width + x].map(f32::from);
        0.299 * red + 0.587 * green + 0.114 * blue
    };
    let (mut across, mut down) = (Steps::default(), Steps::default());
    for y in (0..height).step_by(height.div_ceil(LINES)) {
        across.follow((0..width).map(|x| grey(x, y)));
    }
    for x in (0..width).step_by(width.div_ceil(LINES)) {
        down.follow((0..height).map(|y| grey(x, y)));
    }
    Some((across.ratio() + down.ratio()) as f32 / 2.0)
}

/// Sums of steps, and how many there were.
#[derive(Default)]
struct Steps {
    edges: (f64, usize),
    inside: (f64, usize),
}

impl Steps {
    fn follow(&mut self, line: impl Iterator<Item = f32>) {
        let mut last = None;
        for (at, level) in line.enumerate() {
            if let Some(last) = last.replace(level) {
                let (sum, count) = if at % BLOCK == 0 { &mut self.edges } else { &mut self.inside };
                (*sum, *count) = (*sum + f64::from((level - last).abs()), *count + 1);
            }
        }
    }

    fn ratio(&self) -> f64 {
        let mean = |(sum, count): (f64, usize)| sum / count as f64 + FLOOR;
        (mean(self.edges) / mean(self.inside)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_seen_where_they_lie() {
        let picture = |offset: usize| {
            let level = |at: usize| ((at % 64 + offset) / 8 * 20 + (at / 64 + offset) / 8 * 7) as u8;
            Image::from_grey8(64, 64, &(0..64 * 64).map(level).collect::<Vec<u8>>())
        };
        assert!(blockiness(&picture(0)).expect("large enough") > 5.0);
        assert!(blockiness(&picture(3)).expect("large enough") < 0.0);
        assert_eq!(blockiness(&Image::from_grey8(15, 64, &[9; 15 * 64])), None);
        assert_eq!(blockiness(&Image::from_grey8(16, 16, &[9; 256])), Some(0.0));
    }
}
