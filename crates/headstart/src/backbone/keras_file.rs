//! Keras's `.h5` files, as tensors with our names and layout: `LAYER.weight`, `[out, in, height, width]`.

use std::path::Path;

use super::hdf5;
use super::weights::{Tensor, Weights};
use crate::error::{Error, Result};
use crate::visible::visible;

/// Where `model.save` keeps the weights, beside what an optimizer keeps.
const MODEL: &str = "model_weights";
const OPTIMIZER: &str = "optimizer_weights";

/// Reads what Keras's `save_weights` or `save` wrote as HDF5.
///
/// # Errors
/// [`Error::Invalid`] when `bytes` is no such file, or holds no layer.
pub(super) fn weights(bytes: &[u8], path: &Path) -> Result<Weights> {
    let invalid = |found: String| Error::invalid(path, "Keras's weights as HDF5", visible(&found));
    let mut weights = Weights::default();
    for (name, tensor) in hdf5::read(bytes).map_err(invalid)? {
        if let Some((name, tensor)) = ours(&name, tensor) {
            weights.insert(name, tensor.shape, tensor.values);
        }
    }
    if weights.iter().next().is_none() {
        return Err(invalid("none of a layer".into()));
    }
    Ok(weights)
}

/// A tensor's name and layout here, if it is one of a layer that nets here have.
fn ours(path: &str, tensor: Tensor) -> Option<(String, Tensor)> {
    let mut parts: Vec<&str> = path.split('/').collect();
    let variable = parts.pop()?;
    match parts.first() {
        Some(&MODEL) => _ = parts.remove(0),
        Some(&OPTIMIZER) => return None,
        _ => {}
    }
    let part = match variable.split(':').next()? {
        "kernel" | "depthwise_kernel" | "gamma" => "weight",
        "bias" | "beta" => "bias",
        "moving_mean" => "running_mean",
        "moving_variance" => "running_var",
        // As Keras 1 called them.
        old if old.ends_with("_W_1") || old.ends_with("_W") => "weight",
        old if old.ends_with("_b_1") || old.ends_with("_b") => "bias",
        _ => return None,
    };
    let tensor = kernel(tensor);
    Some((format!("{}.{part}", layer(&parts)?), tensor))
}

/// A layer's name. Groups are called after the layer once or twice, with a net's name between (`conv/sequential/conv`), or
/// after a net within a net and then the layer. Names of before have slashes where there are underscores now.
fn layer(parts: &[&str]) -> Option<String> {
    let (first, second) = parts.split_at(parts.len() / 2);
    let name = match parts {
        [] => return None,
        _ if first == second => first,
        [name] => std::slice::from_ref(name),
        [name, _, .., last] if name == last => std::slice::from_ref(name),
        [_, name @ ..] => name,
    };
    Some(name.join("_"))
}

/// `[height, width, in, out]` to `[out, in, height, width]`; others stay as they are. A kernel whose last side is 1 filters
/// each channel by itself: Keras calls both kinds `kernel`, and no net here has a convolution with one channel behind it.
fn kernel(tensor: Tensor) -> Tensor {
    match tensor.shape[..] {
        [height, width, channels, 1] => {
            reordered(&tensor, [channels, 1, height, width], |[c, _, y, x]| (y * width + x) * channels + c)
        }
        [height, width, input, output] => {
            reordered(&tensor, [output, input, height, width], |[o, i, y, x]| {
                ((y * width + x) * input + i) * output + o
            })
        }
        _ => tensor,
    }
}

/// The values in another order: `from` says where each lies now.
fn reordered(tensor: &Tensor, shape: [usize; 4], from: impl Fn([usize; 4]) -> usize) -> Tensor {
    let [a, b, c, d] = shape;
    let value = |index: usize| {
        let place = [index / (b * c * d), index / (c * d) % b, index / d % c, index % d];
        tensor.values[from(place)]
    };
    Tensor { shape: shape.to_vec(), values: (0..a * b * c * d).map(value).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_called_as_keras_calls_them_now() {
        let name = |path: &str| {
            ours(path, Tensor { shape: vec![1], values: vec![0.0] }).map(|(name, _)| name).unwrap_or_default()
        };
        assert_eq!(name("block1_conv1/block1_conv1_W_1:0"), "block1_conv1.weight");
        assert_eq!(name("conv1_conv/conv1_conv/bias:0"), "conv1_conv.bias");
        assert_eq!(name("conv1/bn/conv1/bn/moving_variance:0"), "conv1_bn.running_var");
        assert_eq!(name("model_weights/vgg16/block5_conv3/kernel"), "block5_conv3.weight");
        assert_eq!(name("model_weights/Conv1/Conv1/kernel"), "Conv1.weight");
        assert_eq!(name("model_weights/conv/sequential/conv/kernel"), "conv.weight");
        assert_eq!(name("optimizer_weights/adam/Conv1/kernel"), "");
        assert_eq!(name("normalization/normalization/count:0"), "");
    }

    #[test]
    fn kernels_are_turned() {
        let values: Vec<f32> = (0..24).map(|index| index as f32).collect();
        let turned = kernel(Tensor { shape: vec![1, 2, 3, 4], values: values.clone() });
        assert_eq!(turned.shape, [4, 3, 1, 2]);
        assert_eq!(turned.values[..4], [0.0, 12.0, 4.0, 16.0]);
        let turned = kernel(Tensor { shape: vec![2, 3, 4, 1], values });
        assert_eq!(turned.shape, [4, 1, 2, 3]);
        assert_eq!(turned.values[..6], [0.0, 4.0, 8.0, 12.0, 16.0, 20.0]);
    }
}
