//! Blocks of several layers against the layers, and pools.

mod common;

use common::{activate, activation, run_again, side, values, with_threads};
use headstart_kernels::{
    Activation, Convolution, PackedConvolution, Padding, Pool, Separable, Shape, SqueezeExcite,
    global_average_pool, max_pool,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A block in one go is its convolutions, and its gate, one after the other.
    #[test]
    fn separable(
        height in side(), width in side(), batch in 1usize..3, input in prop::sample::select(vec![1usize, 5, 16, 24]),
        wide in prop::sample::select(vec![16usize, 48, 96, 112, 208, 304]), output in prop::sample::select(vec![1usize, 3, 17, 40]),
        kernel in prop::sample::select(vec![3usize, 5]), stride in 1usize..3, lopsided in any::<bool>(),
        expansion in prop::sample::select(vec![None, Some((1usize, 1usize)), Some((3, 2)), Some((5, 1))]),
        (is_gated, has_residual) in any::<(bool, bool)>(), activation in activation(), seed in 1u64..1000,
    ) {
        let input = match expansion {
            None => wide,
            Some((1, _)) => input,
            Some(_) => input.min(5),
        };
        let pointwise = |in_channels, out_channels| Convolution {
            in_channels, out_channels, kernel: [1; 2], stride: [1; 2], padding: Padding::default(), groups: 1,
        };
        let half = kernel / 2;
        let before = half - usize::from(lopsided);
        let padding = Padding { top: before, bottom: half, left: before, right: half };
        let reduced = |side: usize| side.div_ceil(expansion.map_or(1, |(_, stride)| stride));
        prop_assume!(reduced(height) + before + half >= kernel && reduced(width) + before + half >= kernel);
        let depthwise = Convolution {
            in_channels: wide, out_channels: wide, kernel: [kernel; 2], stride: [stride; 2], padding, groups: wide,
        };
        let parts = || {
            let pack = |geometry: Convolution, activation, seed| {
                let fan = geometry.in_channels / geometry.groups * geometry.kernel[0] * geometry.kernel[1];
                let scale = 1.0 / (fan as f32).sqrt();
                let weight: Vec<f32> = values(geometry.out_channels * fan, seed).iter().map(|w| w * scale).collect();
                PackedConvolution::new(geometry, &weight, &values(geometry.out_channels, seed + 1), activation)
            };
            let expand = expansion.map(|(kernel, stride)| {
                let half = kernel / 2;
                let padding = Padding { top: half, bottom: half, left: half, right: half };
                let geometry = Convolution {
                    kernel: [kernel; 2], stride: [stride; 2], padding, ..pointwise(input, wide)
                };
                pack(geometry, activation, seed)
            });
            let gate = is_gated.then(|| {
                let reduce = pack(pointwise(wide, 7), Activation::Relu, seed + 8);
                SqueezeExcite::new(reduce, pack(pointwise(7, wide), Activation::Sigmoid, seed + 10))
            });
            let project = pack(pointwise(wide, output), Activation::Identity, seed + 4);
            (expand, pack(depthwise, activation, seed + 2), gate, project)
        };
        let shape = Shape { batch, height, width, channels: input };
        let image = values(shape.len(), seed + 6);
        let (expand, depthwise, gate, project) = parts();
        let wide_shape = expand.as_ref().map_or(shape, |expand| expand.output_shape(shape));
        let mut map = image.clone();
        if let Some(expand) = &expand {
            map = vec![0.0; wide_shape.len()];
            expand.forward(&image, shape, None, &mut map);
        }
        let deep_shape = depthwise.output_shape(wide_shape);
        let mut deep = vec![0.0; deep_shape.len()];
        depthwise.forward(&map, wide_shape, None, &mut deep);
        if let Some(gate) = gate {
            let map = deep.clone();
            gate.forward(&map, deep_shape, &mut deep);
        }
        let out = project.output_shape(deep_shape);
        let residual = has_residual.then(|| values(out.len(), seed + 7));
        let mut expected = vec![0.0; out.len()];
        project.forward(&deep, deep_shape, residual.as_deref(), &mut expected);

        let (expand, depthwise, gate, project) = parts();
        let block = Separable::new(expand, depthwise, gate, project);
        prop_assert_eq!(block.output_shape(shape), out);
        let run = |threads: usize| {
            let mut ours = vec![f32::NAN; out.len()];
            with_threads(threads, || block.forward(&image, shape, residual.as_deref(), &mut ours));
            ours
        };
        let ours = run(1);
        for (ours, expected) in ours.iter().zip(&expected) {
            prop_assert!((ours - expected).abs() < 2e-5, "{ours} {expected}");
        }
        prop_assert!(ours == run(2) && ours == run(3));
    }
}

/// Channels more than are summed at a time, and few.
#[test]
fn squeeze_and_excitation() {
    for (channels, narrow, inner, outer) in [
        (600, 24, Activation::Silu, Activation::Sigmoid),
        (72, 5, Activation::Relu, Activation::HardSigmoid),
        (1, 1, Activation::HardSwish, Activation::Identity),
    ] {
        let shape = Shape { batch: 3, height: 5, width: 7, channels };
        let image = values(shape.len(), 1);
        let layer = |input: usize, output: usize, seed| {
            let scale = (3.0 / input as f32).sqrt();
            let weight =
                values(input * output, seed).iter().map(|weight| weight * scale).collect::<Vec<f32>>();
            (weight, values(output, seed + 1))
        };
        let layers = [layer(channels, narrow, 2), layer(narrow, channels, 4)];
        let pack = |(weight, bias): &(Vec<f32>, Vec<f32>), activation| {
            let geometry = Convolution {
                in_channels: weight.len() / bias.len(),
                out_channels: bias.len(),
                kernel: [1; 2],
                stride: [1; 2],
                padding: Padding::default(),
                groups: 1,
            };
            PackedConvolution::new(geometry, weight, bias, activation)
        };
        let gate = SqueezeExcite::new(pack(&layers[0], inner), pack(&layers[1], outer));
        let run = |threads: usize| {
            let mut output = vec![f32::NAN; shape.len()];
            with_threads(threads, || gate.forward(&image, shape, &mut output));
            output
        };
        let ours = run(1);
        let through = |values: &[f64], (weight, bias): &(Vec<f32>, Vec<f32>), activation| -> Vec<f64> {
            let rows = weight.chunks_exact(values.len()).zip(bias);
            let sums = rows.map(|(row, bias)| {
                let products = row.iter().zip(values).map(|(weight, value)| f64::from(*weight) * value);
                products.sum::<f64>() + f64::from(*bias)
            });
            sums.map(|sum| activate(activation, sum)).collect()
        };
        for (ours, image) in ours.chunks_exact(35 * channels).zip(image.chunks_exact(35 * channels)) {
            let sum =
                |channel| image.iter().skip(channel).step_by(channels).map(|v| f64::from(*v)).sum::<f64>();
            let means: Vec<f64> = (0..channels).map(|channel| sum(channel) / 35.0).collect();
            let factors = through(&through(&means, &layers[0], inner), &layers[1], outer);
            for (index, (ours, value)) in ours.iter().zip(image).enumerate() {
                let expected = f64::from(*value) * factors[index % channels];
                assert!((f64::from(*ours) - expected).abs() < 1e-6, "{channels}: {ours} {expected}");
            }
        }
        assert!(ours == run(2) && ours == run(5));
    }
}

#[test]
fn pools() {
    let shape = Shape { batch: 1, height: 2, width: 5, channels: 1 };
    let input = [1.0, 5.0, -2.0, 0.0, 9.0, 3.0, 2.0, -1.0, -4.0, 9.0];
    let mut largest = [0.0; 2];
    max_pool(&input, shape, Pool::tiling(2), &mut largest);
    assert_eq!(largest, [5.0, 0.0]);
    let mut overlapping = [0.0; 3];
    max_pool(&input, shape, Pool { window: 3, stride: 2, padding: 1 }, &mut overlapping);
    assert_eq!(overlapping, [5.0, 5.0, 9.0]);
    let mut mean = [0.0];
    global_average_pool(&input, shape, &mut mean);
    assert!((mean[0] - 2.2).abs() < 1e-6);
    let square = Shape { batch: 1, height: 2, width: 2, channels: 1 };
    max_pool(&[1.0, f32::NAN, 3.0, 4.0], square, Pool::tiling(2), &mut mean);
    assert!(mean[0].is_nan());
}

#[test]
fn lesser_registers_compute_the_same() {
    run_again("lesser_registers_compute_the_same");
}
