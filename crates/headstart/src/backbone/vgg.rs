//! VGG nets (Simonyan & Zisserman 2014, arXiv:1409.1556), without their top: `vgg16` and `vgg19-keras` with Keras's tensor names,
//! `blockB_convC.weight` and `.bias`, the others with torchvision's, `features.N.weight` and so on.

use super::spec::{Activation, BatchNorm, Block, Convolution, Layer, MaxPool, Padding, Spec};

/// Channels of each block; a 2×2 max-pool ends it.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// A member of torchvision's family.
pub struct Member {
    name: &'static str,
    /// Convolutions of each block.
    depths: [usize; 5],
    /// Whether batch normalisation follows each convolution.
    is_normalised: bool,
}

const DEPTHS_11: [usize; 5] = [1, 1, 2, 2, 2];
const DEPTHS_13: [usize; 5] = [2, 2, 2, 2, 2];
const DEPTHS_16: [usize; 5] = [2, 2, 3, 3, 3];
const DEPTHS_19: [usize; 5] = [2, 2, 4, 4, 4];

/// Configuration A.
pub const VGG11: Member = Member { name: "vgg11", depths: DEPTHS_11, is_normalised: false };
/// Configuration A with batch normalisation.
pub const VGG11_BN: Member = Member { name: "vgg11-bn", depths: DEPTHS_11, is_normalised: true };
/// Configuration B.
pub const VGG13: Member = Member { name: "vgg13", depths: DEPTHS_13, is_normalised: false };
/// Configuration B with batch normalisation.
pub const VGG13_BN: Member = Member { name: "vgg13-bn", depths: DEPTHS_13, is_normalised: true };
/// Configuration D.
pub const VGG16: Member = Member { name: "vgg16-torchvision", depths: DEPTHS_16, is_normalised: false };
/// Configuration D with batch normalisation.
pub const VGG16_BN: Member = Member { name: "vgg16-bn", depths: DEPTHS_16, is_normalised: true };
/// Configuration E.
pub const VGG19: Member = Member { name: "vgg19", depths: DEPTHS_19, is_normalised: false };
/// Configuration E with batch normalisation.
pub const VGG19_BN: Member = Member { name: "vgg19-bn", depths: DEPTHS_19, is_normalised: true };

/// Keras's VGG16: thirteen convolutions in five blocks.
pub fn vgg16() -> Spec {
    spec("vgg16", DEPTHS_16, keras_names)
}

/// Keras's VGG19: sixteen convolutions.
pub fn vgg19_keras() -> Spec {
    spec("vgg19-keras", DEPTHS_19, keras_names)
}

fn keras_names(block: usize, number: usize) -> (String, Option<String>) {
    (format!("block{block}_conv{number}"), None)
}

impl Member {
    /// Five blocks (`block1` to `block5`).
    pub fn spec(&self) -> Spec {
        // torchvision numbers all layers, pools and activations among them.
        let mut place = 0;
        spec(self.name, self.depths, |block, number| {
            if block > 1 && number == 1 {
                place += 1; // the pool
            }
            let name = format!("features.{place}");
            let norm = self.is_normalised.then(|| format!("features.{}", place + 1));
            place += 2 + usize::from(self.is_normalised);
            (name, norm)
        })
    }
}

/// `names` gives those of a block's convolution, and of the normalisation behind it.
fn spec(
    name: &str,
    depths: [usize; 5],
    mut names: impl FnMut(usize, usize) -> (String, Option<String>),
) -> Spec {
    let mut input = 3;
    let blocks = CHANNELS.iter().zip(depths).zip(1..).map(|((&channels, depth), block)| {
        let mut layers = Vec::new();
        for number in 1..=depth {
            layers.push(convolution(names(block, number), input, channels));
            input = channels;
        }
        layers.push(Layer::MaxPool(MaxPool::tiling(2)));
        Block { name: format!("block{block}"), layers }
    });
    Spec { name: name.into(), blocks: blocks.collect(), last_block: "block5".into() }
}

fn convolution((name, norm): (String, Option<String>), input: usize, output: usize) -> Layer {
    Layer::Convolution(Convolution {
        name,
        input,
        output,
        kernel: 3,
        stride: 1,
        padding: Padding::Same,
        groups: 1,
        bias: true,
        norm: norm.map(|name| BatchNorm { name, epsilon: 1e-5 }),
        activation: Activation::Relu,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torchvisions_layers_are_numbered_as_there() {
        let names = |member: Member| -> Vec<String> {
            let spec = member.spec();
            let names = spec.all_layers().flat_map(Layer::parameters).map(|(name, _)| name);
            names.filter_map(|name| name.strip_suffix(".weight").map(String::from)).collect()
        };
        let numbers = [0, 3, 6, 8, 11, 13, 16, 18].map(|number| format!("features.{number}"));
        assert_eq!(names(VGG11), numbers);
        assert_eq!(names(VGG11_BN)[..6], [0, 1, 4, 5, 8, 9].map(|number| format!("features.{number}")));
    }
}
