//! Convolutions and mobile blocks of VGG16, ResNet-50 and EfficientNet-Lite0 at 224 pixels,
//! batch 8, forward.
//!
//!     cargo bench -p headstart-kernels --bench layers

mod shapes;

use divan::Bencher;
use headstart_kernels::{Activation, Separable};
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
    let [expand, depthwise, project] = block.0;
    let packed = Separable::new(
        Some(expand.pack(Activation::Relu6)),
        depthwise.pack(Activation::Relu6),
        project.pack(Activation::Identity),
    );
    let shape = expand.shape(BATCH);
    let (input, mut output) = (draw(shape.len(), 2), vec![0.0; packed.output_shape(shape).len()]);
    bencher.bench_local(|| packed.forward(&input, shape, None, &mut output));
}

fn main() {
    divan::main();
}
