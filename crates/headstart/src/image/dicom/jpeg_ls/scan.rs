//! A scan of JPEG-LS: values that differ from their neighbours, and runs of those that do not.

use std::ops::Range;

use super::super::layout::Layout;
use super::super::{DecodeError, damaged, truncated};
use super::context::{Coding, Context, RunContext};

/// Kinds of neighbourhoods: three steps of nine levels, without their sign.
const CONTEXTS: usize = 365;
/// Bits of the lengths of runs (T.87 table A.1).
const RUN_BITS: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

pub(super) struct Scan<'a> {
    coding: Coding,
    contexts: Vec<Context>,
    /// Where the values left and above differ, and where they are alike.
    run_contexts: [RunContext; 2],
    bits: Bits<'a>,
}

/// What is around a value.
#[derive(Debug, Clone, Copy)]
struct Around {
    left: i32,
    above: i32,
    corner: i32,
    right: i32,
}

/// Two rows of a channel: that above and the one being decoded, with a value more at each end.
struct Rows {
    above: Vec<i32>,
    row: Vec<i32>,
    /// Place in the lengths of runs.
    run: usize,
}

impl Rows {
    fn new(columns: usize) -> Self {
        Self { above: vec![0; columns + 2], row: vec![0; columns + 2], run: 0 }
    }

    fn begin(&mut self) {
        std::mem::swap(&mut self.above, &mut self.row);
        let end = self.above.len() - 1;
        self.above[end] = self.above[end - 1];
        self.row[0] = self.above[1];
    }

    fn around(&self, at: usize) -> Around {
        Around {
            left: self.row[at - 1],
            above: self.above[at],
            corner: self.above[at - 1],
            right: self.above[at + 1],
        }
    }
}

impl<'a> Scan<'a> {
    pub(super) fn new(coding: Coding, coded: &'a [u8]) -> Self {
        let contexts = vec![Context::new(&coding); CONTEXTS];
        let run_contexts = [false, true].map(|alike| RunContext::new(&coding, alike));
        Self {
            coding,
            contexts,
            run_contexts,
            bits: Bits { rest: coded, buffer: 0, count: 0, after_ff: false },
        }
    }

    /// What follows the bytes that were read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bits.rest
    }

    /// Channels that follow one another row by row.
    pub(super) fn rows(
        &mut self,
        layout: &Layout,
        channels: Range<usize>,
        values: &mut [u16],
    ) -> Result<(), DecodeError> {
        let columns = usize::from(layout.columns);
        let mut lines: Vec<Rows> = channels.clone().map(|_| Rows::new(columns)).collect();
        for row in values.chunks_exact_mut(columns * layout.channels) {
            for (rows, channel) in lines.iter_mut().zip(channels.clone()) {
                self.row(rows, columns)?;
                let targets = row.iter_mut().skip(channel).step_by(layout.channels);
                targets.zip(&rows.row[1..]).for_each(|(target, value)| *target = *value as u16);
            }
        }
        Ok(())
    }

    fn row(&mut self, rows: &mut Rows, columns: usize) -> Result<(), DecodeError> {
        rows.begin();
        let mut at = 1;
        while at <= columns {
            let around = rows.around(at);
            let kind = self.kind(around);
            if kind != 0 {
                rows.row[at] = self.differing(around, kind)?;
                at += 1;
                continue;
            }
            let length = self.run(&mut rows.run, columns + 1 - at)?;
            rows.row[at..at + length].fill(around.left);
            at += length;
            if at <= columns {
                let around = rows.around(at);
                rows.row[at] = self.after_run(around.left, around.above, rows.run, true)?;
                rows.run = rows.run.saturating_sub(1);
                at += 1;
            }
        }
        Ok(())
    }

    /// Channels that follow one another pixel by pixel: a run is one of all of them.
    pub(super) fn pixels(
        &mut self,
        layout: &Layout,
        channels: Range<usize>,
        values: &mut [u16],
    ) -> Result<(), DecodeError> {
        let columns = usize::from(layout.columns);
        let mut lines: Vec<Rows> = channels.clone().map(|_| Rows::new(columns)).collect();
        let mut run = 0;
        for row in values.chunks_exact_mut(columns * layout.channels) {
            lines.iter_mut().for_each(Rows::begin);
            let mut at = 1;
            while at <= columns {
                let kinds: Vec<i32> = lines.iter().map(|rows| self.kind(rows.around(at))).collect();
                if kinds.iter().any(|kind| *kind != 0) {
                    for (rows, kind) in lines.iter_mut().zip(kinds) {
                        rows.row[at] = self.differing(rows.around(at), kind)?;
                    }
                    at += 1;
                    continue;
                }
                let length = self.run(&mut run, columns + 1 - at)?;
                for rows in &mut lines {
                    let left = rows.row[at - 1];
                    rows.row[at..at + length].fill(left);
                }
                at += length;
                if at <= columns {
                    for rows in &mut lines {
                        let around = rows.around(at);
                        rows.row[at] = self.after_run(around.left, around.above, run, false)?;
                    }
                    run = run.saturating_sub(1);
                    at += 1;
                }
            }
            for (rows, channel) in lines.iter().zip(channels.clone()) {
                let targets = row.iter_mut().skip(channel).step_by(layout.channels);
                targets.zip(&rows.row[1..]).for_each(|(target, value)| *target = *value as u16);
            }
        }
        Ok(())
    }

    /// The kind of neighbourhood, with its sign; 0 where nothing changes.
    fn kind(&self, around: Around) -> i32 {
        let Around { left, above, corner, right } = around;
        let [first, second, third] =
            [right - above, above - corner, corner - left].map(|step| self.coding.step(step));
        (first * 9 + second) * 9 + third
    }

    fn differing(&mut self, around: Around, kind: i32) -> Result<i32, DecodeError> {
        let Around { left, above, corner, .. } = around;
        let sign = if kind < 0 { -1 } else { 1 };
        let context = &mut self.contexts[kind.unsigned_abs() as usize];
        let edge = (left + above - corner).clamp(left.min(above), left.max(above));
        let foretold = (edge + sign * context.correction).clamp(0, self.coding.most);
        let parameter = context.parameter();
        let code = self.bits.golomb(parameter, self.coding.limit, self.coding.error_bits)?;
        let error = context.error(&self.coding, parameter, code);
        context.learn(&self.coding, error);
        Ok(self.coding.value(foretold, sign * error))
    }

    /// How many values, of at most `most`, are as the one before.
    fn run(&mut self, place: &mut usize, most: usize) -> Result<usize, DecodeError> {
        let mut length = 0;
        while self.bits.take(1)? == 1 {
            let step = 1 << RUN_BITS[*place];
            length += step;
            if length <= most {
                *place = (*place + 1).min(RUN_BITS.len() - 1);
            }
            if length >= most {
                return Ok(most);
            }
        }
        length += self.bits.take(RUN_BITS[*place])? as usize;
        if length >= most {
            return Err(damaged("a JPEG-LS run past the end of its row"));
        }
        Ok(length)
    }

    /// The value that ends a run. `may_be_alike`: where channels alternate, left and above count as different.
    fn after_run(
        &mut self,
        left: i32,
        above: i32,
        run: usize,
        may_be_alike: bool,
    ) -> Result<i32, DecodeError> {
        let alike = may_be_alike && (left - above).abs() <= self.coding.near;
        let context = &mut self.run_contexts[usize::from(alike)];
        let parameter = context.parameter();
        let limit = self.coding.limit - RUN_BITS[run] - 1;
        let code = self.bits.golomb(parameter, limit, self.coding.error_bits)?;
        let error = context.error(parameter, code);
        context.learn(&self.coding, error, code);
        let (foretold, sign) = match alike {
            true => (left, 1),
            false => (above, if left > above { -1 } else { 1 }),
        };
        Ok(self.coding.value(foretold, sign * error))
    }
}

/// The bits of a scan. After 0xFF a byte has seven.
struct Bits<'a> {
    rest: &'a [u8],
    buffer: u32,
    count: u32,
    after_ff: bool,
}

impl Bits<'_> {
    /// The next at most 16 bits as a number.
    fn take(&mut self, count: u32) -> Result<u32, DecodeError> {
        while self.count < count {
            let byte = match self.rest {
                // A marker: the scan ends here.
                [next, ..] if self.after_ff && *next >= 0x80 => return Err(truncated()),
                [next, rest @ ..] => {
                    self.rest = rest;
                    *next
                }
                [] => return Err(truncated()),
            };
            let bits = if self.after_ff { 7 } else { 8 };
            self.buffer = self.buffer << bits | u32::from(byte);
            self.count += bits;
            self.after_ff = byte == 0xFF;
        }
        self.count -= count;
        Ok(self.buffer >> self.count & ((1 << count) - 1))
    }

    /// A Golomb code of limited length (T.87 A.5.3).
    fn golomb(&mut self, parameter: u32, limit: u32, plain_bits: u32) -> Result<i32, DecodeError> {
        let most = limit.saturating_sub(plain_bits + 1);
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > most {
                return Err(damaged("a JPEG-LS code that is too long"));
            }
        }
        let value = match zeros < most {
            true => zeros << parameter | self.take(parameter)?,
            false => self.take(plain_bits)? + 1,
        };
        Ok(value.cast_signed())
    }
}
