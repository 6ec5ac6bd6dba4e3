//! From stored values to grey levels: Modality LUT, VOI, and MONOCHROME1 inverted.
//!
//! All of it depends on the stored value alone, so it is worked out once for each of the at most 65536.

use dicom_dictionary_std::tags;

use super::data_set::{DataSet, name};
use super::layout::{Layout, Photometric};
use super::lookup::Lookup;
use super::{DecodeError, damaged, unsupported};
use crate::image::Image;

/// The picture, 16 bits deep.
pub(super) fn image(data: &DataSet<'_>, layout: &Layout, samples: &[u16]) -> Result<Image, DecodeError> {
    let modality = Modality::of(data, layout)?;
    let values: Vec<f64> = (0..=layout.mask()).map(|bits| modality.value(layout.number(bits))).collect();
    let voi = match Voi::of(data, layout)? {
        Some(voi) => voi,
        None if layout.stored <= 8 && modality == Modality::Identity => {
            let least = layout.number(if layout.signed { 1 << (layout.stored - 1) } else { 0 });
            Voi::range(f64::from(least), f64::from(least) + f64::from(layout.mask()))
        }
        None => Voi::around(samples.iter().map(|bits| values[usize::from(*bits)])),
    };
    let inverted = layout.photometric == Photometric::Monochrome1;
    let level = |value: &f64| {
        let level = voi.level(*value);
        ((if inverted { 1.0 - level } else { level }) * f64::from(u16::MAX)).round() as u16
    };
    let levels: Vec<u16> = values.iter().map(level).collect();
    let levels = samples.iter().flat_map(|bits| [levels[usize::from(*bits)]; 3]).collect();
    Ok(Image::from_rgb16(layout.columns.into(), layout.rows.into(), levels))
}

/// From what a device stored to what it measured (PS3.3 C.11.1).
#[derive(Debug, PartialEq)]
enum Modality {
    Identity,
    Rescale { slope: f64, intercept: f64 },
    Table(Lookup),
}

impl Modality {
    fn of(data: &DataSet<'_>, layout: &Layout) -> Result<Self, DecodeError> {
        if let Some(item) = data.item(tags::MODALITY_LUT_SEQUENCE) {
            let table = Lookup::read(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, layout.signed)?;
            return Ok(Self::Table(table));
        }
        let kind = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
        let Some(holder) = data.holder(tags::RESCALE_SLOPE, kind) else { return Ok(Self::Identity) };
        let slope = holder.decimal(tags::RESCALE_SLOPE)?.unwrap_or(1.0);
        let intercept = holder.decimal(tags::RESCALE_INTERCEPT)?.unwrap_or(0.0);
        Ok(match (slope, intercept) {
            (1.0, 0.0) => Self::Identity,
            (slope, intercept) => Self::Rescale { slope, intercept },
        })
    }

    fn value(&self, stored: i32) -> f64 {
        let stored = f64::from(stored);
        match self {
            Self::Identity => stored,
            Self::Rescale { slope, intercept } => stored * slope + intercept,
            Self::Table(table) => table.entry(stored).into(),
        }
    }
}

/// What of the measured values is shown, from black to white (PS3.3 C.11.2).
#[derive(Debug, PartialEq)]
enum Voi {
    Linear { centre: f64, width: f64 },
    LinearExact { centre: f64, width: f64 },
    Sigmoid { centre: f64, width: f64 },
    Table(Lookup),
}

impl Voi {
    /// What the file asks for. A table goes before a window.
    fn of(data: &DataSet<'_>, layout: &Layout) -> Result<Option<Self>, DecodeError> {
        let kind = tags::FRAME_VOILUT_SEQUENCE;
        if let Some(item) = data.item(tags::VOILUT_SEQUENCE).filter(|item| item.has(tags::LUT_DATA)) {
            let table = Lookup::read(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, layout.signed)?;
            return Ok(Some(Self::Table(table)));
        }
        let Some(holder) = data.holder(tags::WINDOW_CENTER, kind) else { return Ok(None) };
        let (centre, width) = (holder.decimal(tags::WINDOW_CENTER)?, holder.decimal(tags::WINDOW_WIDTH)?);
        let (Some(centre), Some(width)) = (centre, width) else { return Ok(None) };
        let function = holder.text(tags::VOILUT_FUNCTION).filter(|function| !function.is_empty());
        let (voi, least) = match function.unwrap_or("LINEAR") {
            "LINEAR" => (Self::Linear { centre, width }, 1.0),
            "LINEAR_EXACT" => (Self::LinearExact { centre, width }, f64::MIN_POSITIVE),
            "SIGMOID" => (Self::Sigmoid { centre, width }, f64::MIN_POSITIVE),
            _ => return Err(unsupported("a VOI LUT function other than LINEAR, LINEAR_EXACT and SIGMOID")),
        };
        match width >= least {
            true => Ok(Some(voi)),
            false => Err(damaged(format!("{}: a width of {width}", name(tags::WINDOW_WIDTH)))),
        }
    }

    /// From the least to the greatest value that is there.
    fn around(values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
            (least.min(value), most.max(value))
        });
        Self::range(least, most)
    }

    fn range(least: f64, most: f64) -> Self {
        Self::LinearExact { centre: f64::midpoint(least, most), width: most - least }
    }

    /// 0 is black, 1 white.
    fn level(&self, value: f64) -> f64 {
        match self {
            Self::Linear { centre, width } => {
                let (from, across) = (value - (centre - 0.5), width - 1.0);
                ramp(from, across)
            }
            Self::LinearExact { centre, width } => ramp(value - centre, *width),
            Self::Sigmoid { centre, width } => 1.0 / (1.0 + (-4.0 * (value - centre) / width).exp()),
            Self::Table(table) => (f64::from(table.entry(value)) / table.most()).min(1.0),
        }
    }
}

/// 0 up to half of `across` below the middle, 1 from so much above it on.
fn ramp(from_middle: f64, across: f64) -> f64 {
    if from_middle <= -across / 2.0 {
        0.0
    } else if from_middle > across / 2.0 {
        1.0
    } else {
        from_middle / across + 0.5
    }
}

#[cfg(test)]
mod tests {
    use super::Voi;

    #[test]
    fn windows_are_those_of_the_standard() {
        // PS3.3 C.11.2.1.2.1: centre 2048 and width 4096 show 0 as black and 4095 as white.
        let linear = Voi::Linear { centre: 2048.0, width: 4096.0 };
        assert_eq!([-1.0, 0.0, 2047.5, 4095.0].map(|value| linear.level(value)), [0.0, 0.0, 0.5, 1.0]);
        // Centre 2048 and width 1: black up to 2047, white from 2048 on.
        let step = Voi::Linear { centre: 2048.0, width: 1.0 };
        assert_eq!([2047.0, 2048.0].map(|value| step.level(value)), [0.0, 1.0]);
        let exact = Voi::LinearExact { centre: 10.0, width: 4.0 };
        assert_eq!([8.0, 9.0, 10.0, 12.0, 13.0].map(|value| exact.level(value)), [0.0, 0.25, 0.5, 1.0, 1.0]);
        let sigmoid = Voi::Sigmoid { centre: 10.0, width: 4.0 };
        assert_eq!(sigmoid.level(10.0), 0.5);
        assert_eq!(sigmoid.level(12.0), 1.0 / (1.0 + (-2f64).exp()));
    }

    #[test]
    fn without_a_window_the_values_fill_the_range() {
        let around = Voi::around([300.0, 200.0, 250.0].into_iter());
        assert_eq!([200.0, 250.0, 300.0].map(|value| around.level(value)), [0.0, 0.5, 1.0]);
        assert_eq!(Voi::around([7.0; 3].into_iter()).level(7.0), 0.0);
    }
}
