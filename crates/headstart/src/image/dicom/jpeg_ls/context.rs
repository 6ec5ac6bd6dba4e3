//! What JPEG-LS learns while it decodes: for each kind of neighbourhood how large errors are.

use super::super::{DecodeError, damaged};

/// When contexts are halved, unless a preset says otherwise.
const RESET: i32 = 64;

/// The constants of a scan (T.87 annexes A.1, A.2.1 and C.2.4.1.1).
#[derive(Debug, Clone)]
pub(super) struct Coding {
    pub(super) most: i32,
    pub(super) near: i32,
    thresholds: [i32; 3],
    pub(super) reset: i32,
    /// How many errors there are, modulo which they are coded.
    pub(super) range: i32,
    /// Bits of an error that is coded as it is.
    pub(super) error_bits: u32,
    /// The longest code.
    pub(super) limit: u32,
}

impl Coding {
    pub(super) fn new(precision: u32, near: i32, preset: [u16; 5]) -> Result<Self, DecodeError> {
        let or = |value: u16, usual: i32| if value == 0 { usual } else { value.into() };
        let most = or(preset[0], (1 << precision) - 1);
        if near > most / 2 || most >= 1 << precision {
            return Err(damaged("JPEG-LS values outside of their range"));
        }
        let usual = thresholds(most, near);
        let thresholds: [i32; 3] = std::array::from_fn(|place| or(preset[1 + place], usual[place]));
        if !(thresholds.is_sorted() && thresholds[0] > near && thresholds[2] <= most) {
            return Err(damaged("JPEG-LS thresholds out of order"));
        }
        let range = (most + 2 * near) / (2 * near + 1) + 1;
        let bits = |values: i32| (values - 1).unsigned_abs().checked_ilog2().map_or(0, |bits| bits + 1);
        let depth = bits(most + 1).max(2);
        Ok(Self {
            most,
            near,
            thresholds,
            reset: or(preset[4], RESET).max(3),
            range,
            error_bits: bits(range),
            limit: 2 * (depth + depth.max(8)),
        })
    }

    /// A step between neighbours as one of nine.
    pub(super) fn step(&self, difference: i32) -> i32 {
        let size = difference.abs();
        let level = match size {
            _ if size <= self.near => 0,
            _ if size < self.thresholds[0] => 1,
            _ if size < self.thresholds[1] => 2,
            _ if size < self.thresholds[2] => 3,
            _ => 4,
        };
        level * difference.signum()
    }

    /// What an error makes of what was foretold, wrapped round and within the range.
    pub(super) fn value(&self, foretold: i32, error: i32) -> i32 {
        let unit = 2 * self.near + 1;
        let value = foretold + error * unit;
        let wrapped = if value < -self.near {
            value + self.range * unit
        } else if value > self.most + self.near {
            value - self.range * unit
        } else {
            value
        };
        wrapped.clamp(0, self.most)
    }

    /// Where the sums of a context begin.
    fn start(&self) -> i32 {
        ((self.range + 32) / 64).max(2)
    }
}

/// What is usual for a range of values.
fn thresholds(most: i32, near: i32) -> [i32; 3] {
    let within = |value: i32, least: i32| if value > most || value < least { least } else { value };
    let scaled: [i32; 3] = if most >= 128 {
        let factor = (most.min(4095) + 128) / 256;
        [factor + 2 + 3 * near, factor * 4 + 3 + 5 * near, factor * 17 + 4 + 7 * near]
    } else {
        let factor = 256 / (most + 1);
        [(3 / factor + 3 * near).max(2), (7 / factor + 5 * near).max(3), (21 / factor + 7 * near).max(4)]
    };
    let first = within(scaled[0], near + 1);
    let second = within(scaled[1], first);
    [first, second, within(scaled[2], second)]
}

/// One kind of neighbourhood.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// Sum of the errors' sizes.
    sizes: i32,
    /// Sum of the errors, and what follows from it for what is foretold.
    bias: i32,
    pub(super) correction: i32,
    count: i32,
}

impl Context {
    pub(super) fn new(coding: &Coding) -> Self {
        Self { sizes: coding.start(), bias: 0, correction: 0, count: 1 }
    }

    /// The parameter of the Golomb code that fits.
    pub(super) fn parameter(&self) -> u32 {
        fitting(self.count, self.sizes)
    }

    /// The error that a code stands for.
    pub(super) fn error(&self, coding: &Coding, parameter: u32, code: i32) -> i32 {
        let (half, odd) = (code >> 1, code & 1 == 1);
        let mostly_negative = coding.near == 0 && parameter == 0 && 2 * self.bias <= -self.count;
        match odd != mostly_negative {
            true => -half - 1,
            false => half,
        }
    }

    pub(super) fn learn(&mut self, coding: &Coding, error: i32) {
        self.bias += error * (2 * coding.near + 1);
        self.sizes += error.abs();
        if self.count == coding.reset {
            self.sizes >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
        if self.bias <= -self.count {
            self.bias = (self.bias + self.count).max(1 - self.count);
            self.correction = (self.correction - 1).max(-128);
        } else if self.bias > 0 {
            self.bias = (self.bias - self.count).min(0);
            self.correction = (self.correction + 1).min(127);
        }
    }
}

/// Where a run of equal values ends.
#[derive(Debug, Clone)]
pub(super) struct RunContext {
    sizes: i32,
    count: i32,
    negative: i32,
    /// 1 where the values left and above are alike.
    alike: i32,
}

impl RunContext {
    pub(super) fn new(coding: &Coding, alike: bool) -> Self {
        Self { sizes: coding.start(), count: 1, negative: 0, alike: alike.into() }
    }

    pub(super) fn parameter(&self) -> u32 {
        fitting(self.count, self.sizes + (self.count >> 1) * self.alike)
    }

    pub(super) fn error(&self, parameter: u32, code: i32) -> i32 {
        let code = code + self.alike;
        let (odd, size) = (code & 1, (code + 1) >> 1);
        let mostly_negative = parameter != 0 || 2 * self.negative >= self.count;
        if mostly_negative == (odd == 1) { -size } else { size }
    }

    pub(super) fn learn(&mut self, coding: &Coding, error: i32, code: i32) {
        self.negative += i32::from(error < 0);
        self.sizes += (code + 1 - self.alike) >> 1;
        if self.count == coding.reset {
            self.sizes >>= 1;
            self.count >>= 1;
            self.negative >>= 1;
        }
        self.count += 1;
    }
}

fn fitting(count: i32, sum: i32) -> u32 {
    (0..16).find(|shift| count << shift >= sum).unwrap_or(16)
}
