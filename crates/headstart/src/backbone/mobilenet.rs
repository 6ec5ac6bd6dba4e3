//! MobileNetV3-Large (Howard et al. 2019, arXiv:1905.02244), without its classifier. Layers and tensor names are
//! torchvision's.

use super::inverted::{Bottleneck, Gate, Style};
use super::spec::{Activation, Spec};

const STYLE: Style = Style { epsilon: 1e-3 };

/// A bottleneck: kernel, channels within, output channels, gate, activation, stride.
type Row = (usize, usize, usize, bool, Activation, usize);

/// Blocks, each with the bottlenecks from one halving of the maps to the next, or with other kernels.
const BLOCKS: [&[Row]; 6] = {
    use Activation::{HardSwish, Relu};
    [
        &[(3, 16, 16, false, Relu, 1)],
        &[(3, 64, 24, false, Relu, 2), (3, 72, 24, false, Relu, 1)],
        &[(5, 72, 40, true, Relu, 2), (5, 120, 40, true, Relu, 1), (5, 120, 40, true, Relu, 1)],
        &[
            (3, 240, 80, false, HardSwish, 2),
            (3, 200, 80, false, HardSwish, 1),
            (3, 184, 80, false, HardSwish, 1),
            (3, 184, 80, false, HardSwish, 1),
        ],
        &[(3, 480, 112, true, HardSwish, 1), (3, 672, 112, true, HardSwish, 1)],
        &[
            (5, 672, 160, true, HardSwish, 2),
            (5, 960, 160, true, HardSwish, 1),
            (5, 960, 160, true, HardSwish, 1),
        ],
    ]
};

/// Stem, six blocks of bottlenecks (`block1` to `block6`) and the last 1×1 convolution (`top`).
pub fn mobilenet_v3_large() -> Spec {
    let end = |name: &str, channels, kernel, stride| {
        STYLE.convolution(name, channels, kernel, stride, Activation::HardSwish)
    };
    let mut blocks = vec![STYLE.single("stem", end("features.0", (3, 16), 3, 2))];
    let (mut input, mut number) = (16, 0);
    for (index, rows) in BLOCKS.iter().enumerate() {
        let bottlenecks = rows.iter().map(|&(kernel, wide, output, is_gated, activation, stride)| {
            let gate = is_gated.then(|| Gate {
                squeezed: divisible_by_8(wide / 4),
                inner: Activation::Relu,
                outer: Activation::HardSigmoid,
            });
            number += 1;
            let shape = Bottleneck { input, wide, output, kernel, stride, gate, activation };
            input = output;
            (format!("features.{number}"), shape)
        });
        blocks.push(STYLE.block(format!("block{}", index + 1), bottlenecks));
    }
    blocks.push(STYLE.single("top", end("features.16", (input, 960), 1, 1)));
    Spec { name: "mobilenet-v3-large".into(), blocks, last_block: "block6".into() }
}

/// The nearest multiple of 8 that is no less than nine tenths of `channels`, as torchvision rounds them.
fn divisible_by_8(channels: usize) -> usize {
    let nearest = ((channels + 4) / 8 * 8).max(8);
    if 10 * nearest < 9 * channels { nearest + 8 } else { nearest }
}
