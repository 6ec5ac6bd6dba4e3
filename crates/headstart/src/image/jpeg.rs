//! JPEG, read strictly: lenient decoders fill what a cut file lacks with grey. What no decoder
//! notices is a loss inside a scan whose end marker is there.

use std::borrow::Cow;

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::{DecodeError, Format, Limits};

const FORMAT: Format = Format::Jpeg;
/// Bytes in which the segments that say what the channels are begin.
const HEAD: usize = 1024;

/// Decodes grey, RGB, YCbCr, CMYK and YCCK to RGB. The four-channel kinds are taken as inverted, as
/// Adobe's programs write them and Pillow reads them.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<(DynamicImage, Orientation), DecodeError> {
    decode_channels(false, bytes, limits)
}

/// The same for three channels that are RGB, as a DICOM file says. Without this a decoder takes them as
/// YCbCr, unless the JPEG itself says what they are.
pub(super) fn decode_rgb(bytes: &[u8], limits: &Limits) -> Result<(DynamicImage, Orientation), DecodeError> {
    let kept = without_stub(bytes);
    match find(&kept, b"Adobe\0").is_some() || find(&kept, b"JFIF\0").is_some() {
        true => decode(bytes, limits),
        false => decode_channels(true, bytes, limits),
    }
}

/// Three channels `as_stored`, or as RGB.
fn decode_channels(
    as_stored: bool,
    bytes: &[u8],
    limits: &Limits,
) -> Result<(DynamicImage, Orientation), DecodeError> {
    let bytes = whole(bytes).ok_or_else(|| DecodeError::Truncated {
        format: FORMAT,
        why: "the file ends before the image does".into(),
    })?;
    let bytes = &*without_stub(bytes);
    let damaged =
        |why: zune_jpeg::errors::DecodeErrors| DecodeError::Damaged { format: FORMAT, why: why.to_string() };
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_strict_mode(true)
        // The limits below say which one an image breaks.
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().expect("the headers are decoded");
    let (width, height) = (width as u32, height as u32);
    limits.check_size(width, height)?;
    let stored = decoder.input_colorspace().filter(|stored| as_stored && stored.num_components() == 3);
    if let Some(stored) = stored {
        decoder.set_options(options.jpeg_set_out_colorspace(stored));
    }
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let pixels = decoder.decode().map_err(damaged)?;
    let image = RgbImage::from_raw(width, height, pixels).ok_or_else(|| DecodeError::Damaged {
        format: FORMAT,
        why: "channels of a kind that is not known".into(),
    })?;
    Ok((image.into(), orientation.unwrap_or(Orientation::NoTransforms)))
}

/// Where the segments at the beginning hold `name`.
fn find(bytes: &[u8], name: &[u8]) -> Option<usize> {
    bytes.windows(name.len()).take(HEAD).position(|window| window == name)
}

/// The bytes without an Adobe segment that ends before it says what the channels are: libjpeg steps over it, zune-jpeg
/// stops at it.
fn without_stub(bytes: &[u8]) -> Cow<'_, [u8]> {
    const WHOLE: usize = 14;
    const BEFORE_NAME: usize = 4; // marker and length
    let start = find(bytes, b"Adobe\0").and_then(|at| at.checked_sub(BEFORE_NAME));
    let stub = start.filter(|at| bytes[*at..].starts_with(&[0xFF, APP14])).and_then(|at| {
        let length = segment_length(bytes, at + 2).filter(|length| *length < WHOLE)?;
        Some((&bytes[..at], bytes.get(at + 2 + length..)?))
    });
    match stub {
        Some((before, behind)) => Cow::Owned([before, behind].concat()),
        None => Cow::Borrowed(bytes),
    }
}

const APP14: u8 = 0xEE;
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
pub(super) fn segment_length(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_be_bytes([length[0], length[1]])))
}

#[cfg(test)]
mod tests {
    use super::{whole, without_stub};

    #[test]
    fn an_adobe_segment_that_says_nothing_is_stepped_over() {
        let stub = b"\xFF\xD8\xFF\xEE\0\x0CAdobe\0\0\0\0\0\xFF\xD9";
        assert_eq!(*without_stub(stub), [0xFF, 0xD8, 0xFF, 0xD9]);
        let whole = b"\xFF\xD8\xFF\xEE\0\x0EAdobe\0d\0\0\0\0\x01\xFF\xD9";
        assert_eq!(*without_stub(whole), *whole);
        let cut = b"\xFF\xD8\xFF\xEE\0\x0CAdobe\0";
        assert_eq!(*without_stub(cut), *cut);
    }

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
