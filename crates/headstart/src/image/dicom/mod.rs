//! DICOM: the first frame's stored values → Modality LUT → VOI (window or LUT) → MONOCHROME1 inverted,
//! in that order (PS3.3 C.11), or its colours.
//!
//! Nothing in the file is believed before it is checked: values are slices of the file, and a frame is
//! allocated once its size is within the limits.

mod codestream;
mod colour;
mod data_set;
mod frame;
mod grey;
mod jpeg_2000;
mod jpeg_lossless;
mod jpeg_ls;
mod layout;
mod lookup;
mod markers;
mod rle;
mod syntax;
mod wanted;

use dicom_dictionary_std::tags;
use sha2::{Digest as _, Sha256};

use self::data_set::DataSet;
use self::layout::Layout;
use self::syntax::{Coding, File};
use super::{DecodeError, Format, Image, Limits};

/// What comes before the magic number.
const PREAMBLE: usize = 128;
const MAGIC: &[u8] = b"DICM";
/// Hexadecimal digits of a patient's pseudonym.
const PSEUDONYM: usize = 16;

/// Whether the bytes begin as a DICOM file does.
pub(super) fn is_dicom(bytes: &[u8]) -> bool {
    bytes.get(PREAMBLE..PREAMBLE + MAGIC.len()) == Some(MAGIC)
}

/// Decodes the first frame.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Image, DecodeError> {
    let file = File::open(bytes)?;
    let body = file.body(limits)?;
    let data = DataSet::read(&body, file.syntax)?;
    let layout = Layout::of(&data)?;
    limits.check_size(layout.columns.into(), layout.rows.into())?;
    let samples = frame::first(&data, &layout, file.syntax)?;
    let layout = layout.decoded(file.syntax.coding);
    let image = match layout.is_grey() {
        true => grey::image(&data, &layout, &samples)?,
        false => colour::image(&data, &layout, &samples)?,
    };
    Ok(image.first_of(layout.frames))
}

/// Pixels of a frame, where JPEG 2000 codes them; zero of every other file. Only headers are read.
pub(super) fn jpeg_2000_pixels(bytes: &[u8]) -> u64 {
    let Some(file) = File::open(bytes).ok().filter(|file| file.syntax.coding == Coding::Jpeg2000) else {
        return 0;
    };
    let body = file.body(&Limits::default());
    let layout = body.and_then(|body| Layout::of(&DataSet::read(&body, file.syntax)?));
    layout.map_or(0, |layout| layout.pixels() as u64)
}

/// A pseudonym of the patient: of its Patient ID, which `start`, the beginning of a file, holds. The
/// same ID gives the same pseudonym everywhere. Whoever knows how such IDs look can try them all.
pub(crate) fn patient(start: &[u8]) -> Option<String> {
    if !is_dicom(start) {
        return None;
    }
    let file = File::open(start).ok()?;
    let body = file.body(&Limits::default()).ok()?;
    let data = DataSet::beginning(&body, file.syntax);
    let id = data.text(tags::PATIENT_ID).filter(|id| !id.is_empty())?;
    let hash = Sha256::new().chain_update("headstart patient\0").chain_update(id).finalize();
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("patient-{}", &digits[..PSEUDONYM]))
}

fn damaged(why: impl Into<String>) -> DecodeError {
    DecodeError::Damaged { format: Format::Dicom, why: why.into() }
}

fn unsupported(what: impl Into<String>) -> DecodeError {
    DecodeError::Unsupported { format: Format::Dicom, what: what.into() }
}

fn truncated() -> DecodeError {
    DecodeError::Truncated { format: Format::Dicom, why: "the file ends before the image does".into() }
}
