//! The convolutions of three nets at 224 pixels, as benches and the roofline time them.

use std::fmt::{Display, Formatter, Result};

use headstart_kernels::{Activation, Convolution, PackedConvolution, Padding, Shape};

/// A convolution: side of its input, channels, kernel, stride, groups. Its padding is half a kernel, as ResNet-50's, where
/// it is depthwise as much as TensorFlow's `same` is, as EfficientNet-Lite0's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    pub side: usize,
    pub input: usize,
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub depthwise: bool,
}

impl Display for Layer {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { side, input, output, kernel, stride, depthwise } = self;
        let kind = if *depthwise { "depthwise" } else { "full" };
        write!(f, "{side:03}² {input}→{output} {kernel}×{kernel}/{stride} {kind}")
    }
}

impl Layer {
    pub fn full(side: usize, input: usize, output: usize, kernel: usize, stride: usize) -> Self {
        Self { side, input, output, kernel, stride, depthwise: false }
    }

    pub fn geometry(self) -> Convolution {
        let out = self.side.div_ceil(self.stride);
        let total = ((out - 1) * self.stride + self.kernel).saturating_sub(self.side);
        let half = self.kernel / 2;
        let (before, after) = if self.depthwise { (total / 2, total - total / 2) } else { (half, half) };
        Convolution {
            in_channels: self.input,
            out_channels: self.output,
            kernel: [self.kernel; 2],
            stride: [self.stride; 2],
            padding: Padding { top: before, bottom: after, left: before, right: after },
            groups: if self.depthwise { self.input } else { 1 },
        }
    }

    /// Shape of a batch of its input.
    pub fn shape(self, batch: usize) -> Shape {
        Shape { batch, height: self.side, width: self.side, channels: self.input }
    }

    /// Drawn weights that keep the size of what goes through.
    pub fn weight(self) -> Vec<f32> {
        let fan = if self.depthwise { 1 } else { self.input } * self.kernel * self.kernel;
        let scale = (6.0 / fan as f32).sqrt();
        draw(self.output * fan, 1).iter().map(|value| value * scale).collect()
    }

    pub fn pack(self, activation: Activation) -> PackedConvolution {
        PackedConvolution::new(self.geometry(), &self.weight(), &vec![0.1; self.output], activation)
    }
}

/// Seeded values in -1..1.
pub fn draw(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..length).map(next).collect()
}

pub fn vgg16() -> Vec<Layer> {
    let mut input = 3;
    let mut layers = Vec::new();
    for (side, output, depth) in [(224, 64, 2), (112, 128, 2), (56, 256, 3), (28, 512, 3), (14, 512, 3)] {
        for _ in 0..depth {
            layers.push(Layer::full(side, input, output, 3, 1));
            input = output;
        }
    }
    layers
}

/// The shapes of ResNet-50; those that occur again are left out.
pub fn resnet50() -> Vec<Layer> {
    let mut layers = vec![Layer::full(224, 3, 64, 7, 2)];
    let (mut input, mut side) = (64, 56);
    for (narrow, stride) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
        let out = side / stride;
        layers.push(Layer::full(side, input, narrow, 1, 1));
        layers.push(Layer::full(side, narrow, narrow, 3, stride));
        layers.push(Layer::full(side, input, 4 * narrow, 1, stride));
        layers.push(Layer::full(out, narrow, 4 * narrow, 1, 1));
        layers.push(Layer::full(out, 4 * narrow, narrow, 1, 1));
        layers.push(Layer::full(out, narrow, narrow, 3, 1));
        (input, side) = (4 * narrow, out);
    }
    let mut seen = Vec::new();
    layers.retain(|layer| {
        !seen.contains(layer) && {
            seen.push(*layer);
            true
        }
    });
    layers
}

/// A mobile block: expansion or first convolution, depthwise convolution, projection.
#[derive(Debug, Clone, Copy)]
pub struct Block(pub [Layer; 3]);

impl Display for Block {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let [expand, depthwise, project] = self.0;
        let (side, input, wide, output) = (expand.side, expand.input, depthwise.input, project.output);
        write!(
            f,
            "{side:03}² {input}→{wide}→{output} {}×{}/{}",
            depthwise.kernel, depthwise.kernel, depthwise.stride
        )
    }
}

/// EfficientNet-Lite0's blocks, the first convolution being part of the first.
pub fn efficientnet_lite0() -> Vec<Block> {
    let stages = [
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    ];
    let mut blocks = Vec::new();
    let (mut side, mut input) = (112, 32);
    for (repeats, kernel, first, expansion, output) in stages {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { first } else { 1 };
            let wide = input * expansion;
            let expand = match blocks.is_empty() {
                true => Layer::full(224, 3, 32, 3, 2),
                false => Layer::full(side, input, wide, 1, 1),
            };
            let depthwise = Layer { side, input: wide, output: wide, kernel, stride, depthwise: true };
            side = side.div_ceil(stride);
            blocks.push(Block([expand, depthwise, Layer::full(side, wide, output, 1, 1)]));
            input = output;
        }
    }
    blocks
}

/// EfficientNet-Lite0's last convolution.
pub fn efficientnet_lite0_last() -> Layer {
    Layer::full(7, 320, 1280, 1, 1)
}
