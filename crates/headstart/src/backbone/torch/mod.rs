//! PyTorch's state dicts (`.pth`, `.pt`, `.bin`), as `torch.save` writes them: a pickle that describes the tensors, and
//! their values beside it. The pickle is read by a reader of our own that runs nothing and knows tensors and plain
//! containers alone.

mod archive;
mod legacy;
mod pickle;
mod value;
mod view;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use self::pickle::Pickle;
use self::value::Value;
use self::view::View;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::visible::visible;

/// What was found instead of what was expected, in words.
type Found<T> = std::result::Result<T, String>;

/// Under which a training keeps its state dict among other things.
const WRAPPERS: [&str; 3] = ["state_dict", "model_state_dict", "model"];
/// Wrappers that may lie in each other.
const MOST_WRAPPERS: usize = 4;
/// Letters of a name that an error shows.
const LONGEST_NAME: usize = 100;
/// Names that an error lists.
const MOST_NAMES: usize = 8;

/// Reads what `torch.save` wrote as a zip (since PyTorch 1.6).
///
/// # Errors
/// [`Error::Invalid`] when `bytes` is no such file, is damaged, or needs more than tensors and plain containers.
pub(super) fn from_archive(bytes: &[u8], path: &Path) -> Result<Weights> {
    let mut archive = archive::Archive::open(bytes).map_err(|found| invalid(path, found))?;
    let described = archive.record("data.pkl").and_then(pickle::read);
    let described = described.map_err(|found| invalid(path, found))?;
    weights(&described, bytes.len(), path, |key| archive.record(&format!("data/{key}")))
}

/// Reads what `torch.save` wrote before, and still writes where it is asked to: pickles, then the values.
///
/// # Errors
/// As [`from_archive`].
pub(super) fn from_legacy(bytes: &[u8], path: &Path) -> Result<Weights> {
    let (described, storages) = legacy::read(bytes).map_err(|found| invalid(path, found))?;
    weights(&described, bytes.len(), path, |key| {
        storages.get(key).copied().ok_or_else(|| format!("no values of the storage {}", shown(key)))
    })
}

/// A name of a file's, which may be of any length, for a message.
fn shown(name: &str) -> String {
    visible(name).chars().take(LONGEST_NAME).collect()
}

fn invalid(path: &Path, found: String) -> Error {
    Error::invalid(path, "a PyTorch state dict", found)
}

/// The tensors of the state dict in `described`, whose storages `storage` has.
fn weights<'a>(
    described: &Pickle<'_>,
    length: usize,
    path: &Path,
    mut storage: impl FnMut(&str) -> Found<&'a [u8]>,
) -> Result<Weights> {
    let tensors = state_dict(described).map_err(|found| invalid(path, found))?;
    // Tensors may share values, but a file that makes many of few would fill the memory.
    let count: usize = tensors.iter().map(|(_, view)| view.count()).fold(0, usize::saturating_add);
    if count > length {
        return Err(invalid(path, format!("{count} values in a file of {length} bytes")));
    }
    let (mut weights, mut storages) = (Weights::default(), BTreeMap::new());
    for (name, view) in tensors {
        if view.is_of_integers() {
            let expected = format!("{} in f32, f16, bf16 or f64", shown(name));
            return Err(Error::invalid(path, expected, "i64"));
        }
        // Looked up once, because its checksum is compared: thousands of tensors may share it.
        let bytes = match storages.entry(view.key()) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(place) => storage(view.key()).map(|bytes| *place.insert(bytes)),
        };
        let values = bytes.and_then(|bytes| view.values(bytes));
        let values = values.map_err(|found| invalid(path, format!("{}: {found}", shown(name))))?;
        weights.insert(name, view.shape().to_vec(), values);
    }
    Ok(weights)
}

/// The tensors by name, in whatever a training wrapped them. PyTorch's count of batches, with which no net computes, is
/// left out.
fn state_dict<'p, 'a>(described: &'p Pickle<'a>) -> Found<Vec<(&'a str, &'p View<'a>)>> {
    let mut top = described.top;
    for _ in 0..=MOST_WRAPPERS {
        let Value::Dictionary(entries) = &described.values[top] else {
            return Err(described.values[top].description().into());
        };
        let named = entries.iter().filter_map(|(key, value)| match &described.values[*key] {
            Value::Text(name) => Some((*name, *value)),
            _ => None,
        });
        let tensors: Vec<_> = named
            .clone()
            .filter_map(|(name, value)| match &described.values[value] {
                Value::Tensor(view) => Some((name, &**view)),
                _ => None,
            })
            .collect();
        if !tensors.is_empty() {
            let is_wanted = |(name, _): &(&str, &View<'_>)| !name.ends_with("num_batches_tracked");
            return Ok(tensors.into_iter().filter(is_wanted).collect());
        }
        let inner = WRAPPERS
            .iter()
            .find_map(|wrapper| named.clone().find(|(name, _)| name == wrapper))
            .map(|(_, value)| value);
        top = inner.ok_or_else(|| without_tensors(named.map(|(name, _)| name)))?;
    }
    Err("dictionaries within dictionaries, and no tensor in them".into())
}

fn without_tensors<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.take(MOST_NAMES).map(shown).collect();
    match names.is_empty() {
        true => "an empty dictionary".into(),
        false => format!("a dictionary without tensors, of {}", names.join(", ")),
    }
}
