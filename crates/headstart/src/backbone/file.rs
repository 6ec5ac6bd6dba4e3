//! Files of pretrained weights, of which kind is found out from their bytes.

use std::path::Path;

use super::weights::Weights;
use super::{densenet, hdf5, keras_file, resnet, torch};
use crate::error::{Error, Result};

/// Before each name, where PyTorch trained on several devices.
const PARALLEL: &str = "module.";

/// Reads a PyTorch state dict (`.pth`, `.pt`, `.bin`), safetensors or Keras's `.h5`. Names that all begin with `module.`, as PyTorch
/// writes them after a training on several devices, lose it, and names of torchvision's old files and of Transformers' ResNets become
/// those of torchvision's nets.
///
/// # Errors
/// [`Error::Invalid`] when `bytes` is no such file; `path` is named in it.
pub fn weights(bytes: &[u8], path: &Path) -> Result<Weights> {
    let weights = match bytes {
        // A safetensors file begins with a length in eight bytes, which may be any, and a JSON object.
        [_, _, _, _, _, _, _, _, b'{', ..] => Weights::from_safetensors(bytes, path)?,
        [b'P', b'K', 3, 4, ..] => torch::from_archive(bytes, path)?,
        [0x80, ..] => torch::from_legacy(bytes, path)?,
        _ if bytes.starts_with(hdf5::SIGNATURE) => keras_file::weights(bytes, path)?,
        _ => {
            let expected = "a PyTorch state dict, a safetensors file or Keras's .h5";
            return Err(Error::invalid(path, expected, kind(bytes)));
        }
    };
    let name = |name| resnet::current_name(densenet::current_name(name));
    Ok(weights.without_prefix(PARALLEL).renamed(name))
}

/// What another file is, as far as its first bytes tell.
fn kind(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "an empty file",
        _ => "something else",
    }
}
