//! A net as data: blocks of layers. [`crate::trunk`] compiles it for the CPU and
//! [`crate::network`] trains it; neither knows any architecture by name.

use headstart_kernels as kernels;
use serde::{Deserialize, Serialize};

/// What follows a layer's linear map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

/// How far a window reaches over the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// TensorFlow's `same`: the output side is `ceil(side / stride)`; of an odd
    /// padding the larger half lies at the bottom and right.
    Same,
    /// None.
    Valid,
}

impl Padding {
    /// Pixels before and after one side of `length`, for a window of `kernel` at `stride`.
    pub fn amounts(self, length: usize, kernel: usize, stride: usize) -> (usize, usize) {
        match self {
            Self::Valid => (0, 0),
            Self::Same => {
                let total = ((length.div_ceil(stride) - 1) * stride + kernel).saturating_sub(length);
                (total / 2, total - total / 2)
            }
        }
    }

    fn output(self, length: usize, kernel: usize, stride: usize) -> usize {
        match self {
            Self::Valid => (length.saturating_sub(kernel)) / stride + 1,
            Self::Same => length.div_ceil(stride),
        }
    }
}

/// A convolution, the batch normalisation behind it (in inference mode) and its activation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Convolution {
    /// Name of its tensors: `NAME.weight` `[out, in / groups, k, k]`, `NAME.bias` `[out]`.
    pub name: String,
    /// Input channels.
    pub input: usize,
    /// Output channels.
    pub output: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Stride in both directions.
    pub stride: usize,
    /// Groups: 1, or the number of channels (depthwise).
    pub groups: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// Batch normalisation behind it.
    pub norm: Option<BatchNorm>,
    /// Activation behind that.
    pub activation: Activation,
}

/// Batch normalisation with fixed statistics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchNorm {
    /// Name of its tensors: `NAME.weight`, `.bias`, `.running_mean`, `.running_var`.
    pub name: String,
    /// Added to the variance.
    pub epsilon: f32,
}

/// A fully connected layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dense {
    /// Name of its tensors: `NAME.weight` `[in, out]`, `NAME.bias` `[out]`.
    pub name: String,
    /// Inputs.
    pub input: usize,
    /// Outputs.
    pub output: usize,
    /// Activation.
    pub activation: Activation,
    /// Weight of the penalty `l2 · Σw²` that is added to the loss (Keras's `regularizers.l2`).
    pub l2: f32,
}

/// One layer. All convolutions pad as TensorFlow's `same`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Layer {
    /// Convolution, normalisation, activation.
    Convolution(Convolution),
    /// Largest value of each window of `window`² at stride `window`, without padding.
    MaxPool {
        /// Side and stride of the window.
        window: usize,
    },
    /// `body(x) + x`.
    Residual {
        /// What the input is added to.
        body: Vec<Layer>,
    },
    /// Mean over height and width.
    GlobalAveragePool,
    /// `[H, W, C]` to one vector, in that order (as Keras).
    Flatten,
    /// While training, sets a share of the values to zero and scales up the rest.
    Dropout {
        /// The share.
        rate: f32,
    },
    /// Fully connected.
    Dense(Dense),
}

/// Height, width and channels of one image's map; a vector is `1 × 1 × C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl MapShape {
    /// A map of `height × width × channels`.
    pub fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Number of values.
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether it holds no value.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl Layer {
    /// The shape behind the layer.
    pub fn output(&self, input: MapShape) -> MapShape {
        match self {
            Self::Convolution(layer) => MapShape::new(
                Padding::Same.output(input.height, layer.kernel, layer.stride),
                Padding::Same.output(input.width, layer.kernel, layer.stride),
                layer.output,
            ),
            Self::MaxPool { window } => MapShape::new(
                Padding::Valid.output(input.height, *window, *window),
                Padding::Valid.output(input.width, *window, *window),
                input.channels,
            ),
            Self::Residual { .. } | Self::Dropout { .. } => input,
            Self::GlobalAveragePool => MapShape::new(1, 1, input.channels),
            Self::Flatten => MapShape::new(1, 1, input.len()),
            Self::Dense(layer) => MapShape::new(1, 1, layer.output),
        }
    }

    /// The names and shapes of the tensors that training may change.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::Convolution(layer) => layer.parameters(),
            Self::Dense(layer) => vec![
                (format!("{}.weight", layer.name), vec![layer.input, layer.output]),
                (format!("{}.bias", layer.name), vec![layer.output]),
            ],
            Self::Residual { body } => body.iter().flat_map(Self::parameters).collect(),
            Self::MaxPool { .. } | Self::GlobalAveragePool | Self::Flatten | Self::Dropout { .. } => vec![],
        }
    }

    /// Whether it draws random numbers while training.
    pub fn draws(&self) -> bool {
        match self {
            Self::Dropout { .. } => true,
            Self::Residual { body } => body.iter().any(Self::draws),
            Self::Convolution(_)
            | Self::MaxPool { .. }
            | Self::GlobalAveragePool
            | Self::Flatten
            | Self::Dense(_) => false,
        }
    }

    /// The names and shapes of the tensors that training never changes: running statistics.
    pub fn statistics(&self) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::Convolution(Convolution { norm: Some(norm), output, .. }) => {
                ["running_mean", "running_var"]
                    .map(|part| (format!("{}.{part}", norm.name), vec![*output]))
                    .to_vec()
            }
            Self::Residual { body } => body.iter().flat_map(Self::statistics).collect(),
            _ => vec![],
        }
    }
}

impl From<Activation> for kernels::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Identity => Self::Identity,
            Activation::Relu => Self::Relu,
            Activation::Relu6 => Self::Relu6,
        }
    }
}

impl Convolution {
    /// Its geometry on maps of shape `input`.
    pub fn geometry(&self, input: MapShape) -> kernels::Convolution {
        let (top, bottom) = Padding::Same.amounts(input.height, self.kernel, self.stride);
        let (left, right) = Padding::Same.amounts(input.width, self.kernel, self.stride);
        kernels::Convolution {
            in_channels: self.input,
            out_channels: self.output,
            kernel: [self.kernel; 2],
            stride: [self.stride; 2],
            padding: kernels::Padding { top, bottom, left, right },
            groups: self.groups,
        }
    }

    fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let kernel = vec![self.output, self.input / self.groups, self.kernel, self.kernel];
        let mut all = vec![(format!("{}.weight", self.name), kernel)];
        if self.bias {
            all.push((format!("{}.bias", self.name), vec![self.output]));
        }
        if let Some(norm) = &self.norm {
            all.push((format!("{}.weight", norm.name), vec![self.output]));
            all.push((format!("{}.bias", norm.name), vec![self.output]));
        }
        all
    }
}

/// Layers that are frozen or trained together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Its name, as `--unfreeze` takes it.
    pub name: String,
    /// In order.
    pub layers: Vec<Layer>,
}

/// A backbone's architecture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Its name, as `--backbone` takes it.
    pub name: String,
    /// In order, from the image on.
    pub blocks: Vec<Block>,
    /// The block from which on `--unfreeze last-block` trains.
    pub last_block: String,
}

/// The shape behind `layers`.
pub fn output_shape<'a>(layers: impl IntoIterator<Item = &'a Layer>, input: MapShape) -> MapShape {
    layers.into_iter().fold(input, |shape, layer| layer.output(shape))
}

impl Spec {
    /// All layers of `blocks[range]`, in order.
    pub fn layers(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = &Layer> {
        self.blocks[range].iter().flat_map(|block| &block.layers)
    }

    /// Number of values that training could change.
    pub fn parameter_count(&self) -> usize {
        count(self.layers(0..self.blocks.len()))
    }
}

/// Number of values in the parameters of `layers`.
pub fn count<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> usize {
    layers.into_iter().flat_map(Layer::parameters).map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_is_tensorflows() {
        assert_eq!(Padding::Same.amounts(224, 3, 2), (0, 1));
        assert_eq!(Padding::Same.amounts(7, 3, 2), (1, 1));
        assert_eq!(Padding::Same.amounts(14, 5, 1), (2, 2));
        assert_eq!(Padding::Same.amounts(1, 3, 2), (1, 1));
    }

    #[test]
    fn shapes_follow_the_layers() {
        let shape = Layer::MaxPool { window: 2 }.output(MapShape::new(7, 5, 3));
        assert_eq!(shape, MapShape::new(3, 2, 3));
        assert_eq!(Layer::Flatten.output(shape), MapShape::new(1, 1, 18));
    }
}
