//! Every algorithm against a plain loop in f64, on odd shapes.

mod levels;

use headstart_kernels::{
    Activation, Convolution, PackedConvolution, Padding, Pool, Separable, Shape, SqueezeExcite,
    global_average_pool, max_pool,
};
use proptest::prelude::*;

/// Seeded values in -1..1.
fn values(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

fn plain(
    geometry: &Convolution,
    input: &[f32],
    shape: Shape,
    weight: &[f32],
    bias: &[f32],
    residual: &[f32],
    activation: Activation,
) -> Vec<f32> {
    let out = geometry.output_shape(shape);
    let fan = geometry.in_channels / geometry.groups;
    let per_group = geometry.out_channels / geometry.groups;
    let mut output = vec![0.0; out.len()];
    for (place, slot) in output.iter_mut().enumerate() {
        let channel = place % out.channels;
        let x = place / out.channels % out.width;
        let y = place / out.channels / out.width % out.height;
        let image = place / out.channels / out.width / out.height;
        let mut sum = f64::from(bias[channel]) + f64::from(residual[place]);
        for row in 0..geometry.kernel[0] {
            for column in 0..geometry.kernel[1] {
                let (Some(y), Some(x)) = (
                    (y * geometry.stride[0] + row).checked_sub(geometry.padding.top),
                    (x * geometry.stride[1] + column).checked_sub(geometry.padding.left),
                ) else {
                    continue;
                };
                if y >= shape.height || x >= shape.width {
                    continue;
                }
                for input_channel in 0..fan {
                    let source = channel / per_group * fan + input_channel;
                    let pixel = ((image * shape.height + y) * shape.width + x) * shape.channels + source;
                    let tap =
                        ((channel * fan + input_channel) * geometry.kernel[0] + row) * geometry.kernel[1];
                    sum += f64::from(input[pixel]) * f64::from(weight[tap + column]);
                }
            }
        }
        *slot = activate(activation, sum) as f32;
    }
    output
}

fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
    }
}

/// Largest difference over the size of the sums that it comes from.
fn check(geometry: Convolution, shape: Shape, activation: Activation, seed: u64) -> f32 {
    let fan = geometry.in_channels / geometry.groups * geometry.kernel[0] * geometry.kernel[1];
    let input = values(shape.len(), seed);
    let weight = values(geometry.out_channels * fan, seed + 1);
    let bias = values(geometry.out_channels, seed + 2);
    let out = geometry.output_shape(shape);
    let residual = values(out.len(), seed + 3);
    let mut output = vec![f32::NAN; out.len()];
    let packed = PackedConvolution::new(geometry, &weight, &bias, activation);
    packed.forward(&input, shape, Some(&residual), &mut output);
    let expected = plain(&geometry, &input, shape, &weight, &bias, &residual, activation);
    let largest = output
        .iter()
        .zip(&expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |a: f32, b| if b.is_nan() { f32::NAN } else { a.max(b) });
    largest / (fan as f32).sqrt()
}

fn side() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 2, 3, 5, 7, 11, 13])
}

fn odd() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 3, 5, 7])
}

fn activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(Activation::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_kernel(
        height in side(), width in side(), batch in 1usize..3, kernel in [odd(), odd()],
        stride in 1usize..3, input in prop::sample::select(vec![1usize, 3, 5, 17]),
        output in prop::sample::select(vec![1usize, 3, 17, 33]), activation in activation(), seed in 1u64..1000,
    ) {
        let [half_height, half_width] = kernel.map(|kernel| kernel / 2);
        let padding = Padding { top: half_height, bottom: half_height, left: half_width, right: half_width };
        let geometry = Convolution {
            in_channels: input, out_channels: output, kernel, stride: [stride; 2], padding, groups: 1,
        };
        let error = check(geometry, Shape { batch, height, width, channels: input }, activation, seed);
        prop_assert!(error < 2e-6, "{error}");
    }

    #[test]
    fn winograd(
        height in side(), width in side(), batch in 1usize..4, input in prop::sample::select(vec![16usize, 48, 272]),
        stride in 1usize..3, output in prop::sample::select(vec![16usize, 32, 80]), activation in activation(), seed in 1u64..1000,
    ) {
        let padding = Padding { top: 1, bottom: 1, left: 1, right: 1 };
        let geometry = Convolution {
            in_channels: input, out_channels: output, kernel: [3; 2], stride: [stride; 2], padding, groups: 1,
        };
        let error = check(geometry, Shape { batch, height, width, channels: input }, activation, seed);
        // The largest output of one case in thousands is 2.3e-5 off.
        prop_assert!(error < 3e-5, "{error}");
    }

    /// Kernels that are transformed where they are used give what packed ones give; so does the
    /// batch that is too large for it.
    #[test]
    fn used_once(
        side in prop::sample::select(vec![1usize, 5, 14, 60]), input in prop::sample::select(vec![16usize, 128, 272]),
        output in prop::sample::select(vec![16usize, 48, 80]), activation in activation(), seed in 1u64..1000,
    ) {
        let padding = Padding { top: 1, bottom: 1, left: 1, right: 1 };
        let geometry = Convolution {
            in_channels: input, out_channels: output, kernel: [3; 2], stride: [1; 2], padding, groups: 1,
        };
        let shape = Shape { batch: 1, height: side, width: side, channels: input };
        let scale = 1.0 / (input as f32 * 9.0).sqrt();
        let weight: Vec<f32> = values(output * input * 9, seed).iter().map(|weight| weight * scale).collect();
        let (image, bias) = (values(shape.len(), seed + 1), values(output, seed + 2));
        let packed = PackedConvolution::new(geometry, &weight, &bias, activation);
        let mut expected = vec![0.0; packed.output_shape(shape).len()];
        packed.forward(&image, shape, None, &mut expected);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let mut ours = vec![f32::NAN; expected.len()];
            pool.install(|| {
                PackedConvolution::forward_once(geometry, (&weight, &bias), activation, (&image, shape), &mut ours);
            });
            ours
        };
        let ours = run(1);
        // Either is up to 2e-5 off, as `winograd` above allows.
        for (ours, expected) in ours.iter().zip(&expected) {
            prop_assert!((ours - expected).abs() < 4e-5, "{ours} {expected}");
        }
        prop_assert!(ours == run(3));
    }

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
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let mut ours = vec![f32::NAN; out.len()];
            pool.install(|| block.forward(&image, shape, residual.as_deref(), &mut ours));
            ours
        };
        let ours = run(1);
        for (ours, expected) in ours.iter().zip(&expected) {
            prop_assert!((ours - expected).abs() < 2e-5, "{ours} {expected}");
        }
        prop_assert!(ours == run(2) && ours == run(3));
    }

    /// Pooled on the way out is pooled afterwards, whatever the algorithm, to the bit.
    #[test]
    fn pooled(
        height in 2usize..15, width in 2usize..15, batch in 1usize..4, nan in any::<bool>(),
        (input, output) in prop::sample::select(vec![(16usize, 16usize), (48, 80), (3, 16), (5, 3), (17, 17)]),
        activation in activation(), seed in 1u64..1000,
    ) {
        let padding = Padding { top: 1, bottom: 1, left: 1, right: 1 };
        let geometry = Convolution {
            in_channels: input, out_channels: output, kernel: [3; 2], stride: [1; 2], padding, groups: 1,
        };
        let shape = Shape { batch, height, width, channels: input };
        let mut image = values(shape.len(), seed);
        if nan {
            image[seed as usize % shape.len()] = f32::NAN;
        }
        let (weight, bias) = (values(output * input * 9, seed + 1), values(output, seed + 2));
        let packed = PackedConvolution::new(geometry, &weight, &bias, activation);
        let out = packed.output_shape(shape);
        let (mut map, mut expected) = (vec![0.0; out.len()], vec![0.0; batch * (height / 2) * (width / 2) * output]);
        packed.forward(&image, shape, None, &mut map);
        max_pool(&map, out, Pool::tiling(2), &mut expected);
        let mut ours = vec![0.0; expected.len()];
        packed.forward_pooled(&image, shape, &mut ours);
        // All but Winograd's algorithm, and it where tiles of four cover a map, do the same with and without a pool.
        if !input.is_multiple_of(16) || !output.is_multiple_of(16) || height % 4 == 0 && width % 4 == 0 {
            for (ours, expected) in ours.iter().zip(&expected) {
                prop_assert!(ours == expected || ours.is_nan() && expected.is_nan(), "{ours} {expected}");
            }
            return Ok(());
        }
        if nan {
            // Whatever window sees it: tiles of other shapes may spread it further.
            let pixel = seed as usize % shape.len() / input;
            let (image, y, x) = (pixel / (height * width), pixel / width % height, pixel % width);
            for row in (0..height / 2 * 2).filter(|row| row.abs_diff(y) <= 1) {
                for column in (0..width / 2 * 2).filter(|column| column.abs_diff(x) <= 1) {
                    let pooled = (image * (height / 2) + row / 2) * (width / 2) + column / 2;
                    prop_assert!(ours[pooled * output..][..output].iter().all(|value| value.is_nan()));
                }
            }
            return Ok(());
        }
        // Either is up to 2e-5 of the sums' size off.
        let bound = 4e-5 * (input as f32 * 9.0).sqrt();
        for (ours, expected) in ours.iter().zip(&expected) {
            prop_assert!((ours - expected).abs() < bound, "{ours} {expected}");
        }
    }

    #[test]
    fn depthwise(
        height in side(), width in side(), batch in 1usize..3, channels in prop::sample::select(vec![2usize, 5, 17, 48]),
        kernel in prop::sample::select(vec![3usize, 5]), stride in 1usize..3, lopsided in any::<bool>(),
        activation in activation(), seed in 1u64..1000,
    ) {
        let half = kernel / 2;
        let before = half - usize::from(lopsided);
        let padding = Padding { top: before, bottom: half, left: before, right: half };
        prop_assume!(height + before + half >= kernel && width + before + half >= kernel);
        let geometry = Convolution {
            in_channels: channels, out_channels: channels, kernel: [kernel; 2], stride: [stride; 2], padding,
            groups: channels,
        };
        let error = check(geometry, Shape { batch, height, width, channels }, activation, seed);
        prop_assert!(error < 2e-6, "{error}");
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
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let mut output = vec![f32::NAN; shape.len()];
            pool.install(|| gate.forward(&image, shape, &mut output));
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
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let padding = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    for (input, stride) in [(16, 1), (3, 2)] {
        let geometry = Convolution {
            in_channels: input,
            out_channels: 48,
            kernel: [3; 2],
            stride: [stride; 2],
            padding,
            groups: 1,
        };
        let shape = Shape { batch: 3, height: 29, width: 31, channels: input };
        let packed =
            PackedConvolution::new(geometry, &values(48 * input * 9, 1), &values(48, 2), Activation::Relu);
        let image = values(shape.len(), 3);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let mut output = vec![0.0; packed.output_shape(shape).len()];
            pool.install(|| packed.forward(&image, shape, None, &mut output));
            output
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(5));
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
fn nan_is_never_hidden() {
    let same = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    // Winograd, gathered (whole and part of a panel), depthwise (whole and part of a register).
    for (input, output, groups) in [(16, 16, 1), (3, 32, 1), (3, 5, 1), (16, 16, 16), (3, 3, 3)] {
        let geometry = Convolution {
            in_channels: input,
            out_channels: output,
            kernel: [3; 2],
            stride: [1; 2],
            padding: same,
            groups,
        };
        let shape = Shape { batch: 1, height: 3, width: 3, channels: input };
        let mut image = values(shape.len(), 1);
        image[4 * input..5 * input].fill(f32::NAN);
        let weight = values(output * input / groups * 9, 2);
        for activation in Activation::ALL {
            let packed = PackedConvolution::new(geometry, &weight, &vec![0.0; output], activation);
            let mut map = vec![0.0; packed.output_shape(shape).len()];
            packed.forward(&image, shape, None, &mut map);
            assert!(map.iter().all(|value| value.is_nan()), "{geometry:?} {activation:?}");
        }
    }
}

#[test]
#[should_panic(expected = "a kernel of 5 is larger than the padded map of 4")]
fn a_kernel_must_fit_the_padded_map() {
    let geometry = Convolution {
        in_channels: 1,
        out_channels: 1,
        kernel: [5; 2],
        stride: [1; 2],
        padding: Padding::default(),
        groups: 1,
    };
    geometry.output_shape(Shape { batch: 1, height: 4, width: 9, channels: 1 });
}

#[test]
fn lesser_registers_compute_the_same() {
    levels::run_again("lesser_registers_compute_the_same");
}
