//! Decoding JPEG, PNG, TIFF, BMP, WebP and DICOM, with limits that hold before pixels are allocated. A program that
//! asks for it decodes in processes of their own: see [`super::worker`].

use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};

use super::{Cost, Format, Image, Limits, dicom, frames, jpeg, worker};

/// What the chunks beside a PNG's pixels may take, besides twice the file: a colour profile is inflated, though it is
/// not used.
const PNG_CHUNKS: u64 = 16 << 20;
/// The bytes at the start of a file that tell text from binary data.
const TEXT_PROBE: usize = 512;
/// What JPEG 2000 decodes in about half a second.
const SLOW_PIXELS: u64 = 6_000_000;

/// Why a file is no usable image. `Display` is what a user reads after `set aside: PATH:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DecodeError {
    /// No byte.
    #[error("empty file")]
    Empty,
    /// Text, whatever its name says.
    #[error("not an image: plain text")]
    Text,
    /// Not one of the formats.
    #[error("not an image format that headstart reads (JPEG, PNG, TIFF, BMP, WebP, DICOM)")]
    Unknown,
    /// Past a limit.
    #[error("too large: {found}, at most {most}")]
    TooLarge {
        /// What it is.
        found: String,
        /// What is allowed.
        most: String,
    },
    /// The end is missing.
    #[error("truncated {format}: {why}")]
    Truncated {
        /// What the file is.
        format: Format,
        /// What is missing.
        why: String,
    },
    /// Of a kind that is not read.
    #[error("unsupported {format}: {what}")]
    Unsupported {
        /// What the file is.
        format: Format,
        /// What of it is not read.
        what: String,
    },
    /// Broken, or of a kind that the decoder does not know.
    #[error("damaged {format}: {why}")]
    Damaged {
        /// What the file is.
        format: Format,
        /// What the decoder says.
        why: String,
    },
    /// Past what decoding one image may cost.
    #[error("too costly {format}: decoding it takes more than {most}")]
    TooCostly {
        /// What the file is.
        format: Format,
        /// What is allowed.
        most: Cost,
    },
    /// The decoder ended without an answer.
    #[error("damaged {format}: its decoder failed")]
    Failed {
        /// What the file is.
        format: Format,
    },
    /// There is no process that could decode it.
    #[error("cannot be decoded: {why}")]
    Unavailable {
        /// What the system says.
        why: String,
    },
}

/// Whether decoding a file takes half a second or more, as far as its header tells: JPEG 2000 of some million pixels.
pub fn is_slow(bytes: &[u8]) -> bool {
    dicom::is_dicom(bytes) && dicom::jpeg_2000_pixels(bytes) >= SLOW_PIXELS
}

/// Decodes a JPEG, PNG, TIFF, BMP, WebP or DICOM file, of several frames the first. EXIF orientation is applied,
/// transparency is laid on black, 16-bit channels keep their depth. A file that is cut off is an error, never half an
/// image.
///
/// # Errors
/// [`DecodeError`], in words for the user.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Image, DecodeError> {
    limits.check_bytes(bytes.len() as u64)?;
    let format = format(bytes)?;
    match worker::pool() {
        Some(pool) => pool.decode(bytes, format, limits),
        None => decode_here(bytes, format, limits),
    }
}

/// The same within this process.
pub(super) fn decode_here(bytes: &[u8], format: Format, limits: &Limits) -> Result<Image, DecodeError> {
    let (mut image, orientation) = match format {
        Format::Jpeg => jpeg::decode(bytes, limits)?,
        Format::Png => read(bytes, ImageFormat::Png, format, limits)?,
        Format::Tiff => read(bytes, ImageFormat::Tiff, format, limits)?,
        Format::Bmp => read(bytes, ImageFormat::Bmp, format, limits)?,
        Format::WebP => read(bytes, ImageFormat::WebP, format, limits)?,
        Format::Dicom => return dicom::decode(bytes, limits),
    };
    image.apply_orientation(orientation);
    Ok(flatten(image).first_of(frames::count(bytes, format)))
}

/// The format, or why there is none.
fn format(bytes: &[u8]) -> Result<Format, DecodeError> {
    match Format::of(bytes) {
        Some(format) => Ok(format),
        None if bytes.is_empty() => Err(DecodeError::Empty),
        None if is_text(&bytes[..bytes.len().min(TEXT_PROBE)]) => Err(DecodeError::Text),
        None => Err(DecodeError::Unknown),
    }
}

/// UTF-8 (up to a character that the probe cuts) without control characters other than white space.
fn is_text(start: &[u8]) -> bool {
    let whole = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !whole.is_empty() && whole.chars().all(|letter| !letter.is_control() || letter.is_ascii_whitespace())
}

/// Reads what is not a JPEG.
fn read(
    bytes: &[u8],
    kind: ImageFormat,
    format: Format,
    limits: &Limits,
) -> Result<(DynamicImage, Orientation), DecodeError> {
    if kind == ImageFormat::Png && !has_whole_palette(bytes) {
        let why = "the last colour of its palette is cut".into();
        return Err(DecodeError::Damaged { format, why });
    }
    let failed = |error: image::ImageError| failure(format, error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), kind);
    // `into_decoder` refuses a side that is too long by itself, but does not say how long it is. Of a PNG it inflates
    // the colour profile; the other decoders take nothing before they have their limits.
    let mut headers = image::Limits::no_limits();
    headers.max_alloc = Some(2 * bytes.len() as u64 + PNG_CHUNKS);
    reader.limits(headers);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    limits.check_size(width, height)?;
    decoder.set_limits(limits.of_decoder()).map_err(failed)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::from_decoder(decoder).map_err(failed)?, orientation))
}

/// Whether a PNG's palette, if it has one, ends with a whole colour. png 0.18.1 panics when it does not.
fn has_whole_palette(png: &[u8]) -> bool {
    let mut chunks = frames::png_chunks(png).take_while(|(kind, ..)| *kind != b"IDAT");
    chunks.find(|(kind, ..)| *kind == b"PLTE").is_none_or(|(_, length, _)| length.is_multiple_of(3))
}

/// Tells a file that ends too early from one that is broken, where the decoder does.
fn failure(format: Format, error: image::ImageError) -> DecodeError {
    match error {
        image::ImageError::IoError(why) if why.kind() == ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { format, why: "the file ends before the image does".into() }
        }
        error => DecodeError::Damaged { format, why: error.to_string() },
    }
}

/// RGB at the image's own depth, with what is transparent on black.
fn flatten(image: DynamicImage) -> Image {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let color = image.color();
    match (is_deep(color), color.has_alpha()) {
        (false, false) => Image::from_rgb8(width, height, image.into_rgb8().into_raw()),
        (true, false) => Image::from_rgb16(width, height, image.into_rgb16().into_raw()),
        (false, true) => {
            let pixels = image.into_rgba8().into_raw();
            let on_black = pixels.as_chunks().0.iter().flat_map(|&[red, green, blue, alpha]| {
                [red, green, blue].map(|value| over_black(value.into(), alpha.into(), u8::MAX.into()) as u8)
            });
            Image::from_rgb8(width, height, on_black.collect())
        }
        (true, true) => {
            let pixels = image.into_rgba16().into_raw();
            let on_black = pixels.as_chunks().0.iter().flat_map(|&[red, green, blue, alpha]| {
                [red, green, blue].map(|value| over_black(value.into(), alpha.into(), u16::MAX.into()) as u16)
            });
            Image::from_rgb16(width, height, on_black.collect())
        }
    }
}

/// Whether a channel has more than 8 bits. Floats, which only a TIFF has, become 16 bits.
fn is_deep(color: ColorType) -> bool {
    color.bytes_per_pixel() > color.channel_count()
}

/// `value · alpha / most`, rounded; the result is at most `most`.
fn over_black(value: u64, alpha: u64, most: u64) -> u64 {
    (value * alpha + most / 2) / most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).expect("encodes");
        bytes.into_inner()
    }

    /// A picture that no codec packs into a few bytes.
    fn picture() -> DynamicImage {
        let value = |x: u32, y: u32| ((x * x * 7 + y * 131 + x * y * 13) % 256) as u8;
        image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([value(x, y), value(y, x), value(x + 1, y)]))
            .into()
    }

    fn reason(bytes: &[u8]) -> String {
        decode(bytes, &Limits::default()).expect_err("no image").to_string()
    }

    #[test]
    fn what_is_no_image_says_what_it_is() {
        assert_eq!(reason(b""), "empty file");
        assert_eq!(reason("Röntgen: see the attached file\r\n".as_bytes()), "not an image: plain text");
        let unread = "not an image format that headstart reads (JPEG, PNG, TIFF, BMP, WebP, DICOM)";
        assert_eq!(reason(b"GIF89a\x01\x00\x01\x00\x80\x00\x00"), unread);
        assert_eq!(reason(&[0, 1, 2, 3]), unread);
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        for format in
            [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Jpeg]
        {
            let whole = encoded(picture(), format);
            assert!(decode(&whole, &Limits::default()).is_ok(), "{format:?}");
            for percent in [5, 25, 50, 75, 90] {
                let cut = &whole[..whole.len() * percent / 100];
                assert!(decode(cut, &Limits::default()).is_err(), "{format:?} cut at {percent} %");
            }
        }
    }

    #[test]
    fn a_cut_file_is_called_so() {
        let half = |format| {
            let whole = encoded(picture(), format);
            reason(&whole[..whole.len() / 2])
        };
        for (format, name) in
            [(ImageFormat::Jpeg, "JPEG"), (ImageFormat::Bmp, "BMP"), (ImageFormat::Png, "PNG")]
        {
            assert_eq!(half(format), format!("truncated {name}: the file ends before the image does"));
        }
    }

    #[test]
    fn sizes_are_bounded_before_pixels_are_allocated() {
        let png = encoded(image::GrayImage::new(40, 30), ImageFormat::Png);
        let of = |limits: Limits| decode(&png, &limits).expect_err("too large").to_string();
        let limits = Limits::default();
        assert_eq!(of(Limits { max_pixels: 1000, ..limits }), "too large: 40×30 pixels, at most 1000 pixels");
        assert_eq!(
            of(Limits { max_side: 39, ..limits }),
            "too large: 40×30 pixels, at most 39 pixels a side"
        );
        let found = format!("too large: {} bytes, at most 16 bytes", png.len());
        assert_eq!(of(Limits { max_bytes: 16, ..limits }), found);
    }

    #[test]
    fn a_header_that_claims_a_huge_image_costs_nothing() {
        let mut bmp = encoded(image::GrayImage::new(2, 2), ImageFormat::Bmp);
        bmp[18..22].copy_from_slice(&30_000u32.to_le_bytes());
        bmp[22..26].copy_from_slice(&30_000u32.to_le_bytes());
        assert_eq!(reason(&bmp), "too large: 30000×30000 pixels, at most 100000000 pixels");
    }

    #[test]
    fn a_palette_that_is_cut_is_an_error() {
        // Found by fuzzing: 4 bits a pixel, a palette of 49 bytes.
        let png = include_bytes!("../../../../fuzz/corpus/png/palette_cut");
        assert_eq!(reason(png), "damaged PNG: the last colour of its palette is cut");
    }

    #[test]
    fn transparency_lies_on_black() {
        let picture = image::RgbaImage::from_pixel(1, 1, image::Rgba([200, 100, 51, 51]));
        let image = decode(&encoded(picture, ImageFormat::Png), &Limits::default()).expect("decodes");
        // 200·51/255 = 40, 100·51/255 = 20, 51·51/255 = 10.2
        assert_eq!(image, Image::from_rgb8(1, 1, vec![40, 20, 10]));
    }

    #[test]
    fn sixteen_bits_are_kept() {
        let picture = image::ImageBuffer::from_pixel(1, 1, image::Luma([1000u16]));
        let bytes = encoded(DynamicImage::ImageLuma16(picture), ImageFormat::Png);
        let image = decode(&bytes, &Limits::default()).expect("decodes");
        assert_eq!(image, Image::from_rgb16(1, 1, vec![1000; 3]));
    }
}
