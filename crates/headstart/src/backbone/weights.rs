//! Named tensors, read from safetensors and verified against a net's spec.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use super::spec::Layer;
use crate::error::{Error, Result};
use crate::sha256::hexadecimal;

/// One tensor on the host, in f32.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Values, the last axis fastest.
    pub values: Vec<f32>,
}

/// Tensors by name. Clones share them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weights(BTreeMap<String, Arc<Tensor>>);

impl Weights {
    /// The same under other names.
    pub(super) fn renamed(self, name: impl Fn(String) -> String) -> Self {
        Self(self.0.into_iter().map(|(old, tensor)| (name(old), tensor)).collect())
    }

    /// Without what all names begin with, if they all do.
    pub(super) fn without_prefix(self, prefix: &str) -> Self {
        match self.0.keys().all(|name| name.starts_with(prefix)) {
            true => {
                Self(self.0.into_iter().map(|(name, tensor)| (name[prefix.len()..].into(), tensor)).collect())
            }
            false => self,
        }
    }

    /// Reads a safetensors file's bytes; f16, bf16 and f32 become f32. PyTorch's count of batches, an
    /// integer that no net computes with, is left out.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `bytes` is no safetensors or holds another type; `path` is named in it.
    pub fn from_safetensors(bytes: &[u8], path: &Path) -> Result<Self> {
        let file = open(bytes, path)?;
        let wanted = file.iter().filter(|(name, _)| !name.ends_with(".num_batches_tracked"));
        let tensors = wanted.map(|(name, view)| Ok((name.to_string(), Arc::new(tensor(name, &view, path)?))));
        Ok(Self(tensors.collect::<Result<_>>()?))
    }

    /// The tensor called `name`.
    ///
    /// # Panics
    /// When it is missing: [`Weights::verify`] is called first on whatever a user gave.
    pub fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| panic!("tensor {name} was verified to exist"))
    }

    /// Adds or replaces a tensor.
    pub fn insert(&mut self, name: impl Into<String>, shape: Vec<usize>, values: Vec<f32>) {
        let name = name.into();
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape of {name}");
        self.0.insert(name, Arc::new(Tensor { shape, values }));
    }

    /// Adds or replaces a tensor that others hold, too.
    pub(crate) fn share(&mut self, name: impl Into<String>, tensor: &Arc<Tensor>) {
        self.0.insert(name.into(), tensor.clone());
    }

    /// Whether a tensor has that name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names and tensors, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Arc<Tensor>)> {
        self.0.iter()
    }

    /// Names and tensors, sorted by name.
    #[allow(clippy::should_implement_trait)] // the trait would need a named iterator
    pub fn into_iter(self) -> impl Iterator<Item = (String, Tensor)> {
        self.0.into_iter().map(|(name, tensor)| (name, Arc::unwrap_or_clone(tensor)))
    }

    /// Takes over what `other` holds.
    pub fn merge(&mut self, other: Weights) {
        self.0.extend(other.0);
    }

    /// Checks that every tensor of `layers` is there, in its shape and finite, and keeps only those.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the first tensor that is missing or wrong.
    pub fn verify<'a>(self, layers: impl IntoIterator<Item = &'a Layer>, path: &Path) -> Result<Self> {
        let mut all = self.0;
        let wanted = layers.into_iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat());
        let mut kept = BTreeMap::new();
        for (name, shape) in wanted {
            let expected = format!("a tensor {name} of shape {shape:?}");
            let tensor =
                all.remove(&name).ok_or_else(|| Error::invalid(path, &expected, "none of that name"))?;
            if tensor.shape != shape {
                return Err(Error::invalid(path, expected, format!("shape {:?}", tensor.shape)));
            }
            if !tensor.values.iter().all(|value| value.is_finite()) {
                return Err(Error::invalid(path, format!("finite values in {name}"), "NaN or infinity"));
            }
            kept.insert(name, tensor);
        }
        Ok(Self(kept))
    }

    /// How many of the tensors of `layers` are there in their shapes, and of how many.
    pub(super) fn matches<'a>(&self, layers: impl IntoIterator<Item = &'a Layer>) -> (usize, usize) {
        let wanted = layers.into_iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat());
        wanted.fold((0, 0), |(there, all), (name, shape)| {
            let is_there = self.0.get(&name).is_some_and(|tensor| tensor.shape == shape);
            (there + usize::from(is_there), all + 1)
        })
    }

    /// A tensor that `layers` do not have, in a module of which they have others, or a convolution that lies in no module:
    /// one of a larger net. What lies in modules of its own, such as a classifier, is no surplus.
    pub(super) fn surplus<'a>(&self, layers: impl IntoIterator<Item = &'a Layer>) -> Option<&str> {
        let wanted = layers.into_iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat());
        let wanted: BTreeSet<String> = wanted.map(|(name, _)| name).collect();
        let modules: BTreeSet<&str> =
            wanted.iter().filter_map(|name| Some(name.split_once('.')?.0)).collect();
        let is_surplus = |(name, tensor): &(&String, &Arc<Tensor>)| {
            let Some((module, rest)) = name.split_once('.') else { return false };
            // Keras's layers lie in no modules: a larger net has convolutions by other names.
            let is_convolution = tensor.shape.len() == 4 && !rest.contains('.');
            !wanted.contains(*name) && (modules.contains(module) || is_convolution)
        };
        self.0.iter().find(is_surplus).map(|(name, _)| name.as_str())
    }

    /// SHA-256 over names, shapes and bits of the tensors of `layers`, in hexadecimal.
    pub fn digest<'a>(&self, layers: impl IntoIterator<Item = &'a Layer>) -> String {
        let mut hasher = Sha256::new();
        for (name, shape) in
            layers.into_iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat())
        {
            hasher.update(format!("{name}{shape:?}"));
            hasher.update(little_endian(&self.get(&name).values));
        }
        hexadecimal(&hasher.finalize())
    }

    /// The bytes of a safetensors file with these tensors in f32 and `metadata`.
    pub fn to_safetensors(&self, metadata: BTreeMap<String, String>) -> Vec<u8> {
        self.serialize(metadata, |values| (Dtype::F32, little_endian(values)))
    }

    /// The same, with each tensor in 16 bits that loses nothing by it.
    pub(crate) fn to_short_safetensors(&self, metadata: BTreeMap<String, String>) -> Vec<u8> {
        self.serialize(metadata, |values| match short(values) {
            Some(bytes) => (Dtype::F16, Cow::Owned(bytes)),
            None => (Dtype::F32, little_endian(values)),
        })
    }

    fn serialize(
        &self,
        metadata: BTreeMap<String, String>,
        store: impl Fn(&[f32]) -> (Dtype, Cow<'_, [u8]>),
    ) -> Vec<u8> {
        let bytes: Vec<_> = self.iter().map(|(name, tensor)| (name, tensor, store(&tensor.values))).collect();
        let views = bytes.iter().map(|(name, tensor, (dtype, bytes))| {
            let view = TensorView::new(*dtype, tensor.shape.clone(), bytes);
            (name.as_str(), view.expect("the bytes were made from this shape"))
        });
        safetensors::serialize(views, Some(metadata.into_iter().collect()))
            .expect("names are unique and views are valid")
    }

    /// The same with each matrix and each kernel rounded to 16 bits; vectors, such as the statistics of a normalisation,
    /// stay as they are.
    pub(crate) fn rounded(&self) -> Self {
        let round = |value: &f32| half::f16::from_f32(*value).to_f32();
        let tensors = self.iter().map(|(name, tensor)| match tensor.shape.len() {
            0 | 1 => (name.clone(), tensor.clone()),
            _ => {
                let values = tensor.values.iter().map(round).collect();
                (name.clone(), Arc::new(Tensor { shape: tensor.shape.clone(), values }))
            }
        });
        Self(tensors.collect())
    }
}

/// Values in 16 bits; `None` where one of them would change.
fn short(values: &[f32]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(2 * values.len());
    for value in values {
        let half = half::f16::from_f32(*value);
        if half.to_f32().to_bits() != value.to_bits() {
            return None;
        }
        bytes.extend(half.to_le_bytes());
    }
    Some(bytes)
}

/// The values as files have them: where the processor has them so, too, a hundred megabytes need no copy.
pub(crate) fn little_endian(values: &[f32]) -> Cow<'_, [u8]> {
    match cfg!(target_endian = "little") {
        true => Cow::Borrowed(bytemuck::cast_slice(values)),
        false => Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    }
}

fn open<'a>(bytes: &'a [u8], path: &Path) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes)
        .map_err(|why| Error::invalid(path, "a safetensors file", format!("something else ({why})")))
}

/// The metadata in a safetensors file's header.
///
/// # Errors
/// As [`Weights::from_safetensors`].
pub fn metadata(bytes: &[u8], path: &Path) -> Result<BTreeMap<String, String>> {
    let (_, header) = SafeTensors::read_metadata(bytes)
        .map_err(|why| Error::invalid(path, "a safetensors file", format!("something else ({why})")))?;
    Ok(header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn tensor(name: &str, view: &TensorView<'_>, path: &Path) -> Result<Tensor> {
    let data = view.data();
    let values = match view.dtype() {
        Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F16 => data.as_chunks().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::BF16 => data.as_chunks().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect(),
        other => {
            return Err(Error::invalid(path, format!("{name} in f32, f16 or bf16"), format!("{other:?}")));
        }
    };
    Ok(Tensor { shape: view.shape().to_vec(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_16_bits_hold_is_stored_in_them_and_nothing_changes() {
        let mut weights = Weights::default();
        weights.insert("exact", vec![2, 1], vec![0.5, -3.0]);
        weights.insert("kernel", vec![2, 1], vec![0.1, 65504.0]);
        weights.insert("vector", vec![2], vec![0.1, 1e9]);
        let read = |bytes: &[u8]| Weights::from_safetensors(bytes, Path::new("w")).expect("reads");
        let short = weights.to_short_safetensors(BTreeMap::new());
        assert_eq!(read(&short), weights);
        let dtype =
            |name| SafeTensors::deserialize(&short).expect("reads").tensor(name).expect("is there").dtype();
        assert_eq!(["exact", "kernel", "vector"].map(dtype), [Dtype::F16, Dtype::F32, Dtype::F32]);
        let rounded = weights.rounded();
        assert_eq!(
            (rounded.get("exact"), rounded.get("vector")),
            (weights.get("exact"), weights.get("vector"))
        );
        assert_eq!(rounded.get("kernel").values, [0.099_975_586, 65504.0]);
        assert_eq!(read(&rounded.to_short_safetensors(BTreeMap::new())), rounded);
    }

    #[test]
    fn integers_are_refused_unless_they_count_batches() {
        let bytes = 7i64.to_le_bytes();
        let read = |name: &str| {
            let view = TensorView::new(Dtype::I64, vec![], &bytes).expect("one integer");
            let file = safetensors::serialize([(name, view)], None).expect("a file");
            Weights::from_safetensors(&file, Path::new("w"))
        };
        assert_eq!(read("bn1.num_batches_tracked").expect("left out"), Weights::default());
        let error = read("bn1.weight").expect_err("an integer").to_string();
        assert!(error.contains("bn1.weight in f32, f16 or bf16") && error.contains("I64"), "{error}");
    }
}
