//! Lookup tables of DICOM: a descriptor (entries, first value mapped, bits an entry) and the entries.

use dicom_core::Tag;

use super::data_set::{DataSet, name};
use super::{DecodeError, damaged};

/// From whole numbers to levels. What lies before the first entry has its level, and so at the end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lookup {
    first: i32,
    entries: Vec<u16>,
    bits: u32,
}

impl Lookup {
    /// `signed` is whether the values that are looked up may be negative.
    pub(super) fn read(
        data: &DataSet<'_>,
        descriptor: Tag,
        entries: Tag,
        signed: bool,
    ) -> Result<Self, DecodeError> {
        let wrong = |what: &str| damaged(format!("{}: {what}", name(descriptor)));
        let [count, first, bits] = data
            .words(descriptor)
            .and_then(|words| words.try_into().ok())
            .ok_or_else(|| wrong("three numbers expected"))?;
        // 65536 does not fit.
        let count = if count == 0 { 1 << 16 } else { usize::from(count) };
        let first = match signed || data.is_signed(descriptor) {
            true => first.cast_signed().into(),
            false => first.into(),
        };
        if bits == 0 || bits > 16 {
            return Err(wrong("bits an entry"));
        }
        let bytes = data.bytes(entries).ok_or_else(|| wrong("no entries"))?;
        let entries = match bytes.len() {
            // Bytes, and perhaps one that pads.
            length if bits <= 8 && length < 2 * count => bytes.iter().map(|byte| u16::from(*byte)).collect(),
            _ => data.words(entries).unwrap_or_default(),
        };
        let entries = entries.get(..count).ok_or_else(|| wrong("fewer entries"))?.to_vec();
        Ok(Self { first, entries, bits: bits.into() })
    }

    /// The entry of a value.
    pub(super) fn entry(&self, value: f64) -> u16 {
        let at = (value.trunc() - f64::from(self.first)).clamp(0.0, (self.entries.len() - 1) as f64);
        self.entries[at as usize]
    }

    /// The greatest number that an entry can be.
    pub(super) fn most(&self) -> f64 {
        f64::from((1u32 << self.bits) - 1)
    }
}
