//! The elements that a picture needs, with the kind of their values: files that do not name kinds are read by it. The
//! standard's whole dictionary would be a fifth of the module that runs in a browser.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, TagRange, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::decode::implicit_le::ImplicitVRLittleEndianDecoder;

/// An element, and its kind.
#[derive(Debug)]
pub(super) struct Wanted {
    tag: Tag,
    kind: VR,
}

/// What is kept. Everything else, such as names, is stepped over.
static WANTED: [Wanted; 34] = [
    Wanted { tag: tags::PATIENT_ID, kind: VR::LO },
    Wanted { tag: tags::SAMPLES_PER_PIXEL, kind: VR::US },
    Wanted { tag: tags::PHOTOMETRIC_INTERPRETATION, kind: VR::CS },
    Wanted { tag: tags::PLANAR_CONFIGURATION, kind: VR::US },
    Wanted { tag: tags::NUMBER_OF_FRAMES, kind: VR::IS },
    Wanted { tag: tags::ROWS, kind: VR::US },
    Wanted { tag: tags::COLUMNS, kind: VR::US },
    Wanted { tag: tags::BITS_ALLOCATED, kind: VR::US },
    Wanted { tag: tags::BITS_STORED, kind: VR::US },
    Wanted { tag: tags::HIGH_BIT, kind: VR::US },
    Wanted { tag: tags::PIXEL_REPRESENTATION, kind: VR::US },
    Wanted { tag: tags::WINDOW_CENTER, kind: VR::DS },
    Wanted { tag: tags::WINDOW_WIDTH, kind: VR::DS },
    Wanted { tag: tags::VOILUT_FUNCTION, kind: VR::CS },
    Wanted { tag: tags::RESCALE_INTERCEPT, kind: VR::DS },
    Wanted { tag: tags::RESCALE_SLOPE, kind: VR::DS },
    Wanted { tag: tags::MODALITY_LUT_SEQUENCE, kind: VR::SQ },
    Wanted { tag: tags::VOILUT_SEQUENCE, kind: VR::SQ },
    Wanted { tag: tags::LUT_DESCRIPTOR, kind: VR::US },
    Wanted { tag: tags::LUT_DATA, kind: VR::OW },
    Wanted { tag: tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, kind: VR::US },
    Wanted { tag: tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, kind: VR::US },
    Wanted { tag: tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, kind: VR::US },
    Wanted { tag: tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, kind: VR::OW },
    Wanted { tag: tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA, kind: VR::OW },
    Wanted { tag: tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA, kind: VR::OW },
    Wanted { tag: tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, kind: VR::SQ },
    Wanted { tag: tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, kind: VR::SQ },
    Wanted { tag: tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, kind: VR::SQ },
    Wanted { tag: tags::FRAME_VOILUT_SEQUENCE, kind: VR::SQ },
    Wanted { tag: tags::PIXEL_DATA, kind: VR::OW },
    Wanted { tag: tags::FLOAT_PIXEL_DATA, kind: VR::OF },
    Wanted { tag: tags::DOUBLE_FLOAT_PIXEL_DATA, kind: VR::OD },
    Wanted { tag: tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, kind: VR::OW },
];

/// Whether an element is kept.
pub(super) fn is_wanted(tag: Tag) -> bool {
    Kinds.by_tag(tag).is_some()
}

/// dicom-rs' reader of headers that do not name kinds.
pub(super) fn implicit_headers() -> ImplicitVRLittleEndianDecoder<Kinds> {
    ImplicitVRLittleEndianDecoder::with_dict(Kinds)
}

/// The kinds of the wanted elements; of others it knows nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds;

impl DataDictionary for Kinds {
    type Entry = Wanted;

    fn by_tag(&self, tag: Tag) -> Option<&Wanted> {
        WANTED.iter().find(|wanted| wanted.tag == tag)
    }

    fn by_name(&self, _: &str) -> Option<&Wanted> {
        None
    }
}

impl DataDictionaryEntry for Wanted {
    fn tag_range(&self) -> TagRange {
        TagRange::Single(self.tag)
    }

    fn alias(&self) -> &'static str {
        ""
    }

    fn vr(&self) -> VirtualVr {
        VirtualVr::Exact(self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_dictionary_std::StandardDataDictionary;

    #[test]
    fn kinds_are_those_of_the_standard() {
        for wanted in &WANTED {
            let standard = StandardDataDictionary.by_tag(wanted.tag).expect("an element of the standard");
            assert_eq!(standard.vr().relaxed(), wanted.kind, "{}", standard.alias());
        }
        assert!(!is_wanted(tags::PATIENT_NAME));
    }
}
