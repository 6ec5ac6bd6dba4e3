//! Resizing and normalising: part of the model, saved with it.

use fast_image_resize::images::{Image as Buffer, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use super::{Image, Pixels};

/// How an image becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Each side is scaled by itself: the geometry of the original cannot be seen.
    Squash,
    /// The shorter side is scaled, and the centre kept.
    Crop,
}

/// The resampling filter, widened when an image shrinks (as Pillow's `Image.resize`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// Triangle.
    Bilinear,
    /// Catmull–Rom, a = −0.5.
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

/// From an [`Image`] to a net's input: `(value in 0..255 - mean) / deviation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Side of the square, in pixels.
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

    /// Writes the net's input.
    ///
    /// # Shapes
    /// `output`: `[size, size, 3]`
    pub fn apply(&self, image: &Image, output: &mut [f32]) {
        assert_eq!(output.len(), self.len(), "an input of {0}×{0}×3", self.size);
        match image.pixels() {
            Pixels::Eight(pixels) => {
                let resized = self.resized(image, pixels, PixelType::U8x3);
                self.normalise(resized.iter().map(|value| f32::from(*value)), output);
            }
            Pixels::Sixteen(pixels) => {
                let bytes: Vec<u8> = pixels.iter().flat_map(|value| value.to_ne_bytes()).collect();
                let resized = self.resized(image, &bytes, PixelType::U16x3);
                let levels = resized.as_chunks().0.iter().map(|pair| f32::from(u16::from_ne_bytes(*pair)));
                self.normalise(levels.map(|value| value * (255.0 / 65535.0)), output);
            }
        }
    }

    fn resized(&self, image: &Image, bytes: &[u8], kind: PixelType) -> Vec<u8> {
        let (width, height, size) = (image.width() as u32, image.height() as u32, self.size as u32);
        if [width, height] == [size; 2] {
            return bytes.to_vec();
        }
        let source = ImageRef::new(width, height, bytes, kind).expect("an image has all its pixels");
        let mut target = Buffer::new(size, size, kind);
        let filter = match self.filter {
            Filter::Bilinear => FilterType::Bilinear,
            Filter::Bicubic => FilterType::CatmullRom,
        };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        let options = match self.resize {
            Resize::Squash => options,
            Resize::Crop => options.fit_into_destination(None),
        };
        Resizer::new().resize(&source, &mut target, &options).expect("both images have the same pixel type");
        target.into_vec()
    }

    fn normalise(&self, levels: impl Iterator<Item = f32>, output: &mut [f32]) {
        output.iter_mut().zip(levels).for_each(|(slot, level)| *slot = level);
        for pixel in output.as_chunks_mut::<3>().0 {
            if self.channel_order == ChannelOrder::Bgr {
                pixel.swap(0, 2);
            }
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = (*value - self.mean[channel]) / self.deviation[channel];
            }
        }
    }
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

    #[test]
    fn the_same_size_is_only_normalised() {
        let mut output = [0.0; 3];
        keras(1).apply(&Image::from_rgb8(1, 1, vec![10, 20, 30]), &mut output);
        assert_eq!(output, [-70.0, -90.0, -55.0]);
    }

    #[test]
    fn sixteen_bits_keep_their_depth() {
        let mut output = [0.0; 3];
        keras(1).apply(&Image::from_rgb16(1, 1, vec![257, 300, 0]), &mut output);
        assert_eq!(output[1], 300.0 * (255.0 / 65535.0) - 110.0);
    }

    #[test]
    fn halving_averages() {
        let mut output = [0.0; 3];
        keras(1).apply(&Image::from_grey8(2, 2, &[0, 40, 80, 120]), &mut output);
        assert_eq!(output[0], 60.0 - 100.0);
    }
}
