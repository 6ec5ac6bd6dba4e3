//! A net without its pretraining: fresh weights, and normalisation that fits the images it will see.

use crate::backbone::spec::{Activation, BatchNorm, Convolution, Layer, MapShape, Norm, SqueezeExcite};
use crate::backbone::weights::Weights;
use crate::random::Random;
use crate::trunk::{Buffers, Plan};

/// Stream of random numbers.
const STREAM: u64 = 0xf4e5;

/// Fresh weights for `layers`: normal with variance 2 / fan-in (He 2015), no bias, γ 1, β 0. The
/// statistics of batch normalisation are those of `maps` `[batch, H, W, C]`, layer by layer, as a first
/// training step with normalisation by batch would have them (Mishkin & Matas 2016).
pub(crate) fn random_weights(
    layers: &[Layer],
    maps: &[f32],
    batch: usize,
    input: MapShape,
    seed: u64,
) -> Weights {
    let mut fresh = Fresh { weights: Weights::default(), random: Random::new(seed, STREAM), batch };
    fresh.run(layers, maps.to_vec(), input);
    fresh.weights
}

struct Fresh {
    weights: Weights,
    random: Random,
    batch: usize,
}

impl Fresh {
    /// Draws the layers' weights and returns what they make of `maps`.
    fn run(&mut self, layers: &[Layer], mut maps: Vec<f32>, mut shape: MapShape) -> Vec<f32> {
        for layer in layers {
            maps = match layer {
                Layer::Convolution(layer) => self.convolution(layer, &maps, shape),
                Layer::Residual { body, shortcut, .. } => {
                    self.run(body, maps.clone(), shape);
                    self.run(shortcut, maps.clone(), shape);
                    self.through(layer, &maps, shape)
                }
                Layer::Concatenate { branches } => {
                    branches.iter().for_each(|branch| _ = self.run(branch, maps.clone(), shape));
                    self.through(layer, &maps, shape)
                }
                Layer::Norm(Norm { norm, channels, .. }) => {
                    self.normalise(norm, *channels, &maps);
                    self.through(layer, &maps, shape)
                }
                Layer::SqueezeExcite(SqueezeExcite { reduce, expand }) => {
                    let pooled = MapShape::new(1, 1, shape.channels);
                    let means = self.through(&Layer::GlobalAveragePool, &maps, shape);
                    let squeezed = self.convolution(reduce, &means, pooled);
                    self.convolution(expand, &squeezed, MapShape { channels: reduce.output, ..pooled });
                    self.through(layer, &maps, shape)
                }
                // Heads are drawn by `network::initialise`.
                Layer::MaxPool(_)
                | Layer::AveragePool { .. }
                | Layer::GlobalAveragePool
                | Layer::Flatten
                | Layer::Dropout { .. }
                | Layer::Dense(_) => self.through(layer, &maps, shape),
            };
            shape = layer.output(shape);
        }
        maps
    }

    fn convolution(&mut self, layer: &Convolution, maps: &[f32], shape: MapShape) -> Vec<f32> {
        let fan_in = layer.input / layer.groups * layer.kernel * layer.kernel;
        let deviation = (2.0 / fan_in as f32).sqrt();
        let kernel = vec![layer.output, layer.input / layer.groups, layer.kernel, layer.kernel];
        let values = (0..kernel.iter().product::<usize>()).map(|_| deviation * self.normal()).collect();
        self.weights.insert(format!("{}.weight", layer.name), kernel, values);
        let channels = layer.output;
        if layer.bias {
            self.weights.insert(format!("{}.bias", layer.name), vec![channels], vec![0.0; channels]);
        }
        if let Some(norm) = &layer.norm {
            let bare = Convolution { norm: None, activation: Activation::Identity, ..layer.clone() };
            let output = self.through(&Layer::Convolution(bare), maps, shape);
            self.normalise(norm, channels, &output);
        }
        self.through(&Layer::Convolution(layer.clone()), maps, shape)
    }

    /// So that what becomes of `maps` has mean 0 and variance 1.
    fn normalise(&mut self, norm: &BatchNorm, channels: usize, maps: &[f32]) {
        let (means, variances) = statistics(maps, channels);
        let parts = [("weight", vec![1.0; channels]), ("bias", vec![0.0; channels]), ("running_mean", means)];
        for (part, values) in parts.into_iter().chain([("running_var", variances)]) {
            self.weights.insert(format!("{}.{part}", norm.name), vec![channels], values);
        }
    }

    fn through(&self, layer: &Layer, maps: &[f32], shape: MapShape) -> Vec<f32> {
        Plan::new([layer], &self.weights, shape).forward(maps, self.batch, &mut Buffers::default()).to_vec()
    }

    /// Box and Muller 1958.
    fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.random.unit()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.random.unit()).cos()
    }
}

/// Mean and variance of each channel.
fn statistics(maps: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let places = (maps.len() / channels) as f64;
    let mut sums = vec![[0.0f64; 2]; channels];
    for place in maps.chunks_exact(channels) {
        for (sums, value) in sums.iter_mut().zip(place) {
            sums[0] += f64::from(*value);
            sums[1] += f64::from(*value).powi(2);
        }
    }
    let mean = |sums: &[f64; 2]| sums[0] / places;
    let variance = |sums: &[f64; 2]| (sums[1] / places - mean(sums).powi(2)).max(0.0);
    (
        sums.iter().map(|sums| mean(sums) as f32).collect(),
        sums.iter().map(|sums| variance(sums) as f32).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::spec::Padding;

    #[test]
    fn normalised_maps_have_mean_0_and_variance_1() {
        let layer = Convolution {
            name: "c".into(),
            input: 3,
            output: 4,
            kernel: 3,
            stride: 1,
            padding: Padding::Same,
            groups: 1,
            bias: false,
            norm: Some(BatchNorm { name: "n".into(), epsilon: 1e-3 }),
            activation: Activation::Identity,
        };
        let mut random = Random::new(1, 2);
        let maps: Vec<f32> = (0..2 * 6 * 6 * 3).map(|_| random.unit() * 9.0).collect();
        let layers = [Layer::Convolution(layer)];
        let shape = MapShape::new(6, 6, 3);
        let weights = random_weights(&layers, &maps, 2, shape, 5);
        let output = Plan::new(&layers, &weights, shape).forward(&maps, 2, &mut Buffers::default());
        let (means, variances) = statistics(&output, 4);
        assert!(means.iter().all(|mean| mean.abs() < 1e-3), "{means:?}");
        assert!(variances.iter().all(|variance| (variance - 1.0).abs() < 0.01), "{variances:?}");
        let of = |seed| random_weights(&layers, &maps, 2, shape, seed);
        assert!(of(5) == weights && of(6) != weights);
    }
}
