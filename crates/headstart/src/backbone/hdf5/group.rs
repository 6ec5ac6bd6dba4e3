//! What a group holds: names, and where each object's header lies.

use super::bytes::Bytes;
use super::header::{Header, LINK, LINK_INFO, SYMBOL_TABLE, at};
use super::{File, Found};

/// No address.
pub(super) const NOWHERE: usize = usize::MAX;
/// Letters of a name, at most.
const LONGEST: usize = 1024;
/// Levels of a tree, at most.
const MOST_LEVELS: u8 = 16;
/// Bytes of an entry of a symbol table.
const ENTRY: usize = 40;

/// The objects of a group, in the order of the file.
pub(super) fn links(file: &mut File<'_>, header: &Header<'_>) -> Found<Vec<(String, usize)>> {
    let mut found = Vec::new();
    if let Some(table) = header.message(SYMBOL_TABLE) {
        let names = names(file.bytes, table.address(8)?)?;
        nodes(file, (table.address(0)?, MOST_LEVELS), names, &mut found)?;
    }
    if let Some(info) = header.message(LINK_INFO) {
        let numbered = if info.u8(1)? & 1 == 0 { 0 } else { 8 };
        if info.address(2 + numbered)? != NOWHERE {
            return Err("a group whose links lie in a heap, which is not read".into());
        }
    }
    for message in header.0.iter().filter(|message| message.kind == LINK) {
        found.extend(link(message.content)?);
    }
    Ok(found)
}

/// The texts of a local heap.
fn names(bytes: Bytes<'_>, heap: usize) -> Found<Bytes<'_>> {
    bytes.expect(heap, b"HEAP")?;
    bytes.part(bytes.address(at(heap, 24)?)?, bytes.address(at(heap, 8)?)?)
}

/// The entries below a node of a group's tree. Each level of it is lower than the one above.
fn nodes(
    file: &mut File<'_>,
    (node, below): (usize, u8),
    names: Bytes<'_>,
    found: &mut Vec<(String, usize)>,
) -> Found<()> {
    file.step()?;
    let bytes = file.bytes;
    bytes.expect(node, b"TREE")?;
    let (kind, level, count) = (bytes.u8(at(node, 4)?)?, bytes.u8(at(node, 5)?)?, bytes.u16(at(node, 6)?)?);
    if kind != 0 || level >= below {
        return Err(format!("a node of kind {kind} and level {level} in a group's tree"));
    }
    for child in 0..usize::from(count) {
        let child = bytes.address(at(node, 24 + 8 + 16 * child)?)?;
        match level {
            0 => table(file, child, names, found)?,
            level => nodes(file, (child, level), names, found)?,
        }
    }
    Ok(())
}

/// The entries of a symbol table.
fn table(
    file: &mut File<'_>,
    address: usize,
    names: Bytes<'_>,
    found: &mut Vec<(String, usize)>,
) -> Found<()> {
    let bytes = file.bytes;
    bytes.expect(address, b"SNOD")?;
    let count = usize::from(bytes.u16(at(address, 6)?)?);
    for entry in 0..count {
        file.step()?;
        let entry = bytes.part(at(address, 8 + ENTRY * entry)?, ENTRY)?;
        let start = entry.address(0)?;
        let text = names.0.get(start..).unwrap_or_default();
        let end = text.iter().take(LONGEST).position(|letter| *letter == 0);
        let end = end.ok_or("a name without an end")?;
        found.push((name(&text[..end])?, entry.address(8)?));
    }
    Ok(())
}

fn name(bytes: &[u8]) -> Found<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "a name that is no text".into())
}

/// A link of its own message; one that leads elsewhere is left out.
fn link(message: Bytes<'_>) -> Found<Option<(String, usize)>> {
    let flags = message.u8(1)?;
    let mut place = 2;
    if flags & 8 != 0 {
        if message.u8(place)? != 0 {
            return Ok(None);
        }
        place += 1;
    }
    place += if flags & 4 == 0 { 0 } else { 8 };
    place += if flags & 16 == 0 { 0 } else { 1 };
    let width = 1 << (flags & 3);
    let length = message.number(place, width)?;
    if length > LONGEST {
        return Err(format!("a name of {length} letters"));
    }
    let text = message.part(place + width, length)?;
    Ok(Some((name(text.0)?, message.address(place + width + length)?)))
}
