//! From stored values to colours.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::data_set::DataSet;
use super::layout::{Layout, Photometric};
use super::lookup::Lookup;
use super::{DecodeError, unsupported};
use crate::image::Image;

/// The picture. No window applies to colours.
pub(super) fn image(data: &DataSet<'_>, layout: &Layout, samples: &[u16]) -> Result<Image, DecodeError> {
    if layout.photometric == Photometric::Palette {
        return palette(data, layout, samples);
    }
    if layout.signed {
        return Err(unsupported("signed colours"));
    }
    let rgb: Vec<u16> = match layout.photometric {
        Photometric::YbrFull | Photometric::YbrFull422 => {
            samples.as_chunks().0.iter().flat_map(|pixel| rgb(*pixel, layout.mask())).collect()
        }
        Photometric::Rgb | Photometric::Palette | Photometric::Monochrome1 | Photometric::Monochrome2 => {
            samples.to_vec()
        }
    };
    Ok(scaled(layout, rgb, layout.mask()))
}

/// ITU-R BT.601 as JFIF has it, for values of 0 to `most`.
fn rgb(ybr: [u16; 3], most: u16) -> [u16; 3] {
    let half = f64::from(most / 2 + 1);
    let [y, blue, red] = [f64::from(ybr[0]), f64::from(ybr[1]) - half, f64::from(ybr[2]) - half];
    let rgb = [y + 1.402 * red, y - 0.344_136 * blue - 0.714_136 * red, y + 1.772 * blue];
    rgb.map(|value| value.round().clamp(0.0, f64::from(most)) as u16)
}

fn palette(data: &DataSet<'_>, layout: &Layout, samples: &[u16]) -> Result<Image, DecodeError> {
    if data.has(tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA) {
        return Err(unsupported("a segmented palette"));
    }
    let table = |descriptor: Tag, entries: Tag| Lookup::read(data, descriptor, entries, layout.signed);
    let tables = [
        table(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA)?,
        table(
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?,
        table(tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA)?,
    ];
    let most = tables[0].most() as u16;
    let colour = |bits: &u16| {
        let number = f64::from(layout.number(*bits));
        tables.each_ref().map(|table| table.entry(number).min(most))
    };
    Ok(scaled(layout, samples.iter().flat_map(colour).collect(), most))
}

/// Channels of 0 to `most`, at 8 bits where those are enough.
fn scaled(layout: &Layout, channels: Vec<u16>, most: u16) -> Image {
    let (width, height) = (layout.columns.into(), layout.rows.into());
    let to = |depth: u32| {
        let most = u32::from(most);
        move |value: u16| (u32::from(value) * depth + most / 2) / most
    };
    match most > u16::from(u8::MAX) {
        true => {
            let deep = to(u16::MAX.into());
            Image::from_rgb16(width, height, channels.into_iter().map(|value| deep(value) as u16).collect())
        }
        false => {
            let shallow = to(u8::MAX.into());
            Image::from_rgb8(width, height, channels.into_iter().map(|value| shallow(value) as u8).collect())
        }
    }
}
