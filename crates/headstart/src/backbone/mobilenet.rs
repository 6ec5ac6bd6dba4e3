//! MobileNetV3 (Howard et al. 2019, arXiv:1905.02244), large and small, without its classifier. Layers and tensor names are
//! torchvision's.

use super::inverted::{Bottleneck, Gate, Style};
use super::spec::{Activation, Spec};

const STYLE: Style = Style { epsilon: 1e-3 };

/// A bottleneck: kernel, channels within, output channels, gate, activation, stride.
type Row = (usize, usize, usize, bool, Activation, usize);

/// A member of the family.
pub struct Member {
    name: &'static str,
    /// Each with the bottlenecks from one halving of the maps to the next, or with other kernels or channels.
    blocks: &'static [&'static [Row]],
}

/// MobileNetV3-Large.
pub const LARGE: Member = Member { name: "mobilenet-v3-large", blocks: LARGE_BLOCKS };
/// MobileNetV3-Small.
pub const SMALL: Member = Member { name: "mobilenet-v3-small", blocks: SMALL_BLOCKS };

const SMALL_BLOCKS: &[&[Row]] = {
    use Activation::{HardSwish, Relu};
    &[
        &[(3, 16, 16, true, Relu, 2)],
        &[(3, 72, 24, false, Relu, 2), (3, 88, 24, false, Relu, 1)],
        &[
            (5, 96, 40, true, HardSwish, 2),
            (5, 240, 40, true, HardSwish, 1),
            (5, 240, 40, true, HardSwish, 1),
        ],
        &[(5, 120, 48, true, HardSwish, 1), (5, 144, 48, true, HardSwish, 1)],
        &[
            (5, 288, 96, true, HardSwish, 2),
            (5, 576, 96, true, HardSwish, 1),
            (5, 576, 96, true, HardSwish, 1),
        ],
    ]
};

const LARGE_BLOCKS: &[&[Row]] = {
    use Activation::{HardSwish, Relu};
    &[
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

impl Member {
    /// Stem, blocks of bottlenecks (`block1` and so on) and the last 1×1 convolution (`top`).
    pub fn spec(&self) -> Spec {
        let end = |name: &str, channels, kernel, stride| {
            STYLE.convolution(name, channels, kernel, stride, Activation::HardSwish)
        };
        let mut blocks = vec![STYLE.single("stem", end("features.0", (3, 16), 3, 2))];
        let (mut input, mut number) = (16, 0);
        for (index, rows) in self.blocks.iter().enumerate() {
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
        let top = end(&format!("features.{}", number + 1), (input, 6 * input), 1, 1);
        blocks.push(STYLE.single("top", top));
        let last_block = format!("block{}", self.blocks.len());
        Spec { name: self.name.into(), blocks, last_block }
    }
}

/// The nearest multiple of 8 that is no less than nine tenths of `channels`, as torchvision rounds them.
fn divisible_by_8(channels: usize) -> usize {
    let nearest = ((channels + 4) / 8 * 8).max(8);
    if 10 * nearest < 9 * channels { nearest + 8 } else { nearest }
}
