//! Convolutions and mobile blocks of VGG16, ResNet-50 and EfficientNet-Lite0 at 224 pixels,
//! batch 8, forward.
//!
//!     cargo bench -p headstart-kernels --bench layers

mod shapes;

use divan::Bencher;
use headstart_kernels::{Activation, Separable, SqueezeExcite};
use shapes::{Block, Layer, draw};

const BATCH: usize = 8;

#[divan::bench(args = [shapes::vgg16(), shapes::resnet50(), vec![shapes::efficientnet_lite0_last()]].concat())]
fn convolution(bencher: Bencher<'_, '_>, layer: &Layer) {
    let (packed, shape) = (layer.pack(Activation::Relu), layer.shape(BATCH));
    let (input, mut output) = (draw(shape.len(), 2), vec![0.0; packed.output_shape(shape).len()]);
    bencher.bench_local(|| packed.forward(&input, shape, None, &mut output));
}

/// With the 2×2 pool that follows in VGG16.
#[divan::bench(args = shapes::vgg16())]
fn convolution_pooled(bencher: Bencher<'_, '_>, layer: &Layer) {
    let (packed, shape) = (layer.pack(Activation::Relu), layer.shape(BATCH));
    let (input, mut output) = (draw(shape.len(), 2), vec![0.0; packed.output_shape(shape).len() / 4]);
    bencher.bench_local(|| packed.forward_pooled(&input, shape, &mut output));
}

/// Each of a mobile block's depthwise convolutions by itself.
#[divan::bench(args = shapes::efficientnet_lite0().into_iter().map(|block| block.0[1]))]
fn depthwise(bencher: Bencher<'_, '_>, layer: &Layer) {
    convolution(bencher, layer);
}

#[divan::bench(args = shapes::efficientnet_lite0())]
fn mobile_block(bencher: Bencher<'_, '_>, block: &Block) {
    block_with(bencher, block, Activation::Relu6, None);
}

/// The same blocks in EfficientNet-B0.
#[divan::bench(args = shapes::efficientnet_lite0())]
fn gated_block(bencher: Bencher<'_, '_>, block: &Block) {
    let (wide, squeezed) = (block.0[1].input, (block.0[0].input / 4).max(8));
    let reduce = Layer::full(1, wide, squeezed, 1, 1).pack(Activation::Silu);
    let expand = Layer::full(1, squeezed, wide, 1, 1).pack(Activation::Sigmoid);
    block_with(bencher, block, Activation::Silu, Some(SqueezeExcite::new(reduce, expand)));
}

fn block_with(bencher: Bencher<'_, '_>, block: &Block, activation: Activation, gate: Option<SqueezeExcite>) {
    let [expand, depthwise, project] = block.0;
    let packed = Separable::new(
        Some(expand.pack(activation)),
        depthwise.pack(activation),
        gate,
        project.pack(Activation::Identity),
    );
    let shape = expand.shape(BATCH);
    let (input, mut output) = (draw(shape.len(), 2), vec![0.0; packed.output_shape(shape).len()]);
    bencher.bench_local(|| packed.forward(&input, shape, None, &mut output));
}

fn main() {
    divan::main();
}
