//! JPEG-LS (ITU-T T.87): lossless, or each value within `near` of what it was.

mod context;
mod scan;

use self::context::Coding;
use self::scan::Scan;
use super::frame::same_size;
use super::layout::Layout;
use super::markers::{byte, segment, word};
use super::{DecodeError, damaged, unsupported};

/// How the channels of a scan follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interleave {
    /// A scan for each.
    None,
    /// Row by row.
    Row,
    /// Pixel by pixel.
    Pixel,
}

pub(super) fn decode(coded: &[u8], layout: &Layout) -> Result<Vec<u16>, DecodeError> {
    let mut decoder = Decoder { layout, values: vec![], precision: None, preset: [0; 5], done: 0 };
    let mut rest = coded;
    while decoder.done < layout.channels {
        let (marker, body) = segment(&mut rest)?;
        match marker {
            0xF7 => decoder.frame(body)?,
            0xF8 => decoder.preset(body)?,
            0xDA => rest = decoder.scan(body, rest)?,
            0xDD if body.iter().any(|byte| *byte != 0) => {
                return Err(unsupported("JPEG-LS with restart markers"));
            }
            0xC0..=0xCF => return Err(damaged("another JPEG than JPEG-LS")),
            _ => {}
        }
    }
    Ok(decoder.values)
}

struct Decoder<'l> {
    layout: &'l Layout,
    /// `[rows, columns, channels]`
    values: Vec<u16>,
    precision: Option<u32>,
    /// Greatest value, three thresholds, and when contexts are halved; 0 for what is usual.
    preset: [u16; 5],
    /// Channels that are decoded.
    done: usize,
}

impl Decoder<'_> {
    fn frame(&mut self, segment: &[u8]) -> Result<(), DecodeError> {
        let precision = u32::from(byte(segment, 0)?);
        let [height, width] = [word(segment, 1)?, word(segment, 3)?];
        same_size(self.layout, [width.into(), height.into()])?;
        let channels = usize::from(byte(segment, 5)?);
        if channels != self.layout.channels || !(2..=16).contains(&precision) {
            return Err(damaged(format!("JPEG-LS with {channels} channels of {precision} bits")));
        }
        self.precision = Some(precision);
        self.values = vec![0; self.layout.values()];
        Ok(())
    }

    fn preset(&mut self, segment: &[u8]) -> Result<(), DecodeError> {
        if byte(segment, 0)? != 1 {
            return Err(unsupported("JPEG-LS with tables"));
        }
        for (place, value) in self.preset.iter_mut().enumerate() {
            *value = word(segment, 1 + 2 * place)?;
        }
        Ok(())
    }

    /// Decodes a scan and returns what follows it.
    fn scan<'a>(&mut self, header: &[u8], coded: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        let precision = self.precision.ok_or_else(|| damaged("a JPEG-LS scan without its frame"))?;
        let channels = usize::from(byte(header, 0)?);
        let interleave = match byte(header, 2 + 2 * channels)? {
            0 if channels == 1 => Interleave::None,
            1 => Interleave::Row,
            2 => Interleave::Pixel,
            _ => return Err(damaged("JPEG-LS channels that follow one another by no rule")),
        };
        if channels == 0 || self.done + channels > self.layout.channels {
            return Err(damaged(format!("a JPEG-LS scan of {channels} channels")));
        }
        let near = byte(header, 1 + 2 * channels)?;
        let coding = Coding::new(precision, near.into(), self.preset)?;
        let mut scan = Scan::new(coding, coded);
        let place = self.done..self.done + channels;
        match interleave {
            Interleave::Pixel => scan.pixels(self.layout, place, &mut self.values)?,
            Interleave::None | Interleave::Row => scan.rows(self.layout, place, &mut self.values)?,
        }
        self.done += channels;
        Ok(scan.rest())
    }
}
