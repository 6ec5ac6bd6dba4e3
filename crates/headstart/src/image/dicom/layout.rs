//! How the stored values of a frame lie: what the Image Pixel module (PS3.3 C.7.6.3) says, checked.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::data_set::{DataSet, name};
use super::syntax::Coding;
use super::{DecodeError, damaged, unsupported};

/// What the values mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Photometric {
    /// Grey, the least value white.
    Monochrome1,
    /// Grey, the least value black.
    Monochrome2,
    Rgb,
    /// YCbCr, as in JPEG.
    YbrFull,
    /// The same with half as many columns of colour.
    YbrFull422,
    /// Numbers of colours.
    Palette,
}

/// A frame's size and how its values are stored.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) rows: u16,
    pub(super) columns: u16,
    /// Values a pixel: 1 or 3.
    pub(super) channels: usize,
    pub(super) photometric: Photometric,
    /// Whether the channels lie one after the other, not interleaved.
    pub(super) planar: bool,
    /// Bytes a value: 1 or 2.
    pub(super) bytes: usize,
    /// Bits of a value that mean something, at most 16.
    pub(super) stored: u32,
    /// Bits below them.
    pub(super) shift: u32,
    pub(super) signed: bool,
    pub(super) frames: u32,
}

impl Layout {
    pub(super) fn of(data: &DataSet<'_>) -> Result<Self, DecodeError> {
        if data.has(tags::FLOAT_PIXEL_DATA) || data.has(tags::DOUBLE_FLOAT_PIXEL_DATA) {
            return Err(unsupported("pixels as floating-point numbers"));
        }
        if !data.has(tags::PIXEL_DATA) {
            return Err(unsupported("an object without pixels"));
        }
        let required = |tag: Tag| data.word(tag).ok_or_else(|| damaged(format!("{} is missing", name(tag))));
        let (photometric, channels) = photometric(data)?;
        let (allocated, bits) = (required(tags::BITS_ALLOCATED)?, data.word(tags::BITS_STORED));
        if allocated != 8 && allocated != 16 {
            return Err(unsupported(format!("{allocated} bits allocated for a value")));
        }
        let stored = bits.unwrap_or(allocated);
        let high = data.word(tags::HIGH_BIT).unwrap_or(stored.saturating_sub(1));
        if stored == 0 || stored > allocated || high >= allocated || high + 1 < stored {
            return Err(damaged(format!("{stored} bits up to bit {high} of {allocated}")));
        }
        let layout = Self {
            rows: required(tags::ROWS)?,
            columns: required(tags::COLUMNS)?,
            channels,
            photometric,
            planar: channels > 1 && data.word(tags::PLANAR_CONFIGURATION) == Some(1),
            bytes: usize::from(allocated / 8),
            stored: stored.into(),
            shift: u32::from(high + 1 - stored),
            signed: data.word(tags::PIXEL_REPRESENTATION) == Some(1),
            frames: data
                .text(tags::NUMBER_OF_FRAMES)
                .and_then(|count| count.parse().ok())
                .unwrap_or(1)
                .max(1),
        };
        if layout.pixels() == 0 {
            return Err(damaged(format!("{}×{} pixels", layout.columns, layout.rows)));
        }
        Ok(layout)
    }

    /// The same once decoded: what JPEG's colours are it says itself, and they come out as RGB.
    pub(super) fn decoded(self, coding: Coding) -> Self {
        match self.channels == 3 && coding == Coding::Jpeg {
            true => Self { photometric: Photometric::Rgb, ..self },
            false => self,
        }
    }

    /// Of a frame.
    pub(super) fn pixels(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    /// Values of a frame.
    pub(super) fn values(&self) -> usize {
        self.pixels() * self.channels
    }

    pub(super) fn is_grey(&self) -> bool {
        matches!(self.photometric, Photometric::Monochrome1 | Photometric::Monochrome2)
    }

    /// The bits that mean something.
    pub(super) fn mask(&self) -> u16 {
        u16::MAX >> (u16::BITS - self.stored)
    }

    /// The number that stored bits are.
    pub(super) fn number(&self, bits: u16) -> i32 {
        let unused = u16::BITS - self.stored;
        match self.signed {
            true => i32::from((bits << unused).cast_signed() >> unused),
            false => i32::from(bits & self.mask()),
        }
    }
}

fn photometric(data: &DataSet<'_>) -> Result<(Photometric, usize), DecodeError> {
    let told = data
        .text(tags::PHOTOMETRIC_INTERPRETATION)
        .ok_or_else(|| damaged(format!("{} is missing", name(tags::PHOTOMETRIC_INTERPRETATION))))?;
    let (photometric, channels) = match told {
        "MONOCHROME1" => (Photometric::Monochrome1, 1),
        "MONOCHROME2" => (Photometric::Monochrome2, 1),
        "PALETTE COLOR" => (Photometric::Palette, 1),
        // JPEG 2000 decoders undo the latter two.
        "RGB" | "YBR_RCT" | "YBR_ICT" => (Photometric::Rgb, 3),
        "YBR_FULL" => (Photometric::YbrFull, 3),
        "YBR_FULL_422" => (Photometric::YbrFull422, 3),
        other => {
            let known = other.len() <= 16
                && other.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_ ".contains(&byte));
            let other = if known { other } else { "that is not known" };
            return Err(unsupported(format!("photometric interpretation {other}")));
        }
    };
    match usize::from(data.word(tags::SAMPLES_PER_PIXEL).unwrap_or(1)) {
        found if found == channels => Ok((photometric, channels)),
        found => Err(damaged(format!("{found} values a pixel, expected {channels}"))),
    }
}
