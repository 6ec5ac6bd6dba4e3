//! MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), without its classifier. Layers and tensor names are
//! torchvision's.

use super::inverted::Style;
use super::spec::{Activation, BatchNorm, Block, Convolution, Layer, Spec};

const STYLE: Style = Style { epsilon: 1e-5 };

/// One stage of inverted bottlenecks: repeats, stride of the first, expansion, output channels.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 1, 1, 16),
    (2, 2, 6, 24),
    (3, 2, 6, 32),
    (4, 2, 6, 64),
    (3, 1, 6, 96),
    (3, 2, 6, 160),
    (1, 1, 6, 320),
];

/// Stem, seven stages (`block1` to `block7`) and the last 1×1 convolution (`top`).
pub fn mobilenet_v2() -> Spec {
    let end = |name: &str, channels, kernel, stride| {
        STYLE.convolution(name, channels, kernel, stride, Activation::Relu6)
    };
    let mut blocks = vec![STYLE.single("stem", end("features.0", (3, 32), 3, 2))];
    let (mut input, mut number) = (32, 1);
    for (index, &(repeats, stride, expansion, output)) in STAGES.iter().enumerate() {
        let mut layers = Vec::new();
        for repeat in 0..repeats {
            let stride = if repeat == 0 { stride } else { 1 };
            let body = bottleneck(&format!("features.{number}.conv"), (input, output), stride, expansion);
            match stride == 1 && input == output {
                true => {
                    layers.push(Layer::Residual { body, shortcut: vec![], activation: Activation::Identity });
                }
                false => layers.extend(body),
            }
            (input, number) = (output, number + 1);
        }
        blocks.push(Block { name: format!("block{}", index + 1), layers });
    }
    blocks.push(STYLE.single("top", end(&format!("features.{number}"), (input, 1280), 1, 1)));
    Spec { name: "mobilenet-v2".into(), blocks, last_block: "block7".into() }
}

/// Expand (1×1) unless it is as wide already, filter each channel, project (1×1, linear). The last convolution and its
/// normalisation are numbered beside the first ones, not within a part of their own.
fn bottleneck(name: &str, (input, output): (usize, usize), stride: usize, expansion: usize) -> Vec<Layer> {
    let wide = input * expansion;
    let mut body = Vec::new();
    if expansion > 1 {
        body.push(STYLE.convolution(&format!("{name}.0"), (input, wide), 1, 1, Activation::Relu6));
    }
    let filter =
        STYLE.convolution(&format!("{name}.{}", body.len()), (wide, wide), 3, stride, Activation::Relu6);
    body.push(Convolution { groups: wide, ..filter });
    let place = body.len();
    body.push(Convolution {
        name: format!("{name}.{place}"),
        norm: Some(BatchNorm { name: format!("{name}.{}", place + 1), epsilon: STYLE.epsilon }),
        ..STYLE.convolution(name, (wide, output), 1, 1, Activation::Identity)
    });
    body.into_iter().map(Layer::Convolution).collect()
}
