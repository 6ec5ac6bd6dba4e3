//! Decoding, with limits that hold before anything is allocated.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageReader};

use super::Image;

/// What a file may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Width times height.
    pub pixels: u64,
}

impl Default for Limits {
    /// 64 MiB and 100 million pixels.
    fn default() -> Self {
        Self { bytes: 64 << 20, pixels: 100_000_000 }
    }
}

/// Why a file is no usable image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No byte.
    #[error("the file is empty")]
    Empty,
    /// Not one of the formats.
    #[error("not an image that headstart reads (JPEG, PNG, TIFF, BMP, WebP)")]
    Unknown,
    /// Past a limit.
    #[error("too large: {found}, at most {most} are allowed")]
    TooLarge {
        /// What it is.
        found: String,
        /// What is allowed.
        most: String,
    },
    /// Broken or cut off.
    #[error("damaged or cut off: {0}")]
    Damaged(String),
}

/// Decodes a JPEG, PNG, TIFF, BMP or WebP. EXIF orientation is applied; transparency is laid on black.
///
/// # Errors
/// [`DecodeError`], in words for the user.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Image, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bytes.len() > limits.bytes {
        let (found, most) = (format!("{} bytes", bytes.len()), format!("{} bytes", limits.bytes));
        return Err(DecodeError::TooLarge { found, most });
    }
    let damaged = |why: image::ImageError| DecodeError::Damaged(why.to_string());
    let reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| DecodeError::Unknown)?;
    let jpeg = reader.format() == Some(image::ImageFormat::Jpeg);
    if reader.format().is_none() {
        return Err(DecodeError::Unknown);
    }
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > limits.pixels {
        let found = format!("{width}×{height} pixels");
        return Err(DecodeError::TooLarge { found, most: format!("{} pixels", limits.pixels) });
    }
    // A JPEG ends with a marker; decoders fill up with grey what is missing before it.
    if jpeg && !bytes.windows(2).rev().take(1 << 16).any(|pair| pair == [0xFF, 0xD9]) {
        return Err(DecodeError::Damaged("the JPEG has no end".into()));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(flatten(image))
}

/// RGB, with what is transparent on black.
fn flatten(image: DynamicImage) -> Image {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let color = image.color();
    let sixteen = matches!(
        color,
        ColorType::L16
            | ColorType::La16
            | ColorType::Rgb16
            | ColorType::Rgba16
            | ColorType::Rgb32F
            | ColorType::Rgba32F
    );
    match (sixteen, color.has_alpha()) {
        (false, false) => Image::from_rgb8(width, height, image.into_rgb8().into_raw()),
        (true, false) => Image::from_rgb16(width, height, image.into_rgb16().into_raw()),
        (false, true) => {
            let over = |p: &[u8]| [0, 1, 2].map(|c| (u32::from(p[c]) * u32::from(p[3]) / 255) as u8);
            let pixels = image.into_rgba8().into_raw();
            Image::from_rgb8(width, height, pixels.chunks_exact(4).flat_map(over).collect())
        }
        (true, true) => {
            let over = |p: &[u16]| [0, 1, 2].map(|c| (u64::from(p[c]) * u64::from(p[3]) / 65535) as u16);
            let pixels = image.into_rgba16().into_raw();
            Image::from_rgb16(width, height, pixels.chunks_exact(4).flat_map(over).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(image: DynamicImage, format: image::ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("encodes");
        bytes.into_inner()
    }

    #[test]
    fn what_is_no_image_says_so() {
        let limits = Limits::default();
        assert_eq!(decode(b"", &limits), Err(DecodeError::Empty));
        assert_eq!(decode(b"just some text, no picture", &limits), Err(DecodeError::Unknown));
    }

    #[test]
    fn a_cut_jpeg_is_an_error() {
        let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * 4) as u8, (y * 4) as u8, 90]));
        let bytes = encoded(picture.into(), image::ImageFormat::Jpeg);
        assert!(decode(&bytes, &Limits::default()).is_ok());
        let cut = decode(&bytes[..bytes.len() / 2], &Limits::default());
        assert!(matches!(cut, Err(DecodeError::Damaged(_))), "{cut:?}");
    }

    #[test]
    fn pixels_are_bounded_before_decoding() {
        let bytes = encoded(image::GrayImage::new(40, 30).into(), image::ImageFormat::Png);
        let error = decode(&bytes, &Limits { pixels: 1000, ..Limits::default() }).expect_err("too large");
        assert_eq!(error.to_string(), "too large: 40×30 pixels, at most 1000 pixels are allowed");
    }

    #[test]
    fn transparency_lies_on_black() {
        let picture = image::RgbaImage::from_pixel(1, 1, image::Rgba([200, 100, 50, 51]));
        let image =
            decode(&encoded(picture.into(), image::ImageFormat::Png), &Limits::default()).expect("decodes");
        assert_eq!(image, Image::from_rgb8(1, 1, vec![40, 20, 10]));
    }

    #[test]
    fn sixteen_bits_are_kept() {
        let picture = image::ImageBuffer::from_pixel(1, 1, image::Luma([1000u16]));
        let bytes = encoded(DynamicImage::ImageLuma16(picture), image::ImageFormat::Png);
        assert_eq!(
            decode(&bytes, &Limits::default()).expect("decodes"),
            Image::from_rgb16(1, 1, vec![1000; 3])
        );
    }
}
