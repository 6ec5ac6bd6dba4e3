//! The header of an object: messages that say what it is and where its parts lie.

use super::bytes::Bytes;
use super::{File, Found};

/// Kinds of messages.
pub(super) const DATASPACE: u16 = 1;
pub(super) const LINK_INFO: u16 = 2;
pub(super) const DATATYPE: u16 = 3;
pub(super) const LINK: u16 = 6;
pub(super) const LAYOUT: u16 = 8;
pub(super) const FILTERS: u16 = 11;
pub(super) const SYMBOL_TABLE: u16 = 17;
const CONTINUATION: u16 = 16;

/// One message.
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) content: Bytes<'a>,
}

/// The messages of an object.
pub(super) struct Header<'a>(pub(super) Vec<Message<'a>>);

/// How messages are written down.
#[derive(Clone, Copy)]
struct Form {
    is_first_version: bool,
    /// Bytes before a message's content.
    prefix: usize,
}

impl<'a> Header<'a> {
    pub(super) fn read(file: &mut File<'a>, address: usize) -> Found<Self> {
        let bytes = file.bytes;
        let (form, first) = match bytes.u8(address)? {
            1 => {
                let length = bytes.u32(at(address, 8)?)? as usize;
                (Form { is_first_version: true, prefix: 8 }, bytes.part(at(address, 16)?, length)?)
            }
            b'O' => second_version(bytes, address)?,
            other => return Err(format!("an object header of version {other}")),
        };
        let mut header = Self(Vec::new());
        let mut waiting = vec![first];
        while let Some(block) = waiting.pop() {
            header.block(file, form, block, &mut waiting)?;
        }
        Ok(header)
    }

    /// Reads the messages of a block. One that goes on elsewhere adds to those that wait.
    fn block(
        &mut self,
        file: &mut File<'a>,
        form: Form,
        block: Bytes<'a>,
        waiting: &mut Vec<Bytes<'a>>,
    ) -> Found<()> {
        let mut place = 0;
        // What is shorter than a message is a gap.
        while place + form.prefix <= block.0.len() {
            file.step()?;
            let (kind, length) = match form.is_first_version {
                true => (block.u16(place)?, block.u16(place + 2)?),
                false => (block.u8(place)?.into(), block.u16(place + 1)?),
            };
            let content = block.part(place + form.prefix, length.into())?;
            place += form.prefix + usize::from(length);
            if kind == CONTINUATION {
                waiting.push(continued(file.bytes, form, content)?);
            } else {
                self.0.push(Message { kind, content });
            }
        }
        Ok(())
    }
}

/// A place behind another.
pub(super) fn at(address: usize, offset: usize) -> Found<usize> {
    address.checked_add(offset).ok_or_else(|| format!("the address {address:#x}"))
}

/// The form and the first block of a header that begins with `OHDR`.
fn second_version(bytes: Bytes<'_>, address: usize) -> Found<(Form, Bytes<'_>)> {
    bytes.expect(address, b"OHDR")?;
    let flags = bytes.u8(at(address, 5)?)?;
    let times = if flags & 0x20 == 0 { 0 } else { 16 };
    let limits = if flags & 0x10 == 0 { 0 } else { 4 };
    let place = at(address, 6 + times + limits)?;
    let width = 1 << (flags & 3);
    let length = bytes.number(place, width)?;
    let prefix = if flags & 4 == 0 { 4 } else { 6 };
    Ok((Form { is_first_version: false, prefix }, bytes.part(at(place, width)?, length)?))
}

/// The block that a message leads to.
fn continued<'a>(bytes: Bytes<'a>, form: Form, message: Bytes<'_>) -> Found<Bytes<'a>> {
    let (address, length) = (message.address(0)?, message.address(8)?);
    if form.is_first_version {
        return bytes.part(address, length);
    }
    bytes.expect(address, b"OCHK")?;
    // Between signature and checksum.
    let length = length.checked_sub(8).ok_or("a block that is shorter than its frame")?;
    bytes.part(at(address, 4)?, length)
}
