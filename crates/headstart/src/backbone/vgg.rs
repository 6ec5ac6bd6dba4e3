//! VGG16 (Simonyan & Zisserman 2014, arXiv:1409.1556, configuration D), without its top.
//! Tensor names are Keras's: `blockB_convC.weight`, `.bias`.

use super::spec::{Activation, Block, Convolution, Layer, MaxPool, Padding, Spec};

/// Channels and number of convolutions of each block; a 2×2 max-pool ends each.
const BLOCKS: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];

/// VGG16's thirteen convolutions in five blocks.
pub fn vgg16() -> Spec {
    let mut input = 3;
    let blocks = BLOCKS.iter().enumerate().map(|(index, &(channels, depth))| {
        let name = format!("block{}", index + 1);
        let mut layers = Vec::new();
        for number in 1..=depth {
            layers.push(convolution(format!("{name}_conv{number}"), input, channels));
            input = channels;
        }
        layers.push(Layer::MaxPool(MaxPool::tiling(2)));
        Block { name, layers }
    });
    Spec { name: "vgg16".into(), blocks: blocks.collect(), last_block: "block5".into() }
}

fn convolution(name: String, input: usize, output: usize) -> Layer {
    Layer::Convolution(Convolution {
        name,
        input,
        output,
        kernel: 3,
        stride: 1,
        padding: Padding::Same,
        groups: 1,
        bias: true,
        norm: None,
        activation: Activation::Relu,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_the_published_number_of_parameters() {
        assert_eq!(super::vgg16().parameter_count(), 14_714_688);
    }
}
