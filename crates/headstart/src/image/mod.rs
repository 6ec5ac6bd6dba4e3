//! From a file's bytes to the numbers that a net reads.

pub mod augment;
mod coding;
pub mod decode;
mod dicom;
mod encode;
mod format;
mod frames;
mod jpeg;
mod limits;
mod odd_copy;
pub mod preprocess;
pub mod worker;

use std::borrow::Cow;

pub use augment::{
    Augment, Perturbation, RESTYLED, Setting, Strength, Style, Stylist, TestView, perturbations,
};
pub(crate) use coding::Coding;
pub use decode::{DecodeError, decode, is_slow};
pub(crate) use dicom::patient;
pub(crate) use encode::data_uri;
pub use encode::encode_png;
pub use format::Format;
pub use frames::first_frames;
pub use limits::{Cost, Limits};
pub use odd_copy::OddCopy;
pub use preprocess::{ChannelOrder, Filter, Preprocess, Resize};

/// A decoded image: RGB, rows from the top, 8 or 16 bits a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    pixels: Pixels,
    frames: u32,
}

/// `[height, width, 3]`, at the depth that the file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pixels {
    Eight(Vec<u8>),
    Sixteen(Vec<u16>),
}

impl Image {
    /// An image of 8-bit RGB pixels.
    ///
    /// # Shapes
    /// `pixels`: `[height, width, 3]`
    ///
    /// # Panics
    /// When `pixels` has another length.
    pub fn from_rgb8(width: usize, height: usize, pixels: Vec<u8>) -> Self {
        assert_eq!(pixels.len(), width * height * 3, "RGB pixels of {width}×{height}");
        Self { width, height, pixels: Pixels::Eight(pixels), frames: 1 }
    }

    /// An image of 16-bit RGB pixels.
    ///
    /// # Shapes
    /// `pixels`: `[height, width, 3]`
    ///
    /// # Panics
    /// When `pixels` has another length.
    pub fn from_rgb16(width: usize, height: usize, pixels: Vec<u16>) -> Self {
        assert_eq!(pixels.len(), width * height * 3, "RGB pixels of {width}×{height}");
        Self { width, height, pixels: Pixels::Sixteen(pixels), frames: 1 }
    }

    /// An image of 8-bit grey pixels: each channel gets the same value.
    ///
    /// # Shapes
    /// `pixels`: `[height, width]`
    ///
    /// # Panics
    /// When `pixels` has another length.
    pub fn from_grey8(width: usize, height: usize, pixels: &[u8]) -> Self {
        Self::from_rgb8(width, height, pixels.iter().flat_map(|value| [*value; 3]).collect())
    }

    /// Says that its file has so many frames.
    fn first_of(mut self, frames: u32) -> Self {
        self.frames = frames;
        self
    }

    /// Number of frames that its file has, of which it is the first.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels at 8 bits a channel, for showing them.
    ///
    /// # Shapes
    /// result: `[height, width, 3]`
    pub fn to_rgb8(&self) -> Cow<'_, [u8]> {
        match &self.pixels {
            Pixels::Eight(pixels) => Cow::Borrowed(pixels),
            // Rounded: 65535 = 255 · 257.
            Pixels::Sixteen(pixels) => {
                pixels.iter().map(|value| ((u32::from(*value) + 128) / 257) as u8).collect()
            }
        }
    }

    pub(crate) fn pixels(&self) -> &Pixels {
        &self.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::Image;

    #[test]
    fn deep_pixels_are_shown_rounded() {
        let image = Image::from_rgb16(1, 2, vec![0, 128, 129, 257, 65535, 65406]);
        assert_eq!(image.to_rgb8().as_ref(), [0, 0, 1, 1, 255, 254]);
    }
}
