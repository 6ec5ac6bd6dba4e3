//! Views of an image: the same picture, a little turned, moved, scaled, blurred, lighter or darker.

use serde::{Deserialize, Serialize};

use super::Preprocess;
use crate::random::Random;

/// Channels of a pixel.
const CHANNELS: usize = 3;
/// The middle of the grey levels, which contrast leaves where it is.
const MIDDLE: f32 = 127.5;

/// How far views may differ from their image. What is not named stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Views of each training image, besides the image itself.
    pub views: usize,
    /// Whether half of the views are mirrored. Not for images whose sides differ, as a chest's do.
    pub flip: bool,
    /// Degrees, at most, to either side.
    pub rotation: f32,
    /// Share of the side, at most, in any direction.
    pub shift: f32,
    /// Share by which a view is larger or smaller, at most.
    pub scale: f32,
    /// Deviation of the Gaussian that blurs a view, at most, in pixels of the net's input. It hides how sharp the device
    /// was, by which a net may otherwise tell where an image comes from.
    pub blur: f32,
    /// Share of the whole range by which a view is lighter or darker, at most.
    pub brightness: f32,
    /// Share by which a view has more or less contrast, at most.
    pub contrast: f32,
    /// Deviation of grey noise, in grey levels.
    pub noise: f32,
}

impl Augment {
    /// Turns a net's input into view `number` (from 1 on) of the image with this content. The same image
    /// and number always give the same view.
    ///
    /// # Shapes
    /// `input`: `[size, size, 3]`, as [`Preprocess::apply`] makes it.
    pub fn apply(&self, preprocess: &Preprocess, input: &mut [f32], content: &[u8; 32], number: usize) {
        let [start, ..] = content.as_chunks::<8>().0 else { return };
        let mut random = Random::new(u64::from_le_bytes(*start), number as u64);
        let moved = Affine::draw(self, &mut random).sample(input, preprocess.size);
        input.copy_from_slice(&moved);
        if self.blur > 0.0 {
            blur(input, preprocess.size, self.blur * random.unit());
        }
        self.shade(preprocess, input, &mut random);
    }

    /// Changes grey levels: contrast about the middle, brightness, noise that is the same in all channels.
    fn shade(&self, preprocess: &Preprocess, input: &mut [f32], random: &mut Random) {
        let contrast = 1.0 + random.symmetric(self.contrast);
        let brightness = random.symmetric(self.brightness) * 255.0;
        if [self.contrast, self.brightness, self.noise] == [0.0; 3] {
            return;
        }
        for pixel in input.as_chunks_mut::<CHANNELS>().0 {
            let noise = if self.noise > 0.0 { normal(random) * self.noise } else { 0.0 };
            for (channel, value) in pixel.iter_mut().enumerate() {
                let (mean, deviation) = (preprocess.mean[channel], preprocess.deviation[channel]);
                let level = *value * deviation + mean;
                let level = (level - MIDDLE) * contrast + MIDDLE + brightness + noise;
                *value = (level.clamp(0.0, 255.0) - mean) / deviation;
            }
        }
    }
}

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
    pub fn apply(&self, input: &[f32], size: usize) -> Vec<f32> {
        let mut view = Affine::new(self.rotation, self.scale, self.shift, self.flip).sample(input, size);
        blur(&mut view, size, self.blur);
        view
    }
}

/// Where a pixel of a view comes from, both counted from the centre.
struct Affine {
    matrix: [[f32; 2]; 2],
    /// Share of the side.
    shift: [f32; 2],
}

impl Affine {
    fn draw(augment: &Augment, random: &mut Random) -> Self {
        let rotation = random.symmetric(augment.rotation);
        let scale = random.symmetric(augment.scale);
        let shift = [(); 2].map(|()| random.symmetric(augment.shift));
        Self::new(rotation, scale, shift, augment.flip && random.below(2) == 1)
    }

    fn new(rotation: f32, scale: f32, shift: [f32; 2], flip: bool) -> Self {
        let (sine, cosine) = rotation.to_radians().sin_cos();
        let (zoom, mirror) = (1.0 / (1.0 + scale), if flip { -1.0 } else { 1.0 });
        let matrix = [[cosine * zoom * mirror, -sine * zoom * mirror], [sine * zoom, cosine * zoom]];
        Self { matrix, shift }
    }

    /// Bilinear; what lies outside is the nearest pixel of the edge.
    fn sample(&self, input: &[f32], size: usize) -> Vec<f32> {
        let pixels = input.as_chunks::<CHANNELS>().0;
        let (side, centre) = (size as f32, (size as f32 - 1.0) / 2.0);
        let mut view = Vec::with_capacity(input.len());
        for row in 0..size {
            for column in 0..size {
                let [x, y] = [column as f32 - centre, row as f32 - centre];
                let [left, top] = [0, 1].map(|axis| {
                    let at = self.matrix[axis][0] * x + self.matrix[axis][1] * y;
                    (at + centre + self.shift[axis] * side).clamp(0.0, side - 1.0)
                });
                view.extend(between(pixels, size, left, top));
            }
        }
        view
    }
}

/// The picture's value at a place between four pixels.
fn between(pixels: &[[f32; CHANNELS]], size: usize, left: f32, top: f32) -> [f32; CHANNELS] {
    let (column, row) = (left as usize, top as usize);
    let (right, below) = ((column + 1).min(size - 1), (row + 1).min(size - 1));
    let (x, y) = (left - column as f32, top - row as f32);
    let at = |row: usize, column: usize| pixels[row * size + column];
    let [a, b, c, d] = [at(row, column), at(row, right), at(below, column), at(below, right)];
    std::array::from_fn(|channel| {
        let upper = a[channel] + (b[channel] - a[channel]) * x;
        let lower = c[channel] + (d[channel] - c[channel]) * x;
        upper + (lower - upper) * y
    })
}

/// Convolves `[size, size, 3]` with a Gaussian of this deviation in pixels, lines first, then columns. What lies outside
/// is the nearest pixel of the edge.
fn blur(input: &mut [f32], size: usize, deviation: f32) {
    // Of less than a third of a pixel nothing but the middle is left.
    let reach = (3.0 * deviation) as usize;
    if reach == 0 {
        return;
    }
    let bell = |distance: usize| (-0.5 * (distance as f32 / deviation).powi(2)).exp();
    let taps: Vec<f32> = (0..=2 * reach).map(|tap| bell(tap.abs_diff(reach))).collect();
    let sum: f32 = taps.iter().sum();
    let pixels = input.as_chunks_mut::<CHANNELS>().0;
    let mut line = vec![[0.0; CHANNELS]; size];
    for axis in 0..2 {
        for number in 0..size {
            let place = |at: usize| if axis == 0 { number * size + at } else { at * size + number };
            (0..size).for_each(|at| line[at] = pixels[place(at)]);
            for at in 0..size {
                let mut mean = [0.0; CHANNELS];
                for (tap, weight) in taps.iter().enumerate() {
                    let from = (at + tap).saturating_sub(reach).min(size - 1);
                    (0..CHANNELS).for_each(|channel| mean[channel] += weight * line[from][channel]);
                }
                pixels[place(at)] = mean.map(|value| value / sum);
            }
        }
    }
}

/// Standard normal (Box and Muller).
fn normal(random: &mut Random) -> f32 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f32::consts::TAU * random.unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{ChannelOrder, Filter, Resize};

    const SIZE: usize = 5;

    fn preprocess() -> Preprocess {
        Preprocess {
            size: SIZE,
            resize: Resize::Squash,
            filter: Filter::Bilinear,
            channel_order: ChannelOrder::Rgb,
            mean: [100.0; 3],
            deviation: [50.0; 3],
        }
    }

    /// Grey levels `10·row + column`, normalised.
    fn input() -> Vec<f32> {
        let levels = (0..SIZE).flat_map(|row| (0..SIZE).map(move |column| (10 * row + column) as f32));
        levels.flat_map(|level| [(level - 100.0) / 50.0; 3]).collect()
    }

    fn view(augment: Augment, content: u8, number: usize) -> Vec<f32> {
        let mut view = input();
        augment.apply(&preprocess(), &mut view, &[content; 32], number);
        view
    }

    fn all() -> Augment {
        let (rotation, shift, scale) = (10.0, 0.1, 0.1);
        let (brightness, contrast, noise, blur) = (0.1, 0.2, 4.0, 1.5);
        Augment { views: 3, flip: true, rotation, shift, scale, blur, brightness, contrast, noise }
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        assert_eq!(view(Augment { views: 1, ..Augment::default() }, 1, 1), input());
    }

    #[test]
    fn views_differ_by_image_and_number_and_come_again() {
        assert_eq!(view(all(), 1, 1), view(all(), 1, 1));
        assert_ne!(view(all(), 1, 1), view(all(), 1, 2));
        assert_ne!(view(all(), 1, 1), view(all(), 2, 1));
    }

    #[test]
    fn a_flip_mirrors_left_and_right() {
        let flips = |number| view(Augment { flip: true, ..Augment::default() }, 1, number);
        let mirrored: Vec<f32> =
            input().chunks(3 * SIZE).flat_map(|row| row.iter().rev().copied().collect::<Vec<_>>()).collect();
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        let drawn: Vec<Vec<f32>> = (0..20).map(flips).collect();
        assert!(drawn.iter().all(|view| near(view, &input()) || near(view, &mirrored)));
        assert!(drawn.iter().any(|view| near(view, &mirrored)) && drawn.iter().any(|v| near(v, &input())));
    }

    /// Against SciPy: `gaussian_filter(x, (1.0, 1.0, 0), mode="nearest", radius=3)` of a picture that is 0 but for
    /// 100 at row 2, column 1.
    #[test]
    fn blurring_is_a_gaussian() {
        let mut picture = vec![0.0; 3 * SIZE * SIZE];
        picture[3 * (2 * SIZE + 1)..][..3].fill(100.0);
        blur(&mut picture, SIZE, 1.0);
        let expected = [
            [1.3071, 2.1551, 1.3071, 0.2917, 0.0239],
            [5.8582, 9.6585, 5.8582, 1.3071, 0.1073],
            [9.6585, 15.9241, 9.6585, 2.1551, 0.1769],
        ];
        for (row, expected) in expected.iter().enumerate() {
            for (column, expected) in expected.iter().enumerate() {
                let found = &picture[3 * (row * SIZE + column)..][..3];
                assert!(
                    found.iter().all(|value| (value - expected).abs() < 1e-3),
                    "{row} {column}: {found:?}"
                );
            }
        }
        let before = picture.clone();
        blur(&mut picture, SIZE, 0.0);
        assert_eq!(picture, before);
    }

    #[test]
    fn grey_stays_grey_within_the_range() {
        for pixel in view(Augment { brightness: 1.0, ..all() }, 3, 1).as_chunks::<3>().0 {
            assert!(pixel[0] == pixel[1] && pixel[1] == pixel[2]);
            assert!((-2.0..=3.1).contains(&pixel[0]), "{pixel:?}");
        }
    }
}
