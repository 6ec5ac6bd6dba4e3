//! Changes within what a checksum guards: they are made first, and the checksum after them, as an attacker would.

use std::io::{Cursor, Read as _, Write as _};

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::random::{Random, digits, mutated};

/// Where a sealed model's description lies in its header.
const DESCRIPTION: &str = "/__metadata__/headstart";
/// Bytes of a safetensors file before its header: the header's length.
const LENGTH: usize = 8;
/// What tells the digest that formats from 4 on begin with.
const DIGEST: &str = r#"{"digest":""#;
const DIGEST_END: usize = DIGEST.len() + 64 + 2;

/// A model whose description, header or tensors are changed, or `None` where it is no model. It becomes one of format 3,
/// which had no digest.
pub fn model(whole: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let length = u64::from_le_bytes(whole.get(..LENGTH)?.try_into().ok()?) as usize;
    let (header, tensors) = whole[LENGTH..].split_at_checked(length)?;
    let mut header: Value = serde_json::from_slice(header).ok()?;
    let description = header.pointer_mut(DESCRIPTION)?;
    let text = description.as_str()?;
    let fields = if text.starts_with(DIGEST) { text.get(DIGEST_END..)? } else { text.get(1..)? };
    let text = format!("{{{fields}").replacen(r#""format":4"#, r#""format":3"#, 1);
    let target = random.below(4);
    *description = match target {
        0 | 1 => Value::from(String::from_utf8_lossy(&changed_text(text.as_bytes(), random)).into_owned()),
        _ => Value::from(text),
    };
    let mut header = serde_json::to_vec(&header).ok()?;
    if target == 2 {
        header = changed_text(&header, random);
    }
    let tensors = if target == 3 { mutated(tensors, random) } else { tensors.to_vec() };
    Some([&(header.len() as u64).to_le_bytes(), header.as_slice(), &tensors].concat())
}

/// Mostly other numbers, so that it stays JSON.
fn changed_text(text: &[u8], random: &mut Random) -> Vec<u8> {
    if random.below(4) == 0 {
        return mutated(text, random);
    }
    let mut text = text.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(text.len());
        digits(&mut text, at, random);
    }
    text
}

/// An npz of which one array is changed, or `None` where it is none.
pub fn npz(whole: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(whole)).ok()?;
    let changed = random.below(archive.len().max(1));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).ok()?;
        let (name, mut bytes) = (member.name().ok()?.to_string(), Vec::new());
        member.read_to_end(&mut bytes).ok()?;
        let bytes = if index == changed { mutated(&bytes, random) } else { bytes };
        writer.start_file(name, options).ok()?;
        writer.write_all(&bytes).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}
