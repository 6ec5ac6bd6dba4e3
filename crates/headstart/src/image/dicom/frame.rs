//! The stored values of the first frame, whatever they are coded in.

use std::borrow::Cow;

use dicom_dictionary_std::tags;

use super::data_set::DataSet;
use super::layout::{Layout, Photometric};
use super::syntax::{Coding, Syntax};
use super::{DecodeError, damaged, jpeg_2000, jpeg_lossless, jpeg_ls, rle, truncated, unsupported};
use crate::image::jpeg;

/// The first frame, channels interleaved; of each value the bits that are stored.
///
/// # Shapes
/// result: `[rows, columns, channels]`
pub(super) fn first(data: &DataSet<'_>, layout: &Layout, syntax: Syntax) -> Result<Vec<u16>, DecodeError> {
    let halved = layout.photometric == Photometric::YbrFull422;
    let samples = match syntax.coding {
        Coding::Jpeg => jpeg_pixels(&coded(data, layout)?, layout)?,
        Coding::Plain if halved => half_columns(plain_bytes(data, layout, layout.pixels() * 2)?, layout),
        _ if halved => return Err(unsupported("YBR_FULL_422 that is neither plain nor JPEG")),
        Coding::Plain => plain(data, layout, syntax.is_big_endian())?,
        Coding::Rle => rle::decode(&coded(data, layout)?, layout)?,
        Coding::JpegLossless => jpeg_lossless::decode(&coded(data, layout)?, layout)?,
        Coding::JpegLs => jpeg_ls::decode(&coded(data, layout)?, layout)?,
        Coding::Jpeg2000 => jpeg_2000::decode(&coded(data, layout)?, layout)?,
    };
    Ok(samples.into_iter().map(|value| value >> layout.shift & layout.mask()).collect())
}

/// The coded bytes of the first frame.
fn coded<'a>(data: &DataSet<'a>, layout: &Layout) -> Result<Cow<'a, [u8]>, DecodeError> {
    let (offsets, fragments) = data.fragments().ok_or_else(|| damaged("its pixels are not encapsulated"))?;
    let first = fragments.first().ok_or_else(truncated)?;
    // Where the second frame begins; each fragment has a header of 8 bytes.
    let second = match offsets.as_chunks().0 {
        _ if layout.frames == 1 => usize::MAX,
        [_, second, ..] => u32::from_le_bytes(*second) as usize,
        _ => first.len() + 8,
    };
    let starts = fragments.iter().scan(0usize, |at, fragment| {
        let start = *at;
        *at += fragment.len() + 8;
        Some(start)
    });
    match starts.take_while(|start| *start < second).count() {
        0 | 1 => Ok(Cow::Borrowed(first)),
        count => Ok(Cow::Owned(fragments[..count].concat())),
    }
}

/// The first `length` bytes of pixels that are not encapsulated.
fn plain_bytes<'a>(data: &DataSet<'a>, layout: &Layout, length: usize) -> Result<&'a [u8], DecodeError> {
    let Some(bytes) = data.bytes(tags::PIXEL_DATA) else {
        // Plain, but encapsulated: transfer syntax 1.2.840.10008.1.2.1.98.
        return match coded(data, layout)? {
            Cow::Borrowed(bytes) => bytes.get(..length).ok_or_else(truncated),
            Cow::Owned(_) => Err(unsupported("plain pixels in several fragments")),
        };
    };
    bytes.get(..length).ok_or_else(truncated)
}

fn plain(data: &DataSet<'_>, layout: &Layout, big_endian: bool) -> Result<Vec<u16>, DecodeError> {
    let bytes = plain_bytes(data, layout, layout.values() * layout.bytes)?;
    let values: Vec<u16> = match (layout.bytes, big_endian) {
        // Bytes in words, whose halves are the other way round.
        (1, true) if data.is_words(tags::PIXEL_DATA) => {
            let padded = plain_bytes(data, layout, bytes.len().next_multiple_of(2))?;
            let swapped = padded.as_chunks().0.iter().flat_map(|&[high, low]| [low, high].map(u16::from));
            swapped.take(bytes.len()).collect()
        }
        (1, _) => bytes.iter().map(|byte| u16::from(*byte)).collect(),
        (_, true) => bytes.as_chunks().0.iter().map(|word| u16::from_be_bytes(*word)).collect(),
        (_, false) => bytes.as_chunks().0.iter().map(|word| u16::from_le_bytes(*word)).collect(),
    };
    Ok(if layout.planar { interleaved(&values, layout) } else { values })
}

/// `[channels, rows, columns]` → `[rows, columns, channels]`
fn interleaved(values: &[u16], layout: &Layout) -> Vec<u16> {
    let pixels = layout.pixels();
    (0..pixels)
        .flat_map(|pixel| (0..layout.channels).map(move |channel| values[channel * pixels + pixel]))
        .collect()
}

/// Two luminances and a colour for each two pixels, as bytes.
fn half_columns(bytes: &[u8], layout: &Layout) -> Vec<u16> {
    let pixels = bytes
        .as_chunks()
        .0
        .iter()
        .flat_map(|&[first, second, blue, red]| [first, blue, red, second, blue, red].map(u16::from));
    let mut pixels: Vec<u16> = pixels.collect();
    // An odd number of pixels, which the standard forbids.
    pixels.resize(layout.values(), 0);
    pixels
}

/// JPEG with 8 bits. It comes out as RGB.
fn jpeg_pixels(coded: &[u8], layout: &Layout) -> Result<Vec<u16>, DecodeError> {
    if layout.stored > 8 {
        return Err(unsupported(format!("JPEG with {} bits", layout.stored)));
    }
    let limits = crate::image::Limits::default();
    let decode = if layout.photometric == Photometric::Rgb { jpeg::decode_rgb } else { jpeg::decode };
    let (image, _) = decode(coded, &limits).map_err(|why| damaged(format!("its JPEG: {why}")))?;
    same_size(layout, [image.width(), image.height()])?;
    let pixels = image.into_rgb8().into_raw();
    let step = if layout.channels == 1 { 3 } else { 1 };
    // The JPEG knows nothing of fewer bits than 8: its losses may reach beyond the greatest value.
    let value = |pixel: u8| u16::from(pixel).min(layout.mask()) << layout.shift;
    Ok(pixels.into_iter().step_by(step).map(value).collect())
}

/// That a codestream has the size that the data set says.
pub(super) fn same_size(layout: &Layout, [width, height]: [u32; 2]) -> Result<(), DecodeError> {
    let (columns, rows) = (layout.columns, layout.rows);
    if [u32::from(columns), u32::from(rows)] == [width, height] {
        return Ok(());
    }
    Err(damaged(format!("{columns}×{rows} pixels are said to be there, {width}×{height} are")))
}
