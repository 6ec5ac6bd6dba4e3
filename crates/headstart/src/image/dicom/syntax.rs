//! The transfer syntax: how the data set and the pixels are coded, as the file's first elements say.

use std::borrow::Cow;
use std::io::Read;

use dicom_core::header::{HasLength, Header};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_encoding::decode::explicit_be::ExplicitVRBigEndianDecoder;
use dicom_encoding::decode::explicit_le::ExplicitVRLittleEndianDecoder;
use dicom_encoding::decode::{DecodeFrom, file_header_decoder};
use dicom_encoding::transfer_syntax::{Endianness, TransferSyntax, TransferSyntaxIndex};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use flate2::read::DeflateDecoder;

use super::{DecodeError, Limits, MAGIC, PREAMBLE, damaged, truncated, unsupported};

/// How the pixels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Rle,
    Jpeg,
    JpegLossless,
    JpegLs,
    Jpeg2000,
}

/// What can be read.
const CODINGS: [(&str, Coding); 16] = [
    (uids::IMPLICIT_VR_LITTLE_ENDIAN, Coding::Plain),
    (uids::EXPLICIT_VR_LITTLE_ENDIAN, Coding::Plain),
    (uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, Coding::Plain),
    // Explicit VR Big Endian, retired.
    ("1.2.840.10008.1.2.2", Coding::Plain),
    (uids::RLE_LOSSLESS, Coding::Rle),
    (uids::JPEG_BASELINE8_BIT, Coding::Jpeg),
    (uids::JPEG_EXTENDED12_BIT, Coding::Jpeg),
    (uids::JPEG_LOSSLESS, Coding::JpegLossless),
    (uids::JPEG_LOSSLESS_SV1, Coding::JpegLossless),
    (uids::JPEGLS_LOSSLESS, Coding::JpegLs),
    (uids::JPEGLS_NEAR_LOSSLESS, Coding::JpegLs),
    (uids::JPEG2000_LOSSLESS, Coding::Jpeg2000),
    (uids::JPEG2000, Coding::Jpeg2000),
    (uids::JPEG2000MC_LOSSLESS, Coding::Jpeg2000),
    (uids::JPEG2000MC, Coding::Jpeg2000),
    (uids::ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN, Coding::Plain),
];

/// A transfer syntax that can be read.
#[derive(Clone, Copy)]
pub(super) struct Syntax {
    known: &'static TransferSyntax,
    pub(super) coding: Coding,
}

impl Syntax {
    fn of(uid: &str) -> Result<Self, DecodeError> {
        let uid = uid.trim_end_matches(['\0', ' ']);
        let known = TransferSyntaxRegistry.get(uid);
        let coding = CODINGS.iter().find(|(known, _)| *known == uid);
        match (known, coding) {
            (Some(known), Some((_, coding))) => Ok(Self { known, coding: *coding }),
            (Some(known), None) => Err(unsupported(format!("transfer syntax {} ({uid})", known.name()))),
            // What is no UID is not repeated: it may be anything.
            (None, _) if uid.len() <= 64 && uid.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
                Err(unsupported(format!("transfer syntax {uid}")))
            }
            (None, _) => Err(damaged("its transfer syntax is no UID")),
        }
    }

    pub(super) fn is_big_endian(self) -> bool {
        self.known.endianness() == Endianness::Big
    }

    /// dicom-rs' reader of a data set's element headers. Whether they name kinds the first one shows: some writers do it
    /// otherwise than they say.
    pub(super) fn headers<'a>(self, data_set: &[u8]) -> Box<dyn DecodeFrom<&'a [u8]>> {
        match data_set.get(4..6) {
            _ if self.is_big_endian() => Box::new(ExplicitVRBigEndianDecoder::default()),
            Some([b'A'..=b'Z', b'A'..=b'Z']) => Box::new(ExplicitVRLittleEndianDecoder::default()),
            _ => Box::new(super::wanted::implicit_headers()),
        }
    }
}

/// A DICOM file: its transfer syntax, and the data set after the file's own elements.
pub(super) struct File<'a> {
    pub(super) syntax: Syntax,
    rest: &'a [u8],
}

impl<'a> File<'a> {
    /// Reads the elements of group 2.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut rest = bytes.get(PREAMBLE + MAGIC.len()..).ok_or_else(truncated)?;
        let (headers, mut syntax) = (file_header_decoder(), None);
        while rest.first_chunk() == Some(&2u16.to_le_bytes()) {
            let (header, _) = DecodeFrom::decode_header(&headers, &mut rest).map_err(|_| truncated())?;
            let length = header.length().get().ok_or_else(|| damaged("a file element without length"))?;
            let value = rest.split_off(..length as usize).ok_or_else(truncated)?;
            if (header.tag(), header.vr()) == (TRANSFER_SYNTAX, VR::UI) {
                syntax =
                    Some(std::str::from_utf8(value).map_err(|_| damaged("its transfer syntax is no UID"))?);
            }
        }
        // PS3.5 10.1: what is not said is the default.
        Ok(Self { syntax: Syntax::of(syntax.unwrap_or(uids::IMPLICIT_VR_LITTLE_ENDIAN))?, rest })
    }

    /// The data set's bytes, inflated where they are deflated.
    pub(super) fn body(&self, limits: &Limits) -> Result<Cow<'a, [u8]>, DecodeError> {
        if self.syntax.known.uid() != uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
            return Ok(Cow::Borrowed(self.rest));
        }
        let mut body = Vec::new();
        let mut inflated = DeflateDecoder::new(self.rest).take(limits.max_bytes.saturating_add(1));
        inflated.read_to_end(&mut body).map_err(|_| damaged("it cannot be inflated"))?;
        limits.check_bytes(body.len() as u64)?;
        Ok(Cow::Owned(body))
    }
}

const TRANSFER_SYNTAX: Tag = tags::TRANSFER_SYNTAX_UID;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_shows_whether_kinds_are_named() {
        let named = b"\x28\0\x04\0CS\x0C\0MONOCHROME2 ";
        let unnamed = b"\x28\0\x04\0\x0C\0\0\0MONOCHROME2 ";
        for uid in [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN] {
            let syntax = Syntax::of(uid).expect("is read");
            for data_set in [named, unnamed] {
                let mut rest = data_set.as_slice();
                let (header, _) = syntax.headers(data_set).decode_header(&mut rest).expect("a header");
                assert_eq!((header.tag(), header.vr()), (tags::PHOTOMETRIC_INTERPRETATION, VR::CS));
                assert_eq!(rest, b"MONOCHROME2 ");
            }
        }
    }
}
