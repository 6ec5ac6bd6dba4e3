//! How much there is to compute in a net: multiplications, each with its addition.

use super::spec::{Convolution, Dense, Layer, MapShape, Spec};

impl Spec {
    /// Multiplications, each with the addition behind it, that one image of side `size` takes. Normalisation,
    /// activations and pooling are not counted, as papers and torchvision count.
    pub fn operations(&self, size: usize) -> u64 {
        sequence(self.all_layers(), MapShape::new(size, size, 3))
    }
}

fn sequence<'a>(layers: impl IntoIterator<Item = &'a Layer>, input: MapShape) -> u64 {
    let step = |(sum, shape): (u64, MapShape), layer: &Layer| (sum + of(layer, shape), layer.output(shape));
    layers.into_iter().fold((0, input), step).0
}

fn of(layer: &Layer, input: MapShape) -> u64 {
    match layer {
        Layer::Convolution(layer) => convolution(layer, input),
        Layer::SqueezeExcite(gate) => {
            let mean = MapShape::new(1, 1, input.channels);
            let reduced = MapShape::new(1, 1, gate.reduce.output);
            convolution(&gate.reduce, mean) + convolution(&gate.expand, reduced)
        }
        Layer::Concatenate { branches } => branches.iter().map(|branch| sequence(branch, input)).sum(),
        Layer::Residual { body, shortcut, .. } => sequence(body, input) + sequence(shortcut, input),
        Layer::Dense(Dense { input, output, .. }) => (input * output) as u64,
        Layer::Norm(_)
        | Layer::AveragePool { .. }
        | Layer::MaxPool(_)
        | Layer::GlobalAveragePool
        | Layer::Flatten
        | Layer::Dropout { .. } => 0,
    }
}

fn convolution(layer: &Convolution, input: MapShape) -> u64 {
    let output = Layer::Convolution(layer.clone()).output(input);
    (output.len() * layer.input / layer.groups * layer.kernel * layer.kernel) as u64
}

#[cfg(test)]
mod tests {
    use crate::backbone::registry::find;

    /// torchvision's `_ops`, in billions, of the whole net; its classifier has few.
    #[test]
    fn operations_are_those_that_torchvision_publishes() {
        let published = [
            ("resnet18", 224, 1.814, 513_000),
            ("resnet50", 224, 4.089, 2_049_000),
            ("densenet121", 224, 2.834, 1_025_000),
            ("mobilenet-v2", 224, 0.301, 1_281_000),
            ("mobilenet-v3-large", 224, 0.217, 1_230_080 + 1_281_000),
            ("efficientnet-b0", 224, 0.386, 1_281_000),
            ("vgg16-torchvision", 224, 15.47, 123_642_856),
        ];
        for (name, size, whole, classifier) in published {
            let operations = find(name).expect("known").spec().operations(size);
            let billions = (operations + classifier) as f64 / 1e9;
            assert!((billions - whole).abs() < 0.006 * whole + 0.001, "{name}: {billions} and {whole}");
        }
    }
}
