//! JPEG 2000, by a decoder without unsafe code.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::frame::same_size;
use super::layout::Layout;
use super::{DecodeError, codestream, damaged};

/// The markers that begin a codestream.
const START: &[u8] = b"\xFF\x4F\xFF\x51";
/// From there to the byte that holds the first component's depth, its high bit the sign.
const DEPTH: usize = 42;

pub(super) fn decode(coded: &[u8], layout: &Layout) -> Result<Vec<u16>, DecodeError> {
    let failed = |why: hayro_jpeg2000::DecodeError| damaged(format!("its JPEG 2000: {why}"));
    // Some files have the boxes of a .jp2 around the codestream, whose colours DICOM says itself.
    let start = coded.windows(START.len()).position(|window| window == START);
    let coded = &coded[start.ok_or_else(|| damaged("no JPEG 2000 codestream"))?..];
    let depth = coded.get(DEPTH).copied().unwrap_or_default();
    if depth & 0x7F >= 16 {
        return Err(damaged(format!("JPEG 2000 with {} bits", (depth & 0x7F) + 1)));
    }
    codestream::check(coded, layout)?;
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let image = Image::new(coded, &settings).map_err(failed)?;
    same_size(layout, [image.width(), image.height()])?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(failed)?;
    let channels = decoded.components();
    let whole = channels.iter().all(|channel| channel.samples().len() == layout.pixels());
    if channels.len() != layout.channels || !whole {
        return Err(damaged(format!("{} JPEG 2000 channels, expected {}", channels.len(), layout.channels)));
    }
    // The decoder takes all values as unsigned.
    let offset = if depth & 0x80 == 0 { 0 } else { 1 << (depth & 0x7F) };
    let most = (1 << ((depth & 0x7F) + 1)) - 1;
    let value = |sample: f32| ((sample.round() as i32).clamp(0, most) - offset) as u16;
    let samples = (0..layout.pixels())
        .flat_map(|pixel| channels.iter().map(move |channel| value(channel.samples()[pixel])));
    // What is stored lies at the low bits, wherever the data set says that it does.
    Ok(samples.map(|value| value << layout.shift).collect())
}
