//! EfficientNets (Tan & Le 2019, arXiv:1905.11946), without their classifier: B0 to B4 with torchvision's layers and
//! tensor names, and Lite0 to Lite4, TensorFlow's variants with ReLU6 and without squeeze and excitation, with the tensor
//! names of the `efficientnet_lite_pytorch` package.

use super::inverted::{Bottleneck, Gate, Style};
use super::spec::{Activation, BatchNorm, Block, Convolution, Layer, Padding, Spec};

/// Batch normalisation's epsilon in TensorFlow's reference.
const EPSILON: f32 = 1e-3;
/// The same in torchvision's.
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

/// A member of either family, by what the first of it is multiplied with: in tenths, because such
/// fractions have no exact binary form.
pub struct Member {
    name: &'static str,
    /// Tenths of the first's channels.
    width: usize,
    /// Tenths of the first's repeats of each stage.
    depth: usize,
}

/// EfficientNet-B0.
pub const B0: Member = Member { name: "efficientnet-b0", width: 10, depth: 10 };
/// EfficientNet-B1.
pub const B1: Member = Member { name: "efficientnet-b1", width: 10, depth: 11 };
/// EfficientNet-B2.
pub const B2: Member = Member { name: "efficientnet-b2", width: 11, depth: 12 };
/// EfficientNet-B3.
pub const B3: Member = Member { name: "efficientnet-b3", width: 12, depth: 14 };
/// EfficientNet-B4.
pub const B4: Member = Member { name: "efficientnet-b4", width: 14, depth: 18 };
/// EfficientNet-Lite0.
pub const LITE0: Member = Member { name: "efficientnet-lite0", width: 10, depth: 10 };
/// EfficientNet-Lite1.
pub const LITE1: Member = Member { name: "efficientnet-lite1", width: 10, depth: 11 };
/// EfficientNet-Lite2.
pub const LITE2: Member = Member { name: "efficientnet-lite2", width: 11, depth: 12 };
/// EfficientNet-Lite3.
pub const LITE3: Member = Member { name: "efficientnet-lite3", width: 12, depth: 14 };
/// EfficientNet-Lite4.
pub const LITE4: Member = Member { name: "efficientnet-lite4", width: 14, depth: 18 };

/// EfficientNet-Lite0.
pub fn efficientnet_lite0() -> Spec {
    LITE0.lite()
}

/// EfficientNet-B0.
pub fn efficientnet_b0() -> Spec {
    B0.spec()
}

impl Member {
    /// So many times the channels, as a multiple of 8 that is no less than nine tenths of that.
    fn channels(&self, channels: usize) -> usize {
        let scaled = channels * self.width; // in tenths
        let nearest = ((scaled + 40) / 80 * 8).max(8);
        if 100 * nearest < 9 * scaled { nearest + 8 } else { nearest }
    }

    fn repeats(&self, repeats: usize) -> usize {
        (repeats * self.depth).div_ceil(10)
    }

    /// As TensorFlow's Lite: stem, seven stages (`block1` to `block7`) and the last 1×1 convolution (`top`). Stem and
    /// top, and the depths of the first stage and the last, are those of Lite0 in all of them.
    pub fn lite(&self) -> Spec {
        let stem = convolution("_conv_stem", "_bn0", (3, 32), 3, 2, 1, Activation::Relu6);
        let mut blocks = vec![Block { name: "stem".into(), layers: vec![stem] }];
        let (mut input, mut number) = (32, 0);
        for (index, &(repeats, kernel, stride, expansion, output)) in STAGES.iter().enumerate() {
            let is_at_an_end = index == 0 || index == STAGES.len() - 1;
            let repeats = if is_at_an_end { repeats } else { self.repeats(repeats) };
            let output = self.channels(output);
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
        Spec { name: self.name.into(), blocks, last_block: "block7".into() }
    }

    /// As torchvision's: stem, seven stages (`block1` to `block7`) and the last 1×1 convolution (`top`).
    pub fn spec(&self) -> Spec {
        let end = |name: &str, channels, kernel, stride| {
            STYLE.convolution(name, channels, kernel, stride, Activation::Silu)
        };
        let mut input = self.channels(32);
        let mut blocks = vec![STYLE.single("stem", end("features.0", (3, input), 3, 2))];
        for (index, &(repeats, kernel, stride, expansion, output)) in STAGES.iter().enumerate() {
            let output = self.channels(output);
            let bottlenecks = (0..self.repeats(repeats)).map(|repeat| {
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
        blocks.push(STYLE.single("top", end("features.8", (input, 4 * input), 1, 1)));
        Spec { name: self.name.into(), blocks, last_block: "block7".into() }
    }
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
