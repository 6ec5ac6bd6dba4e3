//! ResNet-50 (He et al. 2015, arXiv:1512.03385), without its classifier. Layers and tensor names are
//! torchvision's, whose bottlenecks have their stride on the 3×3 convolution ("v1.5").

use super::spec::{Activation, BatchNorm, Block, Convolution, Layer, MaxPool, Padding, Spec};

/// One stage of bottlenecks: repeats, channels within, stride of the first.
const STAGES: [(usize, usize, usize); 4] = [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)];
/// Channels of a bottleneck's output for each within.
const EXPANSION: usize = 4;

/// Stem and four stages (`layer1` to `layer4`).
pub fn resnet50() -> Spec {
    let stem = convolution("conv1", "bn1", (3, 64), 7, 2, Activation::Relu);
    let pool = Layer::MaxPool(MaxPool { window: 3, stride: Some(2), padding: 1 });
    let mut blocks = vec![Block { name: "stem".into(), layers: vec![stem, pool] }];
    let mut input = 64;
    for (index, &(repeats, narrow, stride)) in STAGES.iter().enumerate() {
        let name = format!("layer{}", index + 1);
        let mut layers = vec![bottleneck(&format!("{name}.0"), input, narrow, Some(stride))];
        input = EXPANSION * narrow;
        layers
            .extend((1..repeats).map(|repeat| bottleneck(&format!("{name}.{repeat}"), input, narrow, None)));
        blocks.push(Block { name, layers });
    }
    Spec { name: "resnet50".into(), blocks, last_block: "layer4".into() }
}

/// Reduce (1×1), filter (3×3), expand (1×1). A stage's first has a `stride`, and a shortcut that takes the
/// input to the same shape.
fn bottleneck(name: &str, input: usize, narrow: usize, stride: Option<usize>) -> Layer {
    let output = EXPANSION * narrow;
    let part = |number: usize, channels, kernel, stride, activation| {
        let (convolution_name, norm) = (format!("{name}.conv{number}"), format!("{name}.bn{number}"));
        convolution(&convolution_name, &norm, channels, kernel, stride, activation)
    };
    let shortcut = stride.map(|stride| {
        let name = format!("{name}.downsample");
        let channels = (input, output);
        convolution(&format!("{name}.0"), &format!("{name}.1"), channels, 1, stride, Activation::Identity)
    });
    Layer::Residual {
        body: vec![
            part(1, (input, narrow), 1, 1, Activation::Relu),
            part(2, (narrow, narrow), 3, stride.unwrap_or(1), Activation::Relu),
            part(3, (narrow, output), 1, 1, Activation::Identity),
        ],
        shortcut: shortcut.into_iter().collect(),
        activation: Activation::Relu,
    }
}

fn convolution(
    name: &str,
    norm: &str,
    (input, output): (usize, usize),
    kernel: usize,
    stride: usize,
    activation: Activation,
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
        norm: Some(BatchNorm { name: norm.into(), epsilon: 1e-5 }),
        activation,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_the_published_number_of_parameters() {
        // 25,557,032 with the classifier of 2048 × 1000 + 1000.
        assert_eq!(super::resnet50().parameter_count(), 25_557_032 - 2_049_000);
    }
}
