//! What `torch.save` wrote before PyTorch 1.6: pickles of a magic number, a version, the system, the object and the
//! storages' keys, and then for each key the number of its values, and the values.

use std::collections::BTreeMap;

use super::pickle::{self, Pickle};
use super::value::Value;
use super::{Found, shown};

/// The pickle of PyTorch's magic number, behind the two bytes that name the protocol.
const MAGIC: [u8; 12] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19];
/// The only version that there was.
const VERSION: i64 = 1001;

/// The object, and the bytes of each storage.
pub(super) fn read(bytes: &[u8]) -> Found<(Pickle<'_>, BTreeMap<&str, &[u8]>)> {
    if bytes.get(2..14) != Some(&MAGIC) {
        return Err("a pickle that torch.save did not write".into());
    }
    let mut rest = bytes;
    let mut next = || -> Found<Pickle<'_>> {
        let read = pickle::read(rest)?;
        rest = &rest[read.length..];
        Ok(read)
    };
    let (_magic, version, system, object, keys) = (next()?, next()?, next()?, next()?, next()?);
    if !matches!(version.values[version.top], Value::Integer(VERSION)) {
        return Err(format!("another version than {VERSION} of PyTorch's old format"));
    }
    if system.entry("little_endian").is_some_and(|value| matches!(value, Value::Boolean(false))) {
        return Err("values of a machine with another byte order".into());
    }
    let storages = storages(rest, &object, &keys)?;
    Ok((object, storages))
}

/// The bytes behind the pickles, by storage.
fn storages<'a>(
    mut rest: &'a [u8],
    object: &Pickle<'a>,
    keys: &Pickle<'a>,
) -> Found<BTreeMap<&'a str, &'a [u8]>> {
    let Value::List(keys_of_storages) = &keys.values[keys.top] else {
        return Err("no list of the storages' keys".into());
    };
    let described: BTreeMap<&str, usize> = object.storages().collect();
    let mut storages = BTreeMap::new();
    for key in keys_of_storages {
        let Value::Text(key) = keys.values[*key] else {
            return Err("a storage's key that is no text".into());
        };
        let width = described.get(key).ok_or_else(|| format!("an unknown storage {}", shown(key)))?;
        let cut = || format!("the storage {} cut off", shown(key));
        let (count, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        let length = usize::try_from(i64::from_le_bytes(*count)).ok();
        let length = length.and_then(|count| count.checked_mul(*width)).ok_or_else(cut)?;
        let (values, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
        storages.insert(key, values);
        rest = behind;
    }
    Ok(storages)
}
