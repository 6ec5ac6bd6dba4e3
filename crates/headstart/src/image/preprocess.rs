//! Resizing and normalising: part of the model, sealed with it.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U16x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use super::{Image, Pixels};

/// Red, green and blue.
const CHANNELS: usize = 3;
/// From one 8-bit value to the next, in 16 bits. Bytes are resized so, because the faster 8-bit
/// routines weigh with 16-bit numbers and miss Pillow's result by up to two grey levels.
const BYTE_STEP: u16 = 257;
/// Rows that are narrowed at once.
const STRIP_ROWS: usize = 64;

/// How an image becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Each side is scaled by itself: what a net sees does not tell the shape of the original.
    Squash,
    /// The shorter side is scaled to the square's, and the centre is kept.
    Crop,
    /// The longer side is scaled to the square's; black borders fill the rest. They show a net the
    /// shape of the original, which may tell the class for the wrong reason.
    Pad,
}

/// The resampling filter, widened when an image shrinks: antialiased, as Pillow's `Image.resize` (x
/// before y, as all versions did before 13, which turns the order round for some tall images).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// A triangle.
    Bilinear,
    /// The cubic with a = −0.5 (Catmull and Rom).
    Bicubic,
}

/// Order of the channels that the net reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// From an [`Image`] to a net's input: `(value in 0..=255 - mean) / deviation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Side of the square, in pixels; at least 1.
    pub size: usize,
    /// How an image becomes a square.
    pub resize: Resize,
    /// How it is resampled.
    pub filter: Filter,
    /// Order of the channels of the result, and of `mean` and `deviation`.
    pub channel_order: ChannelOrder,
    /// Subtracted, in grey levels.
    pub mean: [f32; 3],
    /// Divided by, in grey levels.
    pub deviation: [f32; 3],
}

impl Preprocess {
    /// Number of values of the result.
    pub fn len(&self) -> usize {
        self.size * self.size * 3
    }

    /// Whether the result has no value.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// A net's input. An image that already has the square's size is only normalised.
    ///
    /// # Shapes
    /// result: `[size, size, 3]`
    pub fn apply(&self, image: &Image) -> Vec<f32> {
        let mut input = vec![0.0; self.len()];
        self.apply_into(image, &mut input);
        input
    }

    /// The same, into memory that the caller has.
    ///
    /// # Shapes
    /// `input`: `[size, size, 3]`
    ///
    /// # Panics
    /// When `input` has another length.
    pub fn apply_into(&self, image: &Image, input: &mut [f32]) {
        assert_eq!(input.len(), self.len(), "an input of {0}×{0}×3", self.size);
        let square = self.square(image, Region::whole(image));
        square.iter().zip(&mut *input).for_each(|(value, level)| *level = as_level(*value));
        self.normalise(input);
    }

    /// Grey levels from 0 to 255 of a part of an image, resized as the whole would be. Red is first, whatever the net's
    /// order.
    ///
    /// # Shapes
    /// result: `[size, size, 3]`
    pub(crate) fn levels(&self, image: &Image, region: Region) -> Vec<f32> {
        self.square(image, region).into_iter().map(as_level).collect()
    }

    /// A net's input of what [`Preprocess::levels`] gave.
    pub(crate) fn normalise_levels(&self, levels: &[f32]) -> Vec<f32> {
        let mut input = levels.to_vec();
        self.normalise(&mut input);
        input
    }

    /// The grey levels that a net's input was made of.
    pub(crate) fn levels_of(&self, input: &[f32]) -> Vec<f32> {
        let mut levels = input.to_vec();
        for pixel in levels.as_chunks_mut::<CHANNELS>().0 {
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = *value * self.deviation[channel] + self.mean[channel];
            }
            if self.channel_order == ChannelOrder::Bgr {
                pixel.reverse();
            }
        }
        levels
    }

    fn square(&self, image: &Image, region: Region) -> Vec<u16> {
        match image.pixels() {
            Pixels::Eight(pixels) => {
                self.resized((image.width(), region), pixels, |value| u16::from(value) * BYTE_STEP, BYTE_STEP)
            }
            Pixels::Sixteen(pixels) => self.resized((image.width(), region), pixels, |value| value, 1),
        }
    }

    /// The resized pixels, `[size, size, 3]`, in 0..=65535 whatever the image's depth: `deep` brings
    /// its values there, and the result is a multiple of `step`, as all of these are.
    fn resized<T: Copy>(
        &self,
        (columns, region): (usize, Region),
        pixels: &[T],
        deep: impl Fn(T) -> u16,
        step: u16,
    ) -> Vec<u16> {
        let deepened = |pixels: &[T]| pixels.iter().map(|value| deep(*value)).collect::<Vec<u16>>();
        let Region { left, top, width: part, height: rows } = region;
        let pixels = &pixels[top * columns * CHANNELS..][..rows * columns * CHANNELS];
        if [columns, part, rows] == [self.size; 3] {
            return deepened(pixels);
        }
        let Placement { source: [across, down], target: [width, height] } =
            Placement::new(self.resize, [part, rows], self.size);
        let across = [left as f64 + across[0], across[1]];
        // Along x first, a few rows at a time to spare memory. The order matters at hard edges: what
        // the cubic overshoots is cut off between the passes.
        let mut narrow = Vec::with_capacity(width * rows * CHANNELS);
        for strip in pixels.chunks(STRIP_ROWS * columns * CHANNELS) {
            let rows = strip.len() / (columns * CHANNELS);
            let part = Part { columns, rows, across, down: [0.0, rows as f64] };
            narrow.extend(self.resample(&deepened(strip), part, [width, rows], step));
        }
        let part = Part { columns: width, rows, across: [0.0, width as f64], down };
        self.framed(self.resample(&narrow, part, [width, height], step), [width, height])
    }

    fn resample(&self, pixels: &[u16], part: Part, [width, height]: [usize; 2], step: u16) -> Vec<u16> {
        // Of this kind of pixel only: each kind is a resizer of its own to the compiler.
        let source = TypedImageRef::<U16x3>::from_buffer(
            part.columns as u32,
            part.rows as u32,
            bytemuck::cast_slice(pixels),
        )
        .expect("these are all its pixels");
        let mut target = TypedImage::<U16x3>::new(width as u32, height as u32);
        let ([left, across], [top, down]) = (part.across, part.down);
        let options = ResizeOptions::new().resize_alg(self.algorithm()).crop(left, top, across, down);
        Resizer::new().resize_typed(&source, &mut target, &options).expect("the part lies in the image");
        let values = target.pixels().iter().flat_map(|pixel| pixel.0);
        values.map(|value| (value.saturating_add(step / 2) / step) * step).collect()
    }

    fn algorithm(&self) -> ResizeAlg {
        ResizeAlg::Convolution(match self.filter {
            Filter::Bilinear => FilterType::Bilinear,
            Filter::Bicubic => FilterType::CatmullRom,
        })
    }

    /// Puts what does not fill the square into the middle of a black one.
    fn framed(&self, pixels: Vec<u16>, [width, height]: [usize; 2]) -> Vec<u16> {
        if [width, height] == [self.size; 2] {
            return pixels;
        }
        let (left, top) = ((self.size - width) / 2, (self.size - height) / 2);
        let mut square = vec![0; self.len()];
        for (row, line) in pixels.chunks_exact(width * CHANNELS).enumerate() {
            let start = ((top + row) * self.size + left) * CHANNELS;
            square[start..start + line.len()].copy_from_slice(line);
        }
        square
    }

    /// Grey levels become a net's input.
    fn normalise(&self, levels: &mut [f32]) {
        for pixel in levels.as_chunks_mut::<CHANNELS>().0 {
            if self.channel_order == ChannelOrder::Bgr {
                pixel.reverse();
            }
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = (*value - self.mean[channel]) / self.deviation[channel];
            }
        }
    }
}

/// A grey level, from a value of 16 bits. Exact for 8-bit values: both products are below 2^24.
fn as_level(value: u16) -> f32 {
    f32::from(value) * 255.0 / 65535.0
}

/// A part of an image, in its pixels; at least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Region {
    /// All of it.
    pub(crate) fn whole(image: &Image) -> Self {
        Self { left: 0, top: 0, width: image.width(), height: image.height() }
    }

    /// Left, top, width and height as shares of the image's, rounded to whole pixels.
    pub(crate) fn of_shares(image: &Image, [left, top, width, height]: [f32; 4]) -> Self {
        let part = |start: f32, length: f32, side: usize| {
            let length = ((length * side as f32).round() as usize).clamp(1, side);
            (((start * side as f32).round() as usize).min(side - length), length)
        };
        let ((left, width), (top, height)) =
            (part(left, width, image.width()), part(top, height, image.height()));
        Self { left, top, width, height }
    }
}

/// The part of an image that is resized.
struct Part {
    columns: usize,
    rows: usize,
    /// Start and length along x.
    across: [f64; 2],
    /// Start and length along y.
    down: [f64; 2],
}

/// Which part of an image is resized, and to what.
#[derive(Debug, PartialEq)]
struct Placement {
    /// Start and length along x, then along y, in the image's pixels.
    source: [[f64; 2]; 2],
    /// Width and height of the resized part.
    target: [usize; 2],
}

impl Placement {
    /// `sides` are width and height.
    fn new(resize: Resize, sides: [usize; 2], size: usize) -> Self {
        let [shorter, longer] = [sides[0].min(sides[1]), sides[0].max(sides[1])];
        match resize {
            Resize::Squash => Self { source: sides.map(|side| [0.0, side as f64]), target: [size; 2] },
            Resize::Crop => Self {
                source: sides.map(|side| kept(side, scaled(side, size, shorter), size)),
                target: [size; 2],
            },
            Resize::Pad => Self {
                source: sides.map(|side| [0.0, side as f64]),
                target: sides.map(|side| scaled(side, size, longer).max(1)),
            },
        }
    }
}

/// A side, scaled so that `reference` becomes `size`; rounded.
fn scaled(side: usize, size: usize, reference: usize) -> usize {
    (2 * side * size + reference) / (2 * reference)
}

/// The part of a side whose resized pixels are the middle `size` of `whole`. The same pixels come
/// out as if the side had become `whole` and then been cut, without the memory for that.
fn kept(side: usize, whole: usize, size: usize) -> [f64; 2] {
    let step = side as f64 / whole as f64;
    let start = ((whole - size) / 2) as f64 * step;
    // Rounding must not put the end behind the image's.
    [start, (size as f64 * step).min(side as f64 - start)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keras(size: usize) -> Preprocess {
        Preprocess {
            size,
            resize: Resize::Squash,
            filter: Filter::Bilinear,
            channel_order: ChannelOrder::Bgr,
            mean: [100.0, 110.0, 120.0],
            deviation: [1.0, 1.0, 2.0],
        }
    }

    fn plain(size: usize, resize: Resize) -> Preprocess {
        let (mean, deviation) = ([0.0; 3], [1.0; 3]);
        Preprocess { resize, channel_order: ChannelOrder::Rgb, mean, deviation, ..keras(size) }
    }

    /// The red values.
    fn red(input: &[f32]) -> Vec<f32> {
        input.iter().step_by(3).copied().collect()
    }

    #[test]
    fn the_same_size_is_only_normalised() {
        let input = keras(1).apply(&Image::from_rgb8(1, 1, vec![10, 20, 30]));
        assert_eq!(input, [30.0 - 100.0, 20.0 - 110.0, (10.0 - 120.0) / 2.0]);
    }

    #[test]
    fn sixteen_bits_keep_their_depth() {
        let input = plain(1, Resize::Squash).apply(&Image::from_rgb16(1, 1, vec![257, 300, 65535]));
        assert_eq!(input, [1.0, 300.0 * 255.0 / 65535.0, 255.0]);
        let half = plain(1, Resize::Squash).apply(&Image::from_rgb16(2, 1, vec![256, 0, 0, 258, 0, 0]));
        assert_eq!(half, [1.0, 0.0, 0.0]);
    }

    #[test]
    fn halving_averages() {
        let input = plain(1, Resize::Squash).apply(&Image::from_grey8(2, 2, &[0, 40, 80, 120]));
        assert_eq!(red(&input), [60.0]);
    }

    #[test]
    fn crop_keeps_the_middle() {
        let image = Image::from_grey8(4, 2, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(red(&plain(2, Resize::Crop).apply(&image)), [2.0, 3.0, 6.0, 7.0]);
    }

    #[test]
    fn pad_puts_borders_on_both_sides() {
        let image = Image::from_grey8(4, 2, &[1, 2, 3, 4, 5, 6, 7, 8]);
        let rows = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(red(&plain(4, Resize::Pad).apply(&image)), rows);
    }

    proptest::proptest! {
        #[test]
        fn a_plain_image_stays_plain(width in 1..300usize, height in 1..300usize, size in 1..40usize) {
            let image = Image::from_grey8(width, height, &vec![200; width * height]);
            for filter in [Filter::Bilinear, Filter::Bicubic] {
                for resize in [Resize::Squash, Resize::Crop] {
                    let values = Preprocess { filter, ..plain(size, resize) }.apply(&image);
                    proptest::prop_assert!(values.iter().all(|value| *value == 200.0));
                }
                let values = Preprocess { filter, ..plain(size, Resize::Pad) }.apply(&image);
                let (longer, shorter) = (width.max(height), width.min(height));
                let covered = size * scaled(shorter, size, longer).max(1) * CHANNELS;
                proptest::prop_assert_eq!(values.iter().filter(|value| **value == 200.0).count(), covered);
                proptest::prop_assert!(values.iter().all(|value| *value == 200.0 || *value == 0.0));
            }
        }
    }

    #[test]
    fn the_thinnest_image_takes_no_memory() {
        let line = Image::from_grey8(1, 60_000, &[9; 60_000]);
        for resize in [Resize::Squash, Resize::Crop] {
            assert_eq!(red(&plain(8, resize).apply(&line)), [9.0; 64]);
        }
        assert_eq!(red(&plain(8, Resize::Pad).apply(&line)).iter().sum::<f32>(), 9.0 * 8.0);
    }

    #[test]
    fn the_settings_read_as_words() {
        let json = serde_json::to_string(&keras(224)).expect("becomes JSON");
        assert!(json.contains(r#""resize":"squash","filter":"bilinear","channel_order":"bgr""#), "{json}");
        assert_eq!(serde_json::from_str::<Preprocess>(&json).expect("comes back"), keras(224));
    }
}
