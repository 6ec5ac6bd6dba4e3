//! What an image may be, and what decoding it may cost.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::DecodeError;

/// What an image may be at most, and what decoding it may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the file.
    pub max_bytes: u64,
    /// Width times height.
    pub max_pixels: u64,
    /// Width, and height.
    pub max_side: u32,
    /// Bytes of memory that decoding takes. A decoder within this process keeps it as far as it counts what it
    /// allocates; a worker is ended when it takes more.
    pub max_memory: u64,
    /// Seconds of a processor's time after which a worker is ended.
    pub max_seconds: u64,
}

impl Default for Limits {
    /// 64 MiB, 100 million pixels, 65 535 pixels a side (what a JPEG can have), 4 GiB of memory, a minute.
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_pixels: 100_000_000,
            max_side: 65_535,
            max_memory: 4 << 30,
            max_seconds: 60,
        }
    }
}

impl Limits {
    /// Whether a file of so many bytes may be read.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`].
    pub fn check_bytes(&self, bytes: u64) -> Result<(), DecodeError> {
        if bytes <= self.max_bytes {
            return Ok(());
        }
        let (found, most) = (format!("{bytes} bytes"), format!("{} bytes", self.max_bytes));
        Err(DecodeError::TooLarge { found, most })
    }

    /// Whether an image of so many pixels may be decoded.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`].
    pub(super) fn check_size(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        let found = format!("{width}×{height} pixels");
        if width.max(height) > self.max_side {
            return Err(DecodeError::TooLarge { found, most: format!("{} pixels a side", self.max_side) });
        }
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(DecodeError::TooLarge { found, most: format!("{} pixels", self.max_pixels) });
        }
        Ok(())
    }

    /// The same for the decoders, which parse a header before they tell its size.
    pub(super) fn of_decoder(&self) -> image::Limits {
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(self.max_side);
        limits.max_image_height = Some(self.max_side);
        limits.max_alloc = Some(self.max_memory);
        limits
    }
}

/// What decoding an image takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cost {
    /// Memory.
    Mebibytes(u64),
    /// A processor's time.
    Seconds(u64),
}

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mebibytes(number) => write!(formatter, "{number} MiB of memory"),
            Self::Seconds(number) => write!(formatter, "{number} s of computing"),
        }
    }
}
