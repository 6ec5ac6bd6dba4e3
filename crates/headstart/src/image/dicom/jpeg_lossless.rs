//! Lossless JPEG (ITU-T T.81, process 14): each value is foretold from its neighbours, and what is
//! missing follows, Huffman-coded.

use super::frame::same_size;
use super::layout::Layout;
use super::markers::{byte, segment, word};
use super::{DecodeError, damaged, truncated, unsupported};

pub(super) fn decode(coded: &[u8], layout: &Layout) -> Result<Vec<u16>, DecodeError> {
    let mut decoder = Decoder::default();
    let mut rest = coded;
    loop {
        let (marker, segment) = segment(&mut rest)?;
        match marker {
            0xC3 => decoder.frame = Some(Frame::read(segment, layout)?),
            0xC4 => decoder.tables(segment)?,
            0xDD => decoder.restart_interval = usize::from(word(segment, 0)?),
            0xDA => return decoder.scan(segment, rest, layout),
            0xC0..=0xCF if marker != 0xC8 && marker != 0xCC => {
                return Err(unsupported("lossless JPEG of a process other than 14"));
            }
            _ => {}
        }
    }
}

/// What a frame header says, beyond what the data set does.
struct Frame {
    precision: u32,
    /// What the components are called.
    components: Vec<u8>,
}

impl Frame {
    fn read(segment: &[u8], layout: &Layout) -> Result<Self, DecodeError> {
        let precision = u32::from(byte(segment, 0)?);
        let [height, width] = [word(segment, 1)?, word(segment, 3)?];
        same_size(layout, [width.into(), height.into()])?;
        if !(2..=16).contains(&precision) {
            return Err(damaged(format!("lossless JPEG with {precision} bits")));
        }
        let count = usize::from(byte(segment, 5)?);
        if count != layout.channels {
            return Err(damaged(format!("{count} JPEG channels, expected {}", layout.channels)));
        }
        let mut components = Vec::new();
        for component in 0..count {
            components.push(byte(segment, 6 + 3 * component)?);
            if count > 1 && byte(segment, 7 + 3 * component)? != 0x11 {
                return Err(unsupported("lossless JPEG with subsampled colours"));
            }
        }
        Ok(Self { precision, components })
    }
}

/// Huffman codes: of each length the first code, where its symbols begin and how many there are.
#[derive(Debug, Clone, Default)]
struct Codes {
    lengths: [(u32, usize, u32); 16],
    symbols: Vec<u8>,
}

impl Codes {
    fn symbol(&self, bits: &mut Bits<'_>) -> Result<u32, DecodeError> {
        let mut code = 0;
        for (first, start, count) in self.lengths {
            code = code << 1 | bits.take(1)?;
            if let Some(offset) = code.checked_sub(first).filter(|offset| *offset < count) {
                return Ok(self.symbols[start + offset as usize].into());
            }
        }
        Err(damaged("a JPEG code that its table has not"))
    }
}

/// The bits of a scan.
struct Bits<'a> {
    rest: &'a [u8],
    buffer: u32,
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { rest, buffer: 0, count: 0 }
    }

    /// The next at most 16 bits as a number.
    fn take(&mut self, count: u32) -> Result<u32, DecodeError> {
        while self.count < count {
            let byte = *self.rest.split_off_first().ok_or_else(truncated)?;
            // After 0xFF comes a stuffed 0, else a marker: the scan ends here.
            if byte == 0xFF && self.rest.split_off_first() != Some(&0) {
                return Err(truncated());
            }
            self.buffer = self.buffer << 8 | u32::from(byte);
            self.count += 8;
        }
        self.count -= count;
        Ok(self.buffer >> self.count & ((1 << count) - 1))
    }

    /// Goes behind a restart marker.
    fn restart(&mut self) -> Result<(), DecodeError> {
        let [start, marker] = *self.rest.split_off(..2).ok_or_else(truncated)? else {
            return Err(truncated());
        };
        if start != 0xFF || !(0xD0..=0xD7).contains(&marker) {
            return Err(damaged("a JPEG restart marker is missing"));
        }
        (self.buffer, self.count) = (0, 0);
        Ok(())
    }
}

#[derive(Default)]
struct Decoder {
    frame: Option<Frame>,
    codes: [Codes; 4],
    restart_interval: usize,
}

impl Decoder {
    fn tables(&mut self, mut segment: &[u8]) -> Result<(), DecodeError> {
        while !segment.is_empty() {
            let place = usize::from(byte(segment, 0)?);
            let counts = segment.get(1..17).ok_or_else(truncated)?;
            let total = counts.iter().map(|count| usize::from(*count)).sum::<usize>();
            let symbols = segment.get(17..17 + total).ok_or_else(truncated)?.to_vec();
            segment = &segment[17 + total..];
            let (mut code, mut start, mut lengths) = (0, 0, [(0, 0, 0); 16]);
            for (length, count) in lengths.iter_mut().zip(counts) {
                *length = (code, start, u32::from(*count));
                (code, start) = ((code + u32::from(*count)) << 1, start + usize::from(*count));
            }
            let codes = self.codes.get_mut(place).ok_or_else(|| damaged("a JPEG table of another kind"))?;
            *codes = Codes { lengths, symbols };
        }
        Ok(())
    }

    fn scan(&self, header: &[u8], rest: &[u8], layout: &Layout) -> Result<Vec<u16>, DecodeError> {
        let frame = self.frame.as_ref().ok_or_else(|| damaged("a JPEG scan without its frame"))?;
        if usize::from(byte(header, 0)?) != frame.components.len() {
            return Err(unsupported("lossless JPEG with a scan for each colour"));
        }
        let channels = layout.channels;
        let mut codes = Vec::new();
        for channel in 0..channels {
            let table = usize::from(byte(header, 2 + 2 * channel)? >> 4);
            codes.push(self.codes.get(table).ok_or_else(|| damaged("a JPEG table that is not there"))?);
        }
        let selection = byte(header, 1 + 2 * channels)?;
        let transform = u32::from(byte(header, 3 + 2 * channels)? & 15);
        if !(1..=7).contains(&selection) || transform >= frame.precision {
            return Err(damaged("lossless JPEG by an unknown rule"));
        }
        let middle = 1 << (frame.precision - transform - 1);
        let (columns, row) = (usize::from(layout.columns), usize::from(layout.columns) * channels);
        let (mut bits, mut values) = (Bits::new(rest), Vec::new());
        // The pixel at which coding began anew.
        let mut fresh = 0;
        for pixel in 0..layout.pixels() {
            if self.restart_interval > 0 && pixel > 0 && pixel.is_multiple_of(self.restart_interval) {
                bits.restart()?;
                fresh = pixel;
            }
            for codes in &codes {
                let at = values.len();
                let before = |back: usize| i32::from(values[at - back]);
                // The first row after a beginning knows only what is left of a value.
                let first_row = pixel - fresh < columns && pixel / columns == fresh / columns;
                let foretold = match (pixel.is_multiple_of(columns), first_row) {
                    _ if pixel == fresh => middle,
                    (_, true) => before(channels),
                    (true, false) => before(row),
                    (false, false) => {
                        predict(selection, [before(channels), before(row), before(row + channels)])
                    }
                };
                values.push((foretold + difference(codes, &mut bits)?) as u16);
            }
        }
        values.iter_mut().for_each(|value| *value <<= transform);
        Ok(values)
    }
}

/// From what is left, above and above left.
fn predict(selection: u8, [left, above, corner]: [i32; 3]) -> i32 {
    match selection {
        1 => left,
        2 => above,
        3 => corner,
        4 => left + above - corner,
        5 => left + ((above - corner) >> 1),
        6 => above + ((left - corner) >> 1),
        _ => (left + above) >> 1,
    }
}

/// What is missing from what was foretold, modulo 2^16.
fn difference(codes: &Codes, bits: &mut Bits<'_>) -> Result<i32, DecodeError> {
    match codes.symbol(bits)? {
        0 => Ok(0),
        16 => Ok(1 << 15),
        length @ 1..16 => {
            let value = bits.take(length)?.cast_signed();
            Ok(if value < 1 << (length - 1) { value - (1 << length) + 1 } else { value })
        }
        _ => Err(damaged("a JPEG difference of more than 16 bits")),
    }
}
