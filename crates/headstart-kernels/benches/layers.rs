//! Convolutions of VGG16 and EfficientNet-Lite0 at 224 pixels, batch 8, forward.
//!
//!     cargo bench -p headstart-kernels

use headstart_kernels::{Activation, Convolution, PackedConvolution, Padding, Shape};

const BATCH: usize = 8;

/// A layer with `same` padding: side of its input, channels, kernel, stride, groups.
#[derive(Clone, Copy)]
struct Layer {
    side: usize,
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    depthwise: bool,
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { side, input, output, kernel, stride, depthwise } = self;
        let kind = if *depthwise { "depthwise" } else { "full" };
        write!(f, "{side:03}² {input}→{output} {kernel}×{kernel}/{stride} {kind}")
    }
}

/// A layer ready to run.
struct Ready {
    packed: PackedConvolution,
    shape: Shape,
}

impl Layer {
    fn ready(self) -> Ready {
        let out = self.side.div_ceil(self.stride);
        let total = ((out - 1) * self.stride + self.kernel).saturating_sub(self.side);
        let (before, after) = (total / 2, total - total / 2);
        let geometry = Convolution {
            in_channels: self.input,
            out_channels: self.output,
            kernel: [self.kernel; 2],
            stride: [self.stride; 2],
            padding: Padding { top: before, bottom: after, left: before, right: after },
            groups: if self.depthwise { self.input } else { 1 },
        };
        let fan = self.input / geometry.groups * self.kernel * self.kernel;
        let weight = vec![0.01; self.output * fan];
        let packed = PackedConvolution::new(geometry, &weight, &vec![0.1; self.output], Activation::Relu6);
        let shape = Shape { batch: BATCH, height: self.side, width: self.side, channels: self.input };
        Ready { packed, shape }
    }
}

fn vgg16() -> Vec<Layer> {
    let mut input = 3;
    let mut layers = Vec::new();
    for (side, output, depth) in [(224, 64, 2), (112, 128, 2), (56, 256, 3), (28, 512, 3), (14, 512, 3)] {
        for _ in 0..depth {
            layers.push(Layer { side, input, output, kernel: 3, stride: 1, depthwise: false });
            input = output;
        }
    }
    layers
}

fn efficientnet_lite0() -> Vec<Layer> {
    let stages = [
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    ];
    let full =
        |side, input, output, kernel, stride| Layer { side, input, output, kernel, stride, depthwise: false };
    let mut layers = vec![full(224, 3, 32, 3, 2)];
    let (mut side, mut input) = (112, 32);
    for (repeats, kernel, first, expansion, output) in stages {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { first } else { 1 };
            let wide = input * expansion;
            if expansion > 1 {
                layers.push(full(side, input, wide, 1, 1));
            }
            layers.push(Layer { side, input: wide, output: wide, kernel, stride, depthwise: true });
            side = side.div_ceil(stride);
            layers.push(full(side, wide, output, 1, 1));
            input = output;
        }
    }
    layers.push(full(side, input, 1280, 1, 1));
    layers
}

fn run(bencher: divan::Bencher<'_, '_>, layers: &[Layer]) {
    let ready: Vec<Ready> = layers.iter().map(|layer| layer.ready()).collect();
    let longest = |length: fn(&Ready) -> usize| ready.iter().map(length).max().unwrap_or_default();
    // As in a plan, few buffers are used again and again.
    let mut output = vec![0.0; longest(|ready| ready.packed.output_shape(ready.shape).len())];
    let input = vec![0.5; longest(|ready| ready.shape.len())];
    bencher.bench_local(|| {
        for Ready { packed, shape } in &ready {
            let output = &mut output[..packed.output_shape(*shape).len()];
            packed.forward(&input[..shape.len()], *shape, None, output);
        }
    });
}

#[divan::bench(args = [vgg16(), efficientnet_lite0()].concat())]
fn layer(bencher: divan::Bencher<'_, '_>, layer: &Layer) {
    run(bencher, &[*layer]);
}

#[divan::bench]
fn vgg16_all(bencher: divan::Bencher<'_, '_>) {
    run(bencher, &vgg16());
}

#[divan::bench]
fn efficientnet_lite0_all(bencher: divan::Bencher<'_, '_>) {
    run(bencher, &efficientnet_lite0());
}

fn main() {
    divan::main();
}
