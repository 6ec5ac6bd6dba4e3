//! Every algorithm against a plain loop in f64, on odd shapes.

mod common;

use common::{activate, activation, run_again, side, values, with_threads};
use headstart_kernels::{Activation, Convolution, PackedConvolution, Padding, Pool, Shape, max_pool};
use proptest::prelude::*;

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

fn odd() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 3, 5, 7])
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
            let mut ours = vec![f32::NAN; expected.len()];
            with_threads(threads, || {
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

/// Nor on the other images of a batch, with which work is dealt out otherwise.
#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let padding = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    for (input, stride, output) in [(16, 1, 48), (16, 2, 48), (272, 1, 208), (3, 2, 48), (17, 2, 33)] {
        let geometry = Convolution {
            in_channels: input,
            out_channels: output,
            kernel: [3; 2],
            stride: [stride; 2],
            padding,
            groups: 1,
        };
        let (weight, bias) = (values(output * input * 9, 1), values(output, 2));
        let packed = PackedConvolution::new(geometry, &weight, &bias, Activation::Relu);
        let shape = Shape { batch: 3, height: 29, width: 31, channels: input };
        let images = values(shape.len(), 3);
        let run = |threads: usize, images: &[f32]| {
            let shape = Shape { batch: images.len() / (shape.len() / shape.batch), ..shape };
            let mut output = vec![f32::NAN; packed.output_shape(shape).len()];
            with_threads(threads, || packed.forward(images, shape, None, &mut output));
            output
        };
        let together = run(1, &images);
        assert!(together == run(2, &images) && together == run(5, &images), "{geometry:?}");
        let alone = images.chunks_exact(shape.len() / shape.batch).flat_map(|image| run(2, image));
        assert!(together.iter().copied().eq(alone), "{geometry:?}");
    }
}

#[test]
fn nan_is_never_hidden() {
    let same = Padding { top: 1, bottom: 1, left: 1, right: 1 };
    // Winograd, gathered (whole and part of a panel), depthwise (whole and part of a register).
    let kinds = [(16, 16, 1), (3, 32, 1), (3, 5, 1), (16, 16, 16), (3, 3, 3)];
    for ((input, output, groups), stride) in kinds.into_iter().flat_map(|kind| [(kind, 1), (kind, 2)]) {
        let geometry = Convolution {
            in_channels: input,
            out_channels: output,
            kernel: [3; 2],
            stride: [stride; 2],
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
    run_again("lesser_registers_compute_the_same");
}
