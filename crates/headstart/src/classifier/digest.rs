//! A sealed file's digest: SHA-256 over its description and its tensors, so that one that was damaged is not taken for
//! what was sealed.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::backbone::weights::{Weights, little_endian};
use crate::error::{Error, Result};
use crate::sha256::hexadecimal;

/// What the stored description begins with; the digest and the rest follow.
const START: &str = r#"{"digest":""#;
/// Hexadecimal digits.
const DIGITS: usize = 64;
/// What comes behind them.
const NEXT: &str = r#"","#;

/// A description, an object in JSON, with the digest as its first field.
pub(super) fn stamp(description: &str, tensors: &Weights) -> String {
    let fields = &description[1..];
    format!("{START}{}{NEXT}{fields}", digest(fields, tensors))
}

/// Compares the digest in `text` with what the file holds. Formats before 4 had none.
///
/// # Errors
/// A digest of something else, or none in a format that has one.
pub(super) fn verify(text: &str, format: u32, tensors: &Weights, path: &Path) -> Result<()> {
    let damaged = |found: &str| Error::invalid(path, "the description and tensors that were sealed", found);
    let stored = text.strip_prefix(START).and_then(|rest| {
        let (digits, rest) = rest.split_at_checked(DIGITS)?;
        Some((digits, rest.strip_prefix(NEXT)?))
    });
    match stored {
        Some((digits, fields)) if digits == digest(fields, tensors) => Ok(()),
        Some(_) => Err(damaged("others: the file is damaged, or was changed")),
        None if format >= 4 => Err(damaged("no digest of them: the file is damaged, or was changed")),
        None => Ok(()),
    }
}

/// Lengths come first, so that no two files give the same bytes.
fn digest(fields: &str, tensors: &Weights) -> String {
    let mut hash = Sha256::new();
    let text = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    text(&mut hash, fields);
    for (name, tensor) in tensors.iter() {
        text(&mut hash, name);
        text(&mut hash, &format!("{:?}", tensor.shape));
        hash.update(little_endian(&tensor.values));
    }
    hexadecimal(&hash.finalize())
}
