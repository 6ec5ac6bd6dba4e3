//! Layers as a trainable net: the same spec that [`crate::trunk`] compiles, run with Burn's
//! tensors and gradients on any of its devices.
//!
//! Parameters are one flat tensor each, by name, rather than a tree of modules: that is what the
//! optimizer steps, a checkpoint stores and the sealed model holds.

mod layers;

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};

use headstart_kernels::burn::{scale_kernels, sum_of_squares};

use crate::backbone::spec::{BatchNorm, Convolution, Dense, Layer, MapShape};
use crate::backbone::weights::Weights;
use crate::device::Device;
use crate::random::Random;

/// A parameter's shape and values.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Values, the last axis fastest.
    pub values: Tensor<1>,
}

/// Parameters by name.
pub type Parameters = BTreeMap<String, Parameter>;

/// The trainable suffix of a net.
#[derive(Debug, Clone)]
pub struct Tail {
    layers: Vec<Layer>,
    input: MapShape,
    /// Running statistics of batch normalisation: never trained.
    statistics: Weights,
    /// On the device, by the name of the normalisation: the mean that is taken off, and the inverse of the deviation.
    normalisers: BTreeMap<String, [Tensor<1>; 2]>,
    device: Device,
}

impl Tail {
    /// A tail of `layers` that reads maps of shape `input`, on `device`.
    pub fn new(layers: Vec<Layer>, input: MapShape, weights: &Weights, device: &Device) -> Self {
        let mut statistics = Weights::default();
        for (name, shape) in layers.iter().flat_map(Layer::statistics) {
            statistics.insert(&name, shape, weights.get(&name).values.clone());
        }
        let norms = layers.iter().flat_map(Layer::norms).map(|(norm, _)| norm);
        let normalisers =
            norms.map(|norm| (norm.name.clone(), normalisers(norm, &statistics, device))).collect();
        Self { layers, input, statistics, normalisers, device: device.clone() }
    }

    /// Its layers.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The shape of one feature map.
    pub fn input(&self) -> MapShape {
        self.input
    }

    /// The device it computes on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The parameters, taken from `weights`.
    pub fn parameters(&self, weights: &Weights) -> Parameters {
        let names = self.layers.iter().flat_map(Layer::parameters);
        names.map(|(name, shape)| (name.clone(), self.parameter(shape, &weights.get(&name).values))).collect()
    }

    fn parameter(&self, shape: Vec<usize>, values: &[f32]) -> Parameter {
        let data = TensorData::new(values.to_vec(), [values.len()]);
        Parameter { shape, values: Tensor::from_data(data, self.device.tensors()) }
    }

    /// The parameters and statistics, back on the host.
    pub fn weights(&self, parameters: &Parameters) -> Weights {
        let mut weights = self.statistics.clone();
        for (name, parameter) in parameters {
            weights.insert(name, parameter.shape.clone(), host(parameter.values.clone()));
        }
        weights
    }

    /// Runs a batch of features.
    ///
    /// # Shapes
    /// - `features`: `[batch, H, W, C]`
    /// - result: logits `[batch, classes]`
    ///
    /// With `dropout`, dropout layers draw their masks from it; without, they do nothing.
    pub fn forward(
        &self,
        parameters: &Parameters,
        features: Tensor<4>,
        dropout: Option<&mut Random>,
    ) -> Tensor<2> {
        let maps = self.maps(parameters, features, dropout);
        let [batch, _, _, classes] = maps.dims();
        maps.reshape([batch, classes])
    }

    /// As [`Tail::forward`], where the last layer leaves maps, `[batch, H, W, C]`.
    pub(crate) fn maps(
        &self,
        parameters: &Parameters,
        features: Tensor<4>,
        mut dropout: Option<&mut Random>,
    ) -> Tensor<4> {
        let layers = self.layers.iter();
        layers.fold(features, |maps, layer| layers::forward(layer, self, parameters, maps, &mut dropout))
    }

    /// Names of the weights that [`Tail::penalty`] is about.
    pub(crate) fn penalised(&self) -> impl Iterator<Item = String> + '_ {
        self.layers.iter().filter_map(|layer| match layer {
            Layer::Dense(Dense { name, l2, .. }) if *l2 > 0.0 => Some(format!("{name}.weight")),
            _ => None,
        })
    }

    /// `Σ l2 · Σw²` over the layers that ask for it, or `None`.
    pub fn penalty(&self, parameters: &Parameters) -> Option<Tensor<1>> {
        let terms = self.layers.iter().filter_map(|layer| match layer {
            Layer::Dense(Dense { name, l2, .. }) if *l2 > 0.0 => {
                let weight = parameters[&format!("{name}.weight")].values.clone();
                Some(sum_of_squares(weight).mul_scalar(*l2))
            }
            _ => None,
        });
        terms.reduce(|sum, term| sum + term)
    }
}

/// A tensor's values on the host.
pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("the net computes in f32")
}

/// Fresh weights for `layers`: Glorot-uniform (Glorot & Bengio 2010) weights, zero biases, as Keras.
pub fn initialise(layers: &[Layer], seed: u64) -> Weights {
    let mut weights = Weights::default();
    for (index, (name, shape)) in layers.iter().flat_map(Layer::parameters).enumerate() {
        let length = shape.iter().product();
        let values = match shape[..] {
            [inputs, outputs] => {
                let bound = (6.0 / (inputs + outputs) as f32).sqrt();
                let mut random = Random::new(seed, index as u64);
                (0..length).map(|_| random.symmetric(bound)).collect()
            }
            _ => vec![0.0; length],
        };
        weights.insert(name, shape, values);
    }
    weights
}

impl Tail {
    fn tensor<const D: usize>(&self, parameters: &Parameters, name: &str) -> Tensor<D> {
        let parameter = &parameters[name];
        let shape: [usize; D] =
            parameter.shape.clone().try_into().expect("a layer knows its tensors' number of axes");
        parameter.values.clone().reshape(shape)
    }

    /// A convolution's weight and bias with its batch normalisation folded in; gradients flow
    /// through the folding to the weight, γ and β.
    fn folded(&self, layer: &Convolution, parameters: &Parameters) -> (Tensor<4>, Tensor<1>) {
        let weight = self.tensor::<4>(parameters, &format!("{}.weight", layer.name));
        let bias = match layer.bias {
            true => self.tensor::<1>(parameters, &format!("{}.bias", layer.name)),
            false => Tensor::zeros([layer.output], self.device.tensors()),
        };
        let Some(norm) = &layer.norm else { return (weight, bias) };
        let [scale, mean, beta] = self.normalisation(norm, parameters);
        let shift = beta + (bias - mean) * scale.clone();
        (scale_kernels(weight, scale), shift)
    }

    /// The scale of each channel, the mean that is taken off before it and the shift that is added behind it.
    fn normalisation(&self, norm: &BatchNorm, parameters: &Parameters) -> [Tensor<1>; 3] {
        let [mean, inverse] = self.normalisers[&norm.name].clone();
        let scale = self.tensor::<1>(parameters, &format!("{}.weight", norm.name)) * inverse;
        let beta = self.tensor::<1>(parameters, &format!("{}.bias", norm.name));
        [scale, mean, beta]
    }
}

fn normalisers(norm: &BatchNorm, statistics: &Weights, device: &Device) -> [Tensor<1>; 2] {
    let constant = |part: &str, f: &dyn Fn(f32) -> f32| {
        let values = &statistics.get(&format!("{}.{part}", norm.name)).values;
        let values: Vec<f32> = values.iter().map(|value| f(*value)).collect();
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), device.tensors())
    };
    let mean = constant("running_mean", &|mean| mean);
    [mean, constant("running_var", &|variance| 1.0 / (variance + norm.epsilon).sqrt())]
}
