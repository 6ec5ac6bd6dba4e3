//! A net as data: blocks of layers. [`crate::trunk`] compiles it for the CPU and
//! [`crate::network`] trains it; neither knows any architecture by name.

use headstart_kernels as kernels;
use serde::{Deserialize, Serialize};

pub use super::shape::MapShape;
pub use super::window::{MaxPool, Padding};

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
    /// `x · sigmoid(x)`, also called swish (Elfwing et al. 2017, arXiv:1702.03118).
    Silu,
    /// `x · min(max(x + 3, 0), 6) / 6` (Howard et al. 2019, arXiv:1905.02244).
    HardSwish,
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid,
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
    /// Zeros around its input; files of before know `same` only.
    #[serde(default)]
    pub padding: Padding,
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

/// Batch normalisation that no convolution stands before, and what follows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Norm {
    /// Its tensors and its epsilon.
    pub norm: BatchNorm,
    /// Channels.
    pub channels: usize,
    /// Activation behind it.
    pub activation: Activation,
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

/// `x · gate(x)` (Hu et al. 2017, arXiv:1709.01507): the mean of each channel passes two 1×1 convolutions, and
/// becomes the factor of its channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqueezeExcite {
    /// To fewer channels.
    pub reduce: Convolution,
    /// Back to as many as there were.
    pub expand: Convolution,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Layer {
    /// Convolution, normalisation, activation.
    Convolution(Convolution),
    /// Normalisation and activation alone.
    Norm(Norm),
    /// A factor for each channel, from the means of all.
    SqueezeExcite(SqueezeExcite),
    /// Mean of each window; windows lie side by side, all within the map.
    AveragePool {
        /// Side of the window.
        window: usize,
    },
    /// What each branch makes of the input, the channels of one behind those of the other. A branch without layers is the
    /// input itself.
    Concatenate {
        /// In order.
        branches: Vec<Vec<Layer>>,
    },
    /// Largest value of each window.
    MaxPool(MaxPool),
    /// `activation(body(x) + shortcut(x))`.
    Residual {
        /// Ends with a convolution that has no activation.
        body: Vec<Layer>,
        /// What the input goes through before it is added; none leaves it as it is.
        #[serde(default)]
        shortcut: Vec<Layer>,
        /// Activation behind the sum.
        #[serde(default)]
        activation: Activation,
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

impl Layer {
    /// The shape behind the layer.
    pub fn output(&self, input: MapShape) -> MapShape {
        match self {
            Self::Convolution(layer) => MapShape::new(
                layer.padding.output(input.height, layer.kernel, layer.stride),
                layer.padding.output(input.width, layer.kernel, layer.stride),
                layer.output,
            ),
            Self::MaxPool(pool) => {
                let shape = kernels::Pool::from(*pool).output_shape(input.batch(1));
                MapShape::new(shape.height, shape.width, shape.channels)
            }
            Self::Residual { body, .. } => output_shape(body, input),
            Self::AveragePool { window } => {
                MapShape::new(input.height / window, input.width / window, input.channels)
            }
            Self::Concatenate { branches } => {
                let shapes = branches.iter().map(|branch| output_shape(branch, input));
                let joined = shapes.reduce(|joined, shape| MapShape {
                    channels: joined.channels + shape.channels,
                    ..joined
                });
                joined.unwrap_or(input)
            }
            Self::Norm(_) | Self::SqueezeExcite(_) | Self::Dropout { .. } => input,
            Self::GlobalAveragePool => MapShape::new(1, 1, input.channels),
            Self::Flatten => MapShape::new(1, 1, input.len()),
            Self::Dense(layer) => MapShape::new(1, 1, layer.output),
        }
    }

    /// The names and shapes of the tensors that training may change.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::Convolution(layer) => layer.parameters(),
            Self::Norm(layer) => layer.norm.parameters(layer.channels),
            Self::SqueezeExcite(gate) => [gate.reduce.parameters(), gate.expand.parameters()].concat(),
            Self::Concatenate { branches } => branches.iter().flatten().flat_map(Self::parameters).collect(),
            Self::Dense(layer) => vec![
                (format!("{}.weight", layer.name), vec![layer.input, layer.output]),
                (format!("{}.bias", layer.name), vec![layer.output]),
            ],
            Self::Residual { body, shortcut, .. } => {
                body.iter().chain(shortcut).flat_map(Self::parameters).collect()
            }
            Self::MaxPool(_)
            | Self::AveragePool { .. }
            | Self::GlobalAveragePool
            | Self::Flatten
            | Self::Dropout { .. } => vec![],
        }
    }

    /// Whether it draws random numbers while training.
    pub fn draws(&self) -> bool {
        match self {
            Self::Dropout { .. } => true,
            Self::Residual { body, shortcut, .. } => body.iter().chain(shortcut).any(Self::draws),
            Self::Concatenate { branches } => branches.iter().flatten().any(Self::draws),
            Self::Convolution(_)
            | Self::Norm(_)
            | Self::SqueezeExcite(_)
            | Self::MaxPool(_)
            | Self::AveragePool { .. }
            | Self::GlobalAveragePool
            | Self::Flatten
            | Self::Dense(_) => false,
        }
    }

    /// Every batch normalisation within it, and of how many channels.
    pub fn norms(&self) -> Vec<(&BatchNorm, usize)> {
        match self {
            Self::Convolution(layer) => layer.norm().collect(),
            Self::Norm(layer) => vec![(&layer.norm, layer.channels)],
            Self::SqueezeExcite(gate) => gate.reduce.norm().chain(gate.expand.norm()).collect(),
            Self::Concatenate { branches } => branches.iter().flatten().flat_map(Self::norms).collect(),
            Self::Residual { body, shortcut, .. } => {
                body.iter().chain(shortcut).flat_map(Self::norms).collect()
            }
            Self::MaxPool(_)
            | Self::AveragePool { .. }
            | Self::GlobalAveragePool
            | Self::Flatten
            | Self::Dropout { .. }
            | Self::Dense(_) => vec![],
        }
    }

    /// The names and shapes of the tensors that training never changes: running statistics.
    pub fn statistics(&self) -> Vec<(String, Vec<usize>)> {
        self.norms().into_iter().flat_map(|(norm, channels)| norm.statistics(channels)).collect()
    }
}

impl From<Activation> for kernels::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Identity => Self::Identity,
            Activation::Relu => Self::Relu,
            Activation::Relu6 => Self::Relu6,
            Activation::Silu => Self::Silu,
            Activation::HardSwish => Self::HardSwish,
            Activation::Sigmoid => Self::Sigmoid,
            Activation::HardSigmoid => Self::HardSigmoid,
        }
    }
}

impl Convolution {
    /// Its geometry on maps of shape `input`.
    pub fn geometry(&self, input: MapShape) -> kernels::Convolution {
        let (top, bottom) = self.padding.amounts(input.height, self.kernel, self.stride);
        let (left, right) = self.padding.amounts(input.width, self.kernel, self.stride);
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
        all.extend(self.norm.iter().flat_map(|norm| norm.parameters(self.output)));
        all
    }

    fn norm(&self) -> impl Iterator<Item = (&BatchNorm, usize)> {
        self.norm.iter().map(|norm| (norm, self.output))
    }
}

impl BatchNorm {
    fn parameters(&self, channels: usize) -> Vec<(String, Vec<usize>)> {
        ["weight", "bias"].map(|part| (format!("{}.{part}", self.name), vec![channels])).to_vec()
    }

    fn statistics(&self, channels: usize) -> Vec<(String, Vec<usize>)> {
        ["running_mean", "running_var"].map(|part| (format!("{}.{part}", self.name), vec![channels])).to_vec()
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

    /// All layers, in order.
    pub fn all_layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers(0..self.blocks.len())
    }

    /// Number of values that training could change.
    pub fn parameter_count(&self) -> usize {
        count(self.all_layers())
    }
}

/// Number of values in the parameters of `layers`.
pub fn count<'a>(layers: impl IntoIterator<Item = &'a Layer>) -> usize {
    layers.into_iter().flat_map(Layer::parameters).map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As they lie in models that were sealed before there was another padding, stride or shortcut.
    #[test]
    fn layers_of_before_are_read() {
        let read = |text| serde_json::from_str::<Layer>(text).expect("a layer");
        assert_eq!(read(r#"{"kind":"max-pool","window":2}"#), Layer::MaxPool(MaxPool::tiling(2)));
        let convolution = r#"{"kind":"convolution","name":"c","input":3,"output":8,"kernel":3,"stride":2,
            "groups":1,"bias":true,"norm":null,"activation":"relu"}"#;
        let Layer::Convolution(convolution) = read(convolution) else { panic!("a convolution") };
        assert_eq!(convolution.padding, Padding::Same);
        let (body, shortcut, activation) = (vec![], vec![], Activation::Identity);
        assert_eq!(read(r#"{"kind":"residual","body":[]}"#), Layer::Residual { body, shortcut, activation });
    }

    #[test]
    fn shapes_follow_the_layers() {
        let shape = Layer::MaxPool(MaxPool::tiling(2)).output(MapShape::new(7, 5, 3));
        assert_eq!(shape, MapShape::new(3, 2, 3));
        let overlapping = MaxPool { window: 3, stride: Some(2), padding: 1 };
        assert_eq!(Layer::MaxPool(overlapping).output(MapShape::new(112, 5, 3)), MapShape::new(56, 3, 3));
        assert_eq!(Layer::Flatten.output(shape), MapShape::new(1, 1, 18));
    }
}
