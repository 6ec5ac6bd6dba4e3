//! How many pictures a file holds: frames of an animation, pages of a TIFF. The first is read; users are told.

use std::collections::HashSet;

use super::Format;

/// What users read when of so many files the first of several frames was taken.
pub fn first_frames(files: usize) -> Option<String> {
    match files {
        0 => None,
        1 => Some("1 file has several frames: only the first is used".into()),
        files => Some(format!("{files} files have several frames: only the first of each is used")),
    }
}

/// Of anything but DICOM, whose decoder counts for itself. What cannot be counted is one.
pub(super) fn count(bytes: &[u8], format: Format) -> u32 {
    let frames = match format {
        Format::Png => animated_png(bytes),
        Format::WebP => animated_webp(bytes),
        Format::Tiff => pages(bytes),
        Format::Jpeg | Format::Bmp | Format::Dicom => None,
    };
    frames.unwrap_or(1).max(1)
}

/// Kind and length of each chunk of a PNG, and the bytes from its contents on.
pub(super) fn png_chunks(png: &[u8]) -> impl Iterator<Item = (&[u8; 4], usize, &[u8])> {
    const SIGNATURE: usize = 8;
    const CHECKSUM: usize = 4;
    let mut rest = png.get(SIGNATURE..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&[a, b, c, d, ref kind @ ..], contents) = rest.split_first_chunk::<8>()?;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        rest = contents.get(length.saturating_add(CHECKSUM)..).unwrap_or_default();
        Some((kind, length, contents))
    })
}

/// What an animation says before its first picture.
fn animated_png(png: &[u8]) -> Option<u32> {
    let (_, _, contents) =
        png_chunks(png).take_while(|(kind, ..)| *kind != b"IDAT").find(|(kind, ..)| *kind == b"acTL")?;
    contents.first_chunk().map(|frames| u32::from_be_bytes(*frames))
}

fn animated_webp(webp: &[u8]) -> Option<u32> {
    const HEADER: usize = 12;
    let (mut rest, mut frames) = (webp.get(HEADER..)?, 0);
    while let Some((&[ref kind @ .., a, b, c, d], contents)) = rest.split_first_chunk::<8>() {
        frames += u32::from(kind == b"ANMF");
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        rest = contents.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    Some(frames)
}

/// Of a TIFF's directories those that are no smaller version and no mask of another.
fn pages(tiff: &[u8]) -> Option<u32> {
    /// More are not counted: a hostile file could have millions.
    const MOST: usize = 65_535;
    const KIND: usize = 254;
    const SMALLER_OR_MASK: usize = 0b101;
    let big_endian = tiff.starts_with(b"MM");
    let number = |at: usize, width: usize| {
        let bytes = tiff.get(at..at.checked_add(width)?)?.iter();
        let add = |number: usize, byte: &u8| number << 8 | usize::from(*byte);
        Some(if big_endian { bytes.fold(0, add) } else { bytes.rev().fold(0, add) })
    };
    // Width of an offset, of the number of entries, of an entry, and where an entry has its value.
    let (offset, count, entry, value) = match number(2, 2)? {
        43 => (8, 8, 20, 12),
        _ => (4, 2, 12, 8),
    };
    let (mut at, mut pages, mut seen) = (number(offset, offset)?, 0, HashSet::new());
    while at != 0 && seen.len() < MOST && seen.insert(at) {
        let Some(entries) = number(at, count) else { break };
        let first = at + count;
        // Entries are in order, and this is the least of the numbers.
        let kind = match number(first, 2) {
            Some(KIND) if entries > 0 => number(first + value, 4).unwrap_or(0),
            _ => 0,
        };
        pages += u32::from(kind & SMALLER_OR_MASK == 0);
        at = entries
            .checked_mul(entry)
            .and_then(|length| number(first.checked_add(length)?, offset))
            .unwrap_or(0);
    }
    Some(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_about_one_file_or_several() {
        assert_eq!(first_frames(0), None);
        assert_eq!(first_frames(1).as_deref(), Some("1 file has several frames: only the first is used"));
        let several = "3 files have several frames: only the first of each is used";
        assert_eq!(first_frames(3).as_deref(), Some(several));
    }

    #[test]
    fn directories_of_a_tiff_are_pages_unless_they_are_versions() {
        // Two directories without entries.
        let plain = *b"II*\0\x08\0\0\0\0\0\x0E\0\0\0\0\0\0\0\0\0";
        assert_eq!(count(&plain, Format::Tiff), 2);
        // The second has one: a smaller version of the picture.
        let version = [&plain[..14], b"\x01\0\xFE\0\x04\0\x01\0\0\0\x01\0\0\0\0\0\0\0"].concat();
        assert_eq!(count(&version, Format::Tiff), 1);
        // The second leads back to the first.
        let circle = [&plain[..14], b"\0\0\x08\0\0\0"].concat();
        assert_eq!(count(&circle, Format::Tiff), 2);
        let big_endian = *b"MM\0*\0\0\0\x08\0\0\0\0\0\x0E\0\0\0\0\0\0";
        assert_eq!(count(&big_endian, Format::Tiff), 2);
        for end in 0..plain.len() {
            assert!(count(&plain[..end], Format::Tiff) <= 2, "cut at {end}");
        }
    }
}
