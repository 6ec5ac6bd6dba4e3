//! EfficientNet (Tan & Le 2019, arXiv:1905.11946), without its classifier: B0 with torchvision's layers and tensor
//! names, and Lite0, TensorFlow's variant with ReLU6 and without squeeze and excitation, with the tensor names of the
//! `efficientnet_lite_pytorch` package.

use super::inverted::{Bottleneck, Gate, Style};
use super::spec::{Activation, BatchNorm, Block, Convolution, Layer, Padding, Spec};

/// Batch normalisation's epsilon in TensorFlow's reference.
const EPSILON: f32 = 1e-3;
/// The same in torchvision's B0.
const STYLE: Style = Style { epsilon: 1e-5 };

/// One stage of inverted bottlenecks: repeats, kernel, stride of the first, expansion, output channels.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
];

/// Stem, seven stages (`block1` to `block7`) and the last 1×1 convolution (`top`).
pub fn efficientnet_lite0() -> Spec {
    let stem = convolution("_conv_stem", "_bn0", (3, 32), 3, 2, 1, Activation::Relu6);
    let mut blocks = vec![Block { name: "stem".into(), layers: vec![stem] }];
    let (mut input, mut number) = (32, 0);
    for (index, &(repeats, kernel, stride, expansion, output)) in STAGES.iter().enumerate() {
        let mut layers = Vec::new();
        for repeat in 0..repeats {
            let stride = if repeat == 0 { stride } else { 1 };
            let body = bottleneck(number, (input, output), kernel, stride, expansion);
            if stride == 1 && input == output {
                layers.push(Layer::Residual { body, shortcut: vec![], activation: Activation::Identity });
            } else {
                layers.extend(body);
            }
            (input, number) = (output, number + 1);
        }
        blocks.push(Block { name: format!("block{}", index + 1), layers });
    }
    let top = convolution("_conv_head", "_bn1", (input, 1280), 1, 1, 1, Activation::Relu6);
    blocks.push(Block { name: "top".into(), layers: vec![top] });
    Spec { name: "efficientnet-lite0".into(), blocks, last_block: "block7".into() }
}

/// Stem, seven stages (`block1` to `block7`) and the last 1×1 convolution (`top`).
pub fn efficientnet_b0() -> Spec {
    let end = |name: &str, channels, kernel, stride| {
        STYLE.convolution(name, channels, kernel, stride, Activation::Silu)
    };
    let mut blocks = vec![STYLE.single("stem", end("features.0", (3, 32), 3, 2))];
    let mut input = 32;
    for (index, &(repeats, kernel, stride, expansion, output)) in STAGES.iter().enumerate() {
        let bottlenecks = (0..repeats).map(|repeat| {
            let gate = Gate { squeezed: input / 4, inner: Activation::Silu, outer: Activation::Sigmoid };
            let shape = Bottleneck {
                input,
                wide: input * expansion,
                output,
                kernel,
                stride: if repeat == 0 { stride } else { 1 },
                gate: Some(gate),
                activation: Activation::Silu,
            };
            input = output;
            (format!("features.{}.{repeat}", index + 1), shape)
        });
        blocks.push(STYLE.block(format!("block{}", index + 1), bottlenecks));
    }
    blocks.push(STYLE.single("top", end("features.8", (input, 1280), 1, 1)));
    Spec { name: "efficientnet-b0".into(), blocks, last_block: "block7".into() }
}

/// Expand (1×1), filter each channel, project (1×1, linear).
fn bottleneck(
    number: usize,
    (input, output): (usize, usize),
    kernel: usize,
    stride: usize,
    expansion: usize,
) -> Vec<Layer> {
    let name = |part: &str| format!("_blocks.{number}.{part}");
    let wide = input * expansion;
    let mut layers = Vec::new();
    if expansion > 1 {
        let channels = (input, wide);
        layers.push(convolution(&name("_expand_conv"), &name("_bn0"), channels, 1, 1, 1, Activation::Relu6));
    }
    let depthwise = name("_depthwise_conv");
    layers.push(convolution(
        &depthwise,
        &name("_bn1"),
        (wide, wide),
        kernel,
        stride,
        wide,
        Activation::Relu6,
    ));
    let project = name("_project_conv");
    layers.push(convolution(&project, &name("_bn2"), (wide, output), 1, 1, 1, Activation::Identity));
    layers
}

fn convolution(
    name: &str,
    norm: &str,
    (input, output): (usize, usize),
    kernel: usize,
    stride: usize,
    groups: usize,
    activation: Activation,
) -> Layer {
    Layer::Convolution(Convolution {
        name: name.into(),
        input,
        output,
        kernel,
        stride,
        padding: Padding::Same,
        groups,
        bias: false,
        norm: Some(BatchNorm { name: norm.into(), epsilon: EPSILON }),
        activation,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_the_published_number_of_parameters() {
        // Without the classifier of 1280 × 1000 + 1000.
        assert_eq!(super::efficientnet_lite0().parameter_count(), 4_652_008 - 1_281_000);
        assert_eq!(super::efficientnet_b0().parameter_count(), 5_288_548 - 1_281_000);
    }
}
