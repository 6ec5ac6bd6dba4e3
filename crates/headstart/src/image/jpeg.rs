//! JPEG, read strictly: lenient decoders fill what a cut file lacks with grey. What no decoder
//! notices is a loss inside a scan whose end marker is there.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::{DecodeError, Format, Limits};

const NAME: &str = Format::Jpeg.name();
/// Bytes in which the segments that say what the channels are begin.
const HEAD: usize = 1024;

/// Decodes grey, RGB, YCbCr, CMYK and YCCK to RGB. The four-channel kinds are taken as inverted, as
/// Adobe's programs write them and Pillow reads them.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<(DynamicImage, Orientation), DecodeError> {
    decode_to(ColorSpace::RGB, bytes, limits)
}

/// The same for three channels that are RGB, as a DICOM file says. Without this a decoder takes them as
/// YCbCr, unless the JPEG itself says what they are.
pub(super) fn decode_rgb(bytes: &[u8], limits: &Limits) -> Result<(DynamicImage, Orientation), DecodeError> {
    let says = |kind: &[u8]| bytes.windows(kind.len()).take(HEAD).any(|window| window == kind);
    match says(b"Adobe\0") || says(b"JFIF\0") {
        true => decode(bytes, limits),
        // As they are stored.
        false => decode_to(ColorSpace::YCbCr, bytes, limits),
    }
}

fn decode_to(
    colours: ColorSpace,
    bytes: &[u8],
    limits: &Limits,
) -> Result<(DynamicImage, Orientation), DecodeError> {
    let bytes = whole(bytes).ok_or_else(|| DecodeError::Truncated {
        format: NAME,
        why: "the file ends before the image does".into(),
    })?;
    let damaged =
        |why: zune_jpeg::errors::DecodeErrors| DecodeError::Damaged { format: NAME, why: why.to_string() };
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(colours)
        .set_strict_mode(true)
        // The limits below say which one an image breaks.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().expect("the headers are decoded");
    let (width, height) = (width as u32, height as u32);
    limits.check_size(width, height)?;
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let pixels = decoder.decode().map_err(damaged)?;
    let image = RgbImage::from_raw(width, height, pixels).ok_or_else(|| DecodeError::Damaged {
        format: NAME,
        why: "channels of a kind that is not known".into(),
    })?;
    Ok((image.into(), orientation.unwrap_or(Orientation::NoTransforms)))
}

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// The bytes up to the end-of-image marker, or `None` when it is missing. Segments are stepped over
/// whole, because a thumbnail in one has its own end marker.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
        let marker = *bytes.get(at + 1)?;
        match marker {
            // A fill byte: the marker comes later.
            0xFF => at += 1,
            END_OF_IMAGE => return Some(&bytes[..at + 2]),
            // 0xFF00 stands for 0xFF in a scan.
            0 | 1 | START_OF_IMAGE => at += 2,
            marker if RESTARTS.contains(&marker) => at += 2,
            // After a scan's header comes data: the search above runs through it.
            _ => at += 2 + segment_length(bytes, at + 2)?,
        }
    }
}

/// The length that a segment states, itself included.
fn segment_length(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_be_bytes([length[0], length[1]])))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn the_end_marker_of_a_thumbnail_is_not_the_image_s() {
        // Start, an APP1 segment of 6 bytes that holds an end marker, a scan with a stuffed 0xFF.
        let start = [0xFF, 0xD8, 0xFF, 0xE1, 0, 6, 0xFF, 0xD9, 1, 2];
        let scan = [0xFF, 0xDA, 0, 3, 9, 0x55, 0xFF, 0x00, 0xFF, 0xD0, 0x66];
        let cut = [start.as_slice(), &scan].concat();
        assert_eq!(whole(&cut), None);
        let complete = [cut.as_slice(), &[0xFF, 0xD9]].concat();
        let trailed = [complete.as_slice(), &[0xAA; 5]].concat();
        assert_eq!(whole(&trailed), Some(complete.as_slice()));
    }

    #[test]
    fn a_length_past_the_end_is_a_cut() {
        assert_eq!(whole(&[0xFF, 0xD8, 0xFF, 0xE1, 0xFF, 0xFF, 0, 0]), None);
        assert_eq!(whole(&[0xFF, 0xD8, 0xFF, 0xE1, 0]), None);
        assert_eq!(whole(&[]), None);
    }
}
