//! What a training step of two tails comes down to: VGG16's block5 with the Keras head, batch 8,
//! and EfficientNet-Lite0's last stage, batch 32.
//!
//!     cargo bench -p headstart-kernels --bench training

use headstart_kernels::{
    Activation, Adam, Convolution, PackedConvolution, Padding, Shape, adam, dense, gradient,
};

/// A layer at stride 1: batch, side, channels, kernel.
#[derive(Clone, Copy)]
struct Layer {
    batch: usize,
    side: usize,
    input: usize,
    output: usize,
    kernel: usize,
    depthwise: bool,
}

const LAYERS: [Layer; 5] = [
    Layer { batch: 8, side: 14, input: 512, output: 512, kernel: 3, depthwise: false },
    Layer { batch: 32, side: 7, input: 192, output: 1152, kernel: 1, depthwise: false },
    Layer { batch: 32, side: 7, input: 1152, output: 1152, kernel: 3, depthwise: true },
    Layer { batch: 32, side: 7, input: 1152, output: 320, kernel: 1, depthwise: false },
    Layer { batch: 32, side: 7, input: 320, output: 1280, kernel: 1, depthwise: false },
];

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { batch, side, input, output, kernel, .. } = self;
        write!(f, "{batch} of {side}² {input}→{output} {kernel}×{kernel}")
    }
}

/// A layer's geometry and tensors.
struct Ready {
    geometry: Convolution,
    shape: Shape,
    input: Vec<f32>,
    weight: Vec<f32>,
    gradient: Vec<f32>,
}

impl Layer {
    fn ready(&self) -> Ready {
        let half = self.kernel / 2;
        let geometry = Convolution {
            in_channels: self.input,
            out_channels: self.output,
            kernel: [self.kernel; 2],
            stride: [1; 2],
            padding: Padding { top: half, bottom: half, left: half, right: half },
            groups: if self.depthwise { self.input } else { 1 },
        };
        let shape = Shape { batch: self.batch, height: self.side, width: self.side, channels: self.input };
        let fan = self.input / geometry.groups * self.kernel * self.kernel;
        Ready {
            geometry,
            shape,
            input: vec![0.5; shape.len()],
            weight: vec![0.01; self.output * fan],
            gradient: vec![0.1; geometry.output_shape(shape).len()],
        }
    }
}

/// With the weights packed, as they change with each step.
#[divan::bench(args = LAYERS)]
fn forward(bencher: divan::Bencher<'_, '_>, layer: &Layer) {
    let Ready { geometry, shape, input, weight, mut gradient } = layer.ready();
    let bias = vec![0.1; layer.output];
    bencher.bench_local(|| {
        let packed = PackedConvolution::new(geometry, &weight, &bias, Activation::Relu);
        packed.forward(&input, shape, None, &mut gradient);
    });
}

#[divan::bench(args = LAYERS)]
fn pack(bencher: divan::Bencher<'_, '_>, layer: &Layer) {
    let Ready { geometry, weight, .. } = layer.ready();
    let bias = vec![0.1; layer.output];
    bencher.bench_local(|| PackedConvolution::new(geometry, &weight, &bias, Activation::Relu));
}

#[divan::bench(args = LAYERS)]
fn input_gradient(bencher: divan::Bencher<'_, '_>, layer: &Layer) {
    let Ready { geometry, shape, mut input, weight, gradient } = layer.ready();
    bencher.bench_local(|| gradient::convolution_input(&geometry, &weight, &gradient, shape, &mut input));
}

#[divan::bench(args = LAYERS)]
fn weight_gradient(bencher: divan::Bencher<'_, '_>, layer: &Layer) {
    let Ready { geometry, shape, input, mut weight, gradient } = layer.ready();
    bencher.bench_local(|| gradient::convolution_weight(&geometry, &input, shape, &gradient, &mut weight));
}

#[divan::bench(args = LAYERS)]
fn bias_and_activation(bencher: divan::Bencher<'_, '_>, layer: &Layer) {
    let Ready { mut gradient, .. } = layer.ready();
    let (output, mut bias) = (gradient.clone(), vec![0.0; layer.output]);
    bencher.bench_local(|| {
        gradient::activation_and_bias(Activation::Relu, &output, &mut gradient, &mut bias);
    });
}

const BATCH: usize = 8;
const INPUTS: usize = 25_088;
const OUTPUTS: usize = 128;

#[divan::bench]
fn dense_forward(bencher: divan::Bencher<'_, '_>) {
    let (input, weight, bias) = (vec![0.5; BATCH * INPUTS], vec![0.1; INPUTS * OUTPUTS], [0.0; OUTPUTS]);
    let mut output = vec![0.0; BATCH * OUTPUTS];
    bencher.bench_local(|| dense(&input, &weight, &bias, Activation::Relu, &mut output));
}

#[divan::bench]
fn dense_input_gradient(bencher: divan::Bencher<'_, '_>) {
    let (weight, gradient) = (vec![0.1; INPUTS * OUTPUTS], vec![0.1; BATCH * OUTPUTS]);
    let mut input = vec![0.0; BATCH * INPUTS];
    bencher.bench_local(|| gradient::dense_input(&weight, &gradient, BATCH, &mut input));
}

#[divan::bench]
fn dense_weight_gradient(bencher: divan::Bencher<'_, '_>) {
    let (input, gradient) = (vec![0.5; BATCH * INPUTS], vec![0.1; BATCH * OUTPUTS]);
    let mut weight = vec![0.0; INPUTS * OUTPUTS];
    bencher.bench_local(|| gradient::dense_weight(&input, &gradient, BATCH, &mut weight));
}

/// As many values as block5 and the head have.
#[divan::bench]
fn adam_step(bencher: divan::Bencher<'_, '_>) {
    let step = Adam { rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, keep: 1.0 };
    let length = 3 * 512 * 512 * 9 + INPUTS * OUTPUTS;
    let [mut values, gradient, mut first, mut second] = [(); 4].map(|()| vec![0.1; length]);
    bencher.bench_local(|| adam(step, &mut values, &gradient, &mut first, &mut second));
}

fn main() {
    divan::main();
}
