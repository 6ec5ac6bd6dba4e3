//! The elements that a picture needs, as slices of the file.
//!
//! dicom-rs reads the headers. Values are not read by it, because its readers allocate what a header
//! claims: up to four gigabytes for a file of a few bytes.

use std::collections::BTreeMap;

use dicom_core::header::{HasLength, Header, SequenceItemHeader};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::decode::DecodeFrom;

use super::syntax::Syntax;
use super::wanted::{implicit_headers, is_wanted};
use super::{DecodeError, damaged, truncated};

/// Ends an item whose length is not said.
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
/// Sequences in sequences, at most.
const DEEPEST: usize = 32;

type Headers<'a> = dyn DecodeFrom<&'a [u8]>;

/// The wanted elements of a data set, or of an item of a sequence.
#[derive(Debug)]
pub(super) struct DataSet<'a> {
    big_endian: bool,
    elements: BTreeMap<Tag, Value<'a>>,
}

#[derive(Debug)]
enum Value<'a> {
    Bytes(VR, &'a [u8]),
    /// The first item of a sequence.
    Item(DataSet<'a>),
    /// Of encapsulated pixels: the offset table, and then the fragments.
    Fragments(Vec<&'a [u8]>),
}

impl<'a> DataSet<'a> {
    /// Reads a whole data set.
    pub(super) fn read(bytes: &'a [u8], syntax: Syntax) -> Result<Self, DecodeError> {
        let (mut data, mut rest) = (Self::new(syntax.is_big_endian()), bytes);
        data.fill(&mut rest, &*syntax.headers(bytes), 0)?;
        Ok(data)
    }

    /// What a data set tells before it is cut, or broken.
    pub(super) fn beginning(bytes: &'a [u8], syntax: Syntax) -> Self {
        let (mut data, mut rest) = (Self::new(syntax.is_big_endian()), bytes);
        // That it ends somewhere is no error here.
        let _ = data.fill(&mut rest, &*syntax.headers(bytes), 0);
        data
    }

    fn new(big_endian: bool) -> Self {
        Self { big_endian, elements: BTreeMap::new() }
    }

    /// Reads elements up to an item's end, or the end of the bytes.
    fn fill(&mut self, rest: &mut &'a [u8], headers: &Headers<'a>, depth: usize) -> Result<(), DecodeError> {
        if depth > DEEPEST {
            return Err(damaged("sequences nested too deep"));
        }
        while !rest.is_empty() {
            let (header, _) = headers.decode_header(rest).map_err(|_| truncated())?;
            if header.tag() == ITEM_END {
                break;
            }
            let value = match (header.length().get(), header.vr()) {
                (None, _) if header.tag() == tags::PIXEL_DATA => Some(fragments(rest, headers)?),
                // Of unknown kind: PS3.5 6.2.2 says that it is coded as implicit little endian.
                (None, VR::UN) => self.sequence(rest, &implicit_headers(), depth)?,
                (None, _) => self.sequence(rest, headers, depth)?,
                (Some(length), vr) => {
                    let mut value = taken(rest, length)?;
                    match vr {
                        VR::SQ if is_wanted(header.tag()) => self.sequence(&mut value, headers, depth)?,
                        _ => Some(Value::Bytes(vr, value)),
                    }
                }
            };
            if let Some(value) = value.filter(|_| is_wanted(header.tag())) {
                self.elements.insert(header.tag(), value);
            }
        }
        Ok(())
    }

    /// The first item, if there is one. The others are stepped over.
    fn sequence(
        &self,
        rest: &mut &'a [u8],
        headers: &Headers<'a>,
        depth: usize,
    ) -> Result<Option<Value<'a>>, DecodeError> {
        let mut first = None;
        while !rest.is_empty() {
            let length = match headers.decode_item_header(rest).map_err(|_| truncated())? {
                SequenceItemHeader::Item { len } => len.get(),
                SequenceItemHeader::SequenceDelimiter => break,
                SequenceItemHeader::ItemDelimiter => return Err(damaged("an item ends that did not begin")),
            };
            let mut item = Self::new(self.big_endian);
            match length {
                Some(length) => {
                    let mut value = taken(rest, length)?;
                    if first.is_none() {
                        item.fill(&mut value, headers, depth + 1)?;
                    }
                }
                None => item.fill(rest, headers, depth + 1)?,
            }
            first = first.or(Some(Value::Item(item)));
        }
        Ok(first)
    }

    /// Whether it is there.
    pub(super) fn has(&self, tag: Tag) -> bool {
        self.elements.contains_key(&tag)
    }

    /// The first of a text's values, without padding.
    pub(super) fn text(&self, tag: Tag) -> Option<&'a str> {
        let value = std::str::from_utf8(self.bytes(tag)?).ok()?;
        value.split('\\').next().map(|value| value.trim_matches(['\0', ' ']))
    }

    /// The first of the numbers that a text holds.
    pub(super) fn decimal(&self, tag: Tag) -> Result<Option<f64>, DecodeError> {
        let Some(text) = self.text(tag).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| damaged(format!("{} is no number", name(tag))))
    }

    /// The first of its 16-bit numbers.
    pub(super) fn word(&self, tag: Tag) -> Option<u16> {
        self.words(tag)?.first().copied()
    }

    /// Its 16-bit numbers.
    pub(super) fn words(&self, tag: Tag) -> Option<Vec<u16>> {
        let words = self.bytes(tag)?.as_chunks().0.iter();
        Some(match self.big_endian {
            true => words.map(|word| u16::from_be_bytes(*word)).collect(),
            false => words.map(|word| u16::from_le_bytes(*word)).collect(),
        })
    }

    pub(super) fn bytes(&self, tag: Tag) -> Option<&'a [u8]> {
        match self.elements.get(&tag)? {
            Value::Bytes(_, bytes) => Some(bytes),
            Value::Item(_) | Value::Fragments(_) => None,
        }
    }

    /// Whether its numbers are said to be signed.
    pub(super) fn is_signed(&self, tag: Tag) -> bool {
        matches!(self.elements.get(&tag), Some(Value::Bytes(VR::SS, _)))
    }

    /// Whether its bytes are said to be 16-bit words.
    pub(super) fn is_words(&self, tag: Tag) -> bool {
        matches!(self.elements.get(&tag), Some(Value::Bytes(VR::OW, _)))
    }

    /// The first item of a sequence.
    pub(super) fn item(&self, tag: Tag) -> Option<&Self> {
        match self.elements.get(&tag)? {
            Value::Item(item) => Some(item),
            Value::Bytes(..) | Value::Fragments(_) => None,
        }
    }

    /// The offset table and the fragments of encapsulated pixels.
    pub(super) fn fragments(&self) -> Option<(&'a [u8], &[&'a [u8]])> {
        match self.elements.get(&tags::PIXEL_DATA)? {
            Value::Fragments(all) => all.split_first().map(|(offsets, fragments)| (*offsets, fragments)),
            Value::Bytes(..) | Value::Item(_) => None,
        }
    }

    /// Where `attribute` is: here, or among what the first frame, or all frames, have of `kind`.
    pub(super) fn holder(&self, attribute: Tag, kind: Tag) -> Option<&Self> {
        let groups = [tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE];
        let inside = groups.into_iter().filter_map(|group| self.item(group)?.item(kind));
        std::iter::once(self).chain(inside).find(|data| data.has(attribute))
    }
}

/// What an element is called in messages.
pub(super) fn name(tag: Tag) -> String {
    format!("element ({:04X},{:04X})", tag.group(), tag.element())
}

fn taken<'a>(rest: &mut &'a [u8], length: u32) -> Result<&'a [u8], DecodeError> {
    rest.split_off(..length as usize).ok_or_else(truncated)
}

fn fragments<'a>(rest: &mut &'a [u8], headers: &Headers<'a>) -> Result<Value<'a>, DecodeError> {
    let mut fragments = Vec::new();
    // Some writers leave the end out.
    while !rest.is_empty() {
        match headers.decode_item_header(rest).map_err(|_| truncated())? {
            SequenceItemHeader::Item { len } => {
                let length = len.get().ok_or_else(|| damaged("a fragment without length"))?;
                fragments.push(taken(rest, length)?);
            }
            SequenceItemHeader::SequenceDelimiter => break,
            SequenceItemHeader::ItemDelimiter => return Err(damaged("a fragment ends that did not begin")),
        }
    }
    Ok(Value::Fragments(fragments))
}
