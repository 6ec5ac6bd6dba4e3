//! What part of the CPU's multiply-adds each kernel reaches, and how exact it is: a table in
//! Markdown. One thread, batch 8; the least time of several.
//!
//!     cargo run --release -p headstart-kernels --example roofline

#[path = "../benches/shapes/mod.rs"]
#[allow(dead_code)]
mod shapes;

use std::hint::black_box;
use std::time::Instant;

use headstart_kernels::{Activation, Separable, Shape};
use shapes::{Block, Layer, draw};

const BATCH: usize = 8;
const RUNS: usize = 7;
/// Outputs that are computed again in f64.
const CHECKED: usize = 200;

/// Seconds of the fastest run.
fn least(mut run: impl FnMut()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

/// Independent chains of multiply-adds in registers: gigaFLOP a second, the CPU's peak.
#[cfg(target_arch = "x86_64")]
fn peak() -> f64 {
    use std::arch::x86_64::*;
    const ROUNDS: usize = 1_000_000;
    /// So many chains in registers of so many lanes.
    macro_rules! chains {
        ($name:ident, $features:literal, $chains:literal, $set:ident, $multiply_add:ident, $add:ident, $first:expr) => {
            #[target_feature(enable = $features)]
            fn $name() -> f32 {
                let (factor, term) = ($set(black_box(0.5)), $set(black_box(0.25)));
                let mut chains = [term; $chains];
                for _ in 0..ROUNDS {
                    for chain in &mut chains {
                        *chain = $multiply_add(*chain, factor, term);
                    }
                }
                $first(chains.into_iter().fold($set(0.0), |sum, chain| $add(sum, chain)))
            }
        };
    }
    chains!(wide, "avx512f", 12, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps, _mm512_cvtss_f32);
    chains!(narrow, "avx2,fma", 12, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_add_ps, _mm256_cvtss_f32);
    let (run, lanes, chains): (unsafe fn() -> f32, _, _) = if is_x86_feature_detected!("avx512f") {
        (wide, 16, 12)
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        (narrow, 8, 12)
    } else {
        return f64::NAN;
    };
    // SAFETY: the CPU has the instructions.
    let seconds = (0..10).map(|_| least(|| _ = black_box(unsafe { run() }))).fold(f64::INFINITY, f64::min);
    (2 * lanes * chains * ROUNDS) as f64 / seconds / 1e9
}

#[cfg(not(target_arch = "x86_64"))]
fn peak() -> f64 {
    f64::NAN
}

/// Gigabytes a second of reading more than any cache holds.
fn bandwidth() -> f64 {
    let values = vec![1.0f32; 1 << 27];
    let seconds = least(|| {
        let sums = values.chunks_exact(64).fold([0.0f32; 64], |mut sums, chunk| {
            sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
            sums
        });
        black_box(sums);
    });
    (values.len() * 4) as f64 / seconds / 1e9
}

/// Multiply-adds that the kernel does, and its name.
fn work(layer: Layer) -> (&'static str, usize) {
    let out = layer.side.div_ceil(layer.stride);
    let fan = if layer.depthwise { 1 } else { layer.input } * layer.kernel * layer.kernel;
    let direct = BATCH * out * out * layer.output * fan;
    let wide = layer.input.is_multiple_of(16) && layer.output.is_multiple_of(16);
    // Of tiles of four outputs, those that would reach over the border have three: of six points five are left, at
    // stride 2 of nine seven.
    let (tiles, over) = (out.div_ceil(4), out.next_multiple_of(4) - out);
    let side = if layer.stride == 1 { 6 } else { 9 };
    let points = BATCH * (side * tiles - layer.stride * over.min(tiles)).pow(2);
    match (layer.depthwise, layer.kernel, layer.stride) {
        (true, ..) => ("depthwise", direct),
        (_, 3, _) if wide => ("Winograd", points * layer.input * layer.output),
        (_, 1, 1) => ("1×1", direct),
        _ if layer.input < 16 => ("few channels", direct),
        _ => ("gathered", direct),
    }
}

/// The largest error of some outputs against f64, over the outputs' root mean square.
fn error(layer: Layer, input: &[f32], shape: Shape, output: &[f32]) -> f64 {
    let (geometry, weight) = (layer.geometry(), layer.weight());
    let out = geometry.output_shape(shape);
    let fan = weight.len() / layer.output;
    let taps = layer.kernel * layer.kernel;
    let mean: f64 = output.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / output.len() as f64;
    let mut worst = 0.0f64;
    for index in 0..CHECKED {
        let place = index * 7919 * 13 % output.len();
        let (channel, pixel) = (place % out.channels, place / out.channels);
        let (x, y, image) =
            (pixel % out.width, pixel / out.width % out.height, pixel / out.width / out.height);
        let mut sum = f64::from(0.1f32);
        for (tap, weight) in weight[channel * fan..][..fan].iter().enumerate() {
            let from = if layer.depthwise { channel } else { tap / taps };
            let row = (y * layer.stride + tap % taps / layer.kernel).checked_sub(geometry.padding.top);
            let column = (x * layer.stride + tap % layer.kernel).checked_sub(geometry.padding.left);
            if let (Some(row), Some(column)) = (row, column)
                && row < layer.side
                && column < layer.side
            {
                let value = input[((image * layer.side + row) * layer.side + column) * layer.input + from];
                sum += f64::from(value) * f64::from(*weight);
            }
        }
        worst = worst.max((sum - f64::from(output[place])).abs());
    }
    worst / mean.sqrt()
}

fn convolution(layer: Layer, peak: f64) {
    let (packed, shape) = (layer.pack(Activation::Identity), layer.shape(BATCH));
    let (input, mut output) = (draw(shape.len(), 2), vec![0.0; packed.output_shape(shape).len()]);
    let seconds = least(|| packed.forward(&input, shape, None, &mut output));
    let (kernel, count) = work(layer);
    let rate = 2.0 * count as f64 / seconds / 1e9;
    let error = error(layer, &input, shape, &output);
    println!(
        "| {layer} | {kernel} | {:.2} | {rate:.0} | {:.0} % | {error:.1e} |",
        1e3 * seconds,
        100.0 * rate / peak
    );
}

fn block(block: Block, peak: f64) {
    let [expand, depthwise, project] = block.0;
    let packed = Separable::new(
        Some(expand.pack(Activation::Relu6)),
        depthwise.pack(Activation::Relu6),
        None,
        project.pack(Activation::Identity),
    );
    let shape = expand.shape(BATCH);
    let (input, mut output) = (draw(shape.len(), 2), vec![0.0; packed.output_shape(shape).len()]);
    let seconds = least(|| packed.forward(&input, shape, None, &mut output));
    let count: usize = block.0.iter().map(|layer| work(*layer).1).sum();
    let rate = 2.0 * count as f64 / seconds / 1e9;
    println!(
        "| {block} | mobile block | {:.2} | {rate:.0} | {:.0} % | |",
        1e3 * seconds,
        100.0 * rate / peak
    );
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first thread pool");
    let peak = peak();
    println!(
        "multiply-adds in registers: {peak:.0} GFLOP/s; memory read: {:.0} GB/s; one thread\n",
        bandwidth()
    );
    println!(
        "| layer, batch {BATCH} | kernel | ms | GFLOP/s | of the peak | f32 error |\n|---|---|---|---|---|---|"
    );
    shapes::vgg16().into_iter().chain(shapes::resnet50()).for_each(|layer| convolution(layer, peak));
    shapes::efficientnet_lite0().into_iter().for_each(|layers| block(layers, peak));
    shapes::efficientnet_lite0().into_iter().step_by(3).for_each(|layers| convolution(layers.0[1], peak));
    convolution(shapes::efficientnet_lite0_last(), peak);
}
