//! The markers of JPEG's family, which lossless JPEG and JPEG-LS share.

use super::{DecodeError, damaged, truncated};

/// The next marker that has a segment, and what that holds.
pub(super) fn segment<'a>(rest: &mut &'a [u8]) -> Result<(u8, &'a [u8]), DecodeError> {
    loop {
        let start = rest.iter().position(|byte| *byte == 0xFF).ok_or_else(truncated)?;
        *rest = &rest[start + 1..];
        match byte(rest, 0)? {
            0xD9 => return Err(damaged("its JPEG ends before its scan")),
            // Bits of a scan, fill, a restart, or the start of the image.
            0x00..=0xBF | 0xD0..=0xD8 | 0xFF => {}
            marker => {
                *rest = &rest[1..];
                let whole = rest.split_off(..usize::from(word(rest, 0)?)).ok_or_else(truncated)?;
                return Ok((marker, whole.get(2..).ok_or_else(truncated)?));
            }
        }
    }
}

pub(super) fn byte(bytes: &[u8], at: usize) -> Result<u8, DecodeError> {
    bytes.get(at).copied().ok_or_else(truncated)
}

pub(super) fn word(bytes: &[u8], at: usize) -> Result<u16, DecodeError> {
    Ok(u16::from_be_bytes([byte(bytes, at)?, byte(bytes, at + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_and_stuffed_bytes_are_stepped_over() {
        let mut rest = [0xFF, 0xD8, 7, 0xFF, 0x00, 0xFF, 0xFF, 0xC3, 0, 4, 8, 9, 1].as_slice();
        assert_eq!(segment(&mut rest), Ok((0xC3, [8, 9].as_slice())));
        assert_eq!(rest, [1]);
        assert!(segment(&mut rest).is_err());
        assert!(segment(&mut [0xFF, 0xC3, 0, 1, 0].as_slice()).is_err());
    }
}
