//! RLE Lossless (PS3.5 annex G): a segment for each byte of a value, the high one first, each packed
//! as PackBits.

use super::layout::Layout;
use super::{DecodeError, damaged, truncated};

/// Number of segments, and where each of at most 15 begins.
const HEADER: usize = 64;

pub(super) fn decode(coded: &[u8], layout: &Layout) -> Result<Vec<u16>, DecodeError> {
    let header: Vec<usize> = coded
        .get(..HEADER)
        .ok_or_else(truncated)?
        .as_chunks()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word) as usize)
        .collect();
    let segments = layout.channels * layout.bytes;
    if header[0] != segments {
        return Err(damaged(format!("{} RLE segments, expected {segments}", header[0])));
    }
    let unpacked = |segment: usize| {
        let start = header[1 + segment];
        let end = if segment + 1 < segments { header[2 + segment] } else { coded.len() };
        unpack(coded.get(start..end).ok_or_else(truncated)?, layout.pixels())
    };
    let mut values = vec![0; layout.values()];
    for channel in 0..layout.channels {
        for byte in 0..layout.bytes {
            let shift = 8 * (layout.bytes - 1 - byte);
            let bytes = unpacked(channel * layout.bytes + byte)?;
            for (value, byte) in values.iter_mut().skip(channel).step_by(layout.channels).zip(bytes) {
                *value |= u16::from(byte) << shift;
            }
        }
    }
    Ok(values)
}

/// Bytes that are counted, or one that is repeated, until there are `length`.
fn unpack(mut packed: &[u8], length: usize) -> Result<Vec<u8>, DecodeError> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let count = *packed.split_off_first().ok_or_else(truncated)?;
        match count {
            0..=127 => {
                let literal = packed.split_off(..usize::from(count) + 1).ok_or_else(truncated)?;
                bytes.extend_from_slice(literal);
            }
            128 => {}
            129..=255 => {
                let byte = *packed.split_off_first().ok_or_else(truncated)?;
                bytes.resize(bytes.len() + 257 - usize::from(count), byte);
            }
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::unpack;

    #[test]
    fn bytes_are_counted_or_repeated() {
        // Three as they are, nothing, one four times.
        let packed = [2, 7, 8, 9, 128, 253, 5];
        assert_eq!(unpack(&packed, 7), Ok(vec![7, 8, 9, 5, 5, 5, 5]));
        assert_eq!(unpack(&packed, 6), Ok(vec![7, 8, 9, 5, 5, 5]));
        assert!(unpack(&packed, 8).is_err() && unpack(&packed[..3], 7).is_err());
    }
}
