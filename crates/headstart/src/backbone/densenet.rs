//! DenseNets (Huang et al. 2016, arXiv:1608.06993), without their classifier. Layers and tensor names are torchvision's.

use super::spec::{Activation, BatchNorm, Block, Convolution, Layer, MaxPool, Norm, Padding, Spec};

/// A member of the family.
pub struct Member {
    name: &'static str,
    /// Channels that each layer adds.
    growth: usize,
    /// Layers of each dense block.
    repeats: [usize; 4],
}

/// 121 layers.
pub const DENSENET121: Member = Member { name: "densenet121", growth: 32, repeats: [6, 12, 24, 16] };
/// 169 layers.
pub const DENSENET169: Member = Member { name: "densenet169", growth: 32, repeats: [6, 12, 32, 32] };
/// 201 layers.
pub const DENSENET201: Member = Member { name: "densenet201", growth: 32, repeats: [6, 12, 48, 32] };

/// Channels of a layer's 1×1 convolution, as many times those that it adds.
const WIDTH: usize = 4;

impl Member {
    /// Stem, and four dense blocks, each with the transition behind it; behind the last there is a normalisation.
    pub fn spec(&self) -> Spec {
        let mut channels = 2 * self.growth;
        let stem = convolution("features.conv0", (3, channels), (7, 2), Some("features.norm0"));
        let pool = Layer::MaxPool(MaxPool { window: 3, stride: Some(2), padding: 1 });
        let mut blocks = vec![Block { name: "stem".into(), layers: vec![stem, pool] }];
        for (index, &repeats) in self.repeats.iter().enumerate() {
            let number = index + 1;
            let mut layers = Vec::new();
            for repeat in 1..=repeats {
                layers.push(self.dense(&format!("features.denseblock{number}.denselayer{repeat}"), channels));
                channels += self.growth;
            }
            if number < self.repeats.len() {
                layers.extend(transition(&format!("features.transition{number}"), channels));
                channels /= 2;
            } else {
                layers.push(norm("features.norm5", channels));
            }
            blocks.push(Block { name: format!("denseblock{number}"), layers });
        }
        Spec { name: self.name.into(), blocks, last_block: "denseblock4".into() }
    }

    /// The input, and what it adds behind it.
    fn dense(&self, name: &str, input: usize) -> Layer {
        let narrow = WIDTH * self.growth;
        let added = vec![
            norm(&format!("{name}.norm1"), input),
            convolution(&format!("{name}.conv1"), (input, narrow), (1, 1), Some(&format!("{name}.norm2"))),
            convolution(&format!("{name}.conv2"), (narrow, self.growth), (3, 1), None),
        ];
        Layer::Concatenate { branches: vec![vec![], added] }
    }
}

/// A tensor's name in torchvision's nets. Its files still have names of before, such as `denselayer1.norm.1.weight` for
/// `denselayer1.norm1.weight`, because PyTorch once allowed them.
pub(super) fn current_name(name: String) -> String {
    if !name.contains(".denselayer") {
        return name;
    }
    [("norm.", "norm"), ("conv.", "conv")].iter().fold(name, |name, (old, new)| name.replace(old, new))
}

/// Half the channels, half the sides.
fn transition(name: &str, channels: usize) -> [Layer; 3] {
    [
        norm(&format!("{name}.norm"), channels),
        convolution(&format!("{name}.conv"), (channels, channels / 2), (1, 1), None),
        Layer::AveragePool { window: 2 },
    ]
}

fn batch_norm(name: &str) -> BatchNorm {
    BatchNorm { name: name.into(), epsilon: 1e-5 }
}

fn norm(name: &str, channels: usize) -> Layer {
    Layer::Norm(Norm { norm: batch_norm(name), channels, activation: Activation::Relu })
}

/// With its kernel's side and stride; normalised and activated where `norm` names a normalisation.
fn convolution(
    name: &str,
    (input, output): (usize, usize),
    (kernel, stride): (usize, usize),
    norm: Option<&str>,
) -> Layer {
    Layer::Convolution(Convolution {
        name: name.into(),
        input,
        output,
        kernel,
        stride,
        padding: Padding::Symmetric,
        groups: 1,
        bias: false,
        norm: norm.map(batch_norm),
        activation: if norm.is_some() { Activation::Relu } else { Activation::Identity },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::spec::{MapShape, output_shape};

    #[test]
    fn names_of_old_files_are_understood() {
        let current = |name: &str| current_name(name.into());
        let (old, new) = (
            "features.denseblock1.denselayer2.norm.1.running_var",
            "features.denseblock1.denselayer2.norm1.running_var",
        );
        assert_eq!((current(old).as_str(), current(new).as_str()), (new, new));
        assert_eq!(current("features.transition1.norm.weight"), "features.transition1.norm.weight");
    }

    #[test]
    fn parameters_are_as_many_as_published_less_the_classifier() {
        for (member, published, features) in
            [(DENSENET121, 7_978_856, 1024), (DENSENET169, 14_149_480, 1664), (DENSENET201, 20_013_928, 1920)]
        {
            let spec = member.spec();
            let map = output_shape(spec.all_layers(), MapShape::new(224, 224, 3));
            assert_eq!(map, MapShape::new(7, 7, features));
            assert_eq!(spec.parameter_count(), published - 1000 * (features + 1), "{}", spec.name);
        }
    }
}
