//! How a JPEG was written, from its headers alone.

use serde::{Deserialize, Serialize};

use super::Format;
use super::jpeg::segment_length;

const QUANTISATION_TABLES: u8 = 0xDB;
const START_OF_SCAN: u8 = 0xDA;
const COMMENT: u8 = 0xFE;
/// The segments of programs: EXIF, colour profiles, resolution.
const OF_PROGRAMS: std::ops::RangeInclusive<u8> = 0xE0..=0xEF;
/// Values of a table, one for each frequency.
const VALUES: usize = 64;
/// The sum of the luminance table that the standard gives as an example (T.81, table K.1): libjpeg
/// scales it by the quality.
const STANDARD: f32 = 3688.0;

/// What a JPEG's headers tell of how it was written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Coding {
    /// libjpeg's quality, 1 to 100, whose luminance table has the same sum.
    pub(crate) quality: f32,
    /// Whether the picture comes in scans from coarse to fine.
    pub(crate) progressive: bool,
    /// Values of brightness for one of colour; `None` for a grey picture.
    pub(crate) subsampling: Option<f32>,
    /// Bytes of EXIF, colour profiles, comments and whatever else programs write.
    pub(crate) metadata: u32,
}

impl Coding {
    /// `None` for what is no JPEG, or has no quantisation table in front of its first scan.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        (Format::of(bytes)? == Format::Jpeg).then_some(())?;
        let sum = segments(bytes).filter(|(marker, _)| *marker == QUANTISATION_TABLES).find_map(luminance)?;
        let frame = segments(bytes).find(|(marker, _)| is_frame(*marker));
        let by_programs =
            segments(bytes).filter(|(marker, _)| *marker == COMMENT || OF_PROGRAMS.contains(marker));
        Some(Self {
            quality: quality(sum),
            progressive: frame.is_some_and(|(marker, _)| is_progressive(marker)),
            subsampling: frame.and_then(|(_, content)| subsampling(content)),
            metadata: by_programs.map(|(_, content)| content.len() as u32).sum(),
        })
    }
}

/// Whether a segment begins the picture (T.81, table B.1): of the markers in this range three do something else.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

fn is_progressive(marker: u8) -> bool {
    matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE)
}

/// Values of the first component of a frame for one of the second.
fn subsampling(frame: &[u8]) -> Option<f32> {
    // Depth, height and width, number of components; three bytes for each, of which the second has the factors.
    let (components, []) = frame.get(6..)?.as_chunks::<3>() else { return None };
    let values = |[_, factors, _]: &[u8; 3]| f32::from(factors >> 4) * f32::from(factors & 0xF);
    let ratio = values(components.first()?) / values(components.get(1)?);
    ratio.is_finite().then_some(ratio)
}

/// Marker and content of each segment in front of the first scan.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    // Behind the start of the image.
    let mut at = 2;
    std::iter::from_fn(move || {
        while bytes.get(at..at + 2)? == [0xFF, 0xFF] {
            // A fill byte.
            at += 1;
        }
        let marker = bytes[at + 1];
        let end = at + 2 + segment_length(bytes, at + 2)?;
        let content = bytes.get(at + 4..end).filter(|_| bytes[at] == 0xFF && marker != START_OF_SCAN)?;
        at = end;
        Some((marker, content))
    })
}

/// The sum of table 0, which libjpeg and most others use for luminance, if it is in this segment.
fn luminance((_, mut content): (u8, &[u8])) -> Option<f32> {
    loop {
        let (first, rest) = content.split_first()?;
        let deep = first >> 4 != 0;
        let (table, rest) = rest.split_at_checked(if deep { 2 * VALUES } else { VALUES })?;
        if first & 0xF == 0 {
            return Some(match deep {
                true => table.as_chunks().0.iter().map(|pair| f32::from(u16::from_be_bytes(*pair))).sum(),
                false => table.iter().map(|value| f32::from(*value)).sum(),
            });
        }
        content = rest;
    }
}

/// libjpeg's `jpeg_quality_scaling`, the other way round.
fn quality(sum: f32) -> f32 {
    let percent = 100.0 * sum / STANDARD;
    if percent <= 100.0 { (200.0 - percent) / 2.0 } else { 5000.0 / percent }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG's start with these segments, and a scan.
    fn file(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8];
        for (marker, content) in segments.iter().chain(&[(START_OF_SCAN, [0u8; 4].as_slice())]) {
            bytes.extend([0xFF, *marker]);
            bytes.extend((content.len() as u16 + 2).to_be_bytes());
            bytes.extend(*content);
        }
        bytes
    }

    #[test]
    fn the_quality_is_that_of_the_first_luminance_table() {
        let other = [vec![1], vec![99; VALUES]].concat();
        // Almost twice the mean of the standard's, 57.625: 5000 / (100 · 115 / 57.625).
        let deep: Vec<u8> = std::iter::once(0x10).chain((0..VALUES).flat_map(|_| [0, 115])).collect();
        let found =
            Coding::of(&file(&[(0xE0, b"JFIF\0"), (0xDB, &[other, deep].concat())])).expect("a table");
        assert!((found.quality - 25.054).abs() < 0.01, "{found:?}");
        let fine = [vec![0], vec![1; VALUES]].concat();
        let found = Coding::of(&file(&[(0xDB, &fine)])).expect("a table");
        assert!((found.quality - 99.13).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn the_frame_tells_scans_and_colours_and_programs_leave_metadata() {
        let table = [vec![0], vec![9; VALUES]].concat();
        let colours = [8, 0, 16, 0, 16, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
        let of = |frame: (u8, &[u8])| Coding::of(&file(&[(0xE1, b"Exif\0\0"), (0xDB, &table), frame]));
        let found = of((0xC2, &colours)).expect("a table");
        assert_eq!((found.progressive, found.subsampling, found.metadata), (true, Some(4.0), 6));
        let found = of((0xC0, &colours[..9])).expect("a table");
        assert_eq!((found.progressive, found.subsampling), (false, None));
        // Factors of 0, and a component that is cut off.
        assert_eq!(
            of((0xC0, &[8, 0, 16, 0, 16, 2, 1, 0x22, 0, 2, 0, 0])).expect("a table").subsampling,
            None
        );
        assert_eq!(of((0xC0, &colours[..11])).expect("a table").subsampling, None);
    }

    #[test]
    fn cut_and_foreign_files_have_none() {
        let whole = file(&[(0xDB, &[vec![0], vec![9; VALUES]].concat())]);
        assert!(Coding::of(&whole).is_some());
        for end in 0..whole.len() - 8 {
            assert_eq!(Coding::of(&whole[..end]), None, "{end}");
        }
        assert_eq!(Coding::of(&file(&[(0xDB, &[0, 1, 2])])), None);
        assert_eq!(Coding::of(b"\x89PNG\r\n\x1a\n"), None);
    }
}
