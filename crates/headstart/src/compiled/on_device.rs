//! Layers on a graphics processor: [`Tail`] without gradients, its normalisation folded into the weights once.

use burn::tensor::{Tensor, TensorData};

use crate::backbone::spec::{BatchNorm, Convolution, Layer, MapShape, Norm, SqueezeExcite};
use crate::backbone::weights::Weights;
use crate::device::Device;
use crate::network::{Parameters, Tail, host};
use crate::trunk::{fold, scale_and_shift};

/// Images that are computed together, at most.
const MOST: usize = 128;
/// Images that are gathered before they are computed.
const GATHERED: usize = 32;
/// Values that all maps of one layer may have together: 2 GiB.
const VALUES: usize = 1 << 29;

/// Layers whose weights lie on the device.
#[derive(Debug)]
pub(crate) struct OnDevice {
    net: Tail,
    parameters: Parameters,
    output: MapShape,
    most: usize,
}

/// What the device computes of a batch, in parts.
pub(crate) struct UnderWay {
    /// Maps, and how many of them count: the rest is padding.
    parts: Vec<(Tensor<4>, usize)>,
    /// Values of a map.
    length: usize,
}

impl OnDevice {
    pub(super) fn new<'a>(
        layers: impl IntoIterator<Item = &'a Layer>,
        weights: &Weights,
        input: MapShape,
        device: &Device,
    ) -> Self {
        let mut folded = Weights::default();
        let layers: Vec<Layer> =
            layers.into_iter().map(|layer| fold_layer(layer, weights, &mut folded)).collect();
        let (mut output, mut widest) = (input, input.len());
        for layer in &layers {
            output = layer.output(output);
            widest = widest.max(output.len());
        }
        let net = Tail::new(layers, input, &folded, device);
        let parameters = net.parameters(&folded);
        let most = previous_power_of_two((VALUES / widest).clamp(1, MOST));
        Self { net, parameters, output, most }
    }

    pub(super) fn input(&self) -> MapShape {
        self.net.input()
    }

    pub(super) fn output(&self) -> MapShape {
        self.output
    }

    pub(super) fn batch_size(&self) -> usize {
        self.most.min(GATHERED)
    }

    /// Begins to run a batch. It is cut into parts that fit, and each is padded to a power of two: the device's kernels
    /// are chosen for each number of images anew, which takes long.
    pub(super) fn start(&self, maps: &[f32], batch: usize) -> UnderWay {
        let map = self.input();
        assert_eq!(maps.len(), batch * map.len(), "a batch of {batch} maps of {map:?}");
        let part = |maps: &[f32]| {
            let count = maps.len() / map.len();
            let padded = count.next_power_of_two();
            let mut values = maps.to_vec();
            values.resize(padded * map.len(), 0.0);
            let data = TensorData::new(values, [padded, map.height, map.width, map.channels]);
            let maps = Tensor::from_data(data, self.net.device().tensors());
            (self.net.maps(&self.parameters, maps, None), count)
        };
        let parts = maps.chunks(self.most * map.len()).map(part).collect();
        self.net.device().begin();
        UnderWay { parts, length: self.output.len() }
    }
}

impl UnderWay {
    /// Waits for the maps, one after the other.
    pub(super) fn finish(self) -> Vec<f32> {
        let mut all = Vec::new();
        for (maps, count) in self.parts {
            let mut values = host(maps);
            values.truncate(count * self.length);
            all.append(&mut values);
        }
        all
    }
}

fn previous_power_of_two(number: usize) -> usize {
    1 << number.ilog2()
}

/// The layer with its normalisation folded in, and its weights.
fn fold_layer(layer: &Layer, weights: &Weights, folded: &mut Weights) -> Layer {
    let mut each = |layers: &[Layer]| layers.iter().map(|layer| fold_layer(layer, weights, folded)).collect();
    match layer {
        Layer::Convolution(layer) => Layer::Convolution(fold_convolution(layer, weights, folded)),
        Layer::SqueezeExcite(SqueezeExcite { reduce, expand }) => Layer::SqueezeExcite(SqueezeExcite {
            reduce: fold_convolution(reduce, weights, folded),
            expand: fold_convolution(expand, weights, folded),
        }),
        Layer::Norm(layer) => Layer::Norm(fold_norm(layer, weights, folded)),
        Layer::Concatenate { branches } => {
            Layer::Concatenate { branches: branches.iter().map(|branch| each(branch)).collect() }
        }
        Layer::Residual { body, shortcut, activation } => {
            Layer::Residual { body: each(body), shortcut: each(shortcut), activation: *activation }
        }
        Layer::Dense(_) => {
            for (name, shape) in layer.parameters() {
                folded.insert(&name, shape, weights.get(&name).values.clone());
            }
            layer.clone()
        }
        Layer::MaxPool(_)
        | Layer::AveragePool { .. }
        | Layer::GlobalAveragePool
        | Layer::Flatten
        | Layer::Dropout { .. } => layer.clone(),
    }
}

fn fold_convolution(layer: &Convolution, weights: &Weights, folded: &mut Weights) -> Convolution {
    let (weight, bias) = fold(layer, weights);
    let kernel = vec![layer.output, layer.input / layer.groups, layer.kernel, layer.kernel];
    folded.insert(format!("{}.weight", layer.name), kernel, weight);
    folded.insert(format!("{}.bias", layer.name), vec![layer.output], bias);
    Convolution { bias: true, norm: None, ..layer.clone() }
}

/// What is left is a scale and a shift: the mean becomes 0 and the variance 1.
fn fold_norm(layer: &Norm, weights: &Weights, folded: &mut Weights) -> Norm {
    let Norm { norm, channels, .. } = layer;
    let [scale, shift] = scale_and_shift(norm, weights);
    let parts = [
        ("weight", scale),
        ("bias", shift),
        ("running_mean", vec![0.0; *channels]),
        ("running_var", vec![1.0; *channels]),
    ];
    for (part, values) in parts {
        folded.insert(format!("{}.{part}", norm.name), vec![*channels], values);
    }
    Norm { norm: BatchNorm { epsilon: 0.0, ..norm.clone() }, ..layer.clone() }
}
