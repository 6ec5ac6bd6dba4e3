//! Every gradient against a plain loop in f64, on odd shapes.

mod common;

use common::{run_again, side, values, with_threads};
use headstart_kernels::{Activation, Convolution, Padding, Pool, Shape, dense, gradient, max_pool};
use proptest::prelude::*;

/// Input and weight gradients of a convolution.
fn plain(
    geometry: &Convolution,
    input: &[f32],
    shape: Shape,
    weight: &[f32],
    gradient: &[f32],
) -> (Vec<f64>, Vec<f64>) {
    let out = geometry.output_shape(shape);
    let fan = geometry.in_channels / geometry.groups;
    let per_group = geometry.out_channels / geometry.groups;
    let (mut of_input, mut of_weight) = (vec![0.0; input.len()], vec![0.0; weight.len()]);
    for (place, value) in gradient.iter().enumerate() {
        let channel = place % out.channels;
        let x = place / out.channels % out.width;
        let y = place / out.channels / out.width % out.height;
        let image = place / out.channels / out.width / out.height;
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
                for inner in 0..fan {
                    let source = channel / per_group * fan + inner;
                    let pixel = ((image * shape.height + y) * shape.width + x) * shape.channels + source;
                    let tap =
                        ((channel * fan + inner) * geometry.kernel[0] + row) * geometry.kernel[1] + column;
                    of_input[pixel] += f64::from(*value) * f64::from(weight[tap]);
                    of_weight[tap] += f64::from(*value) * f64::from(input[pixel]);
                }
            }
        }
    }
    (of_input, of_weight)
}

fn largest_difference(ours: &[f32], plain: &[f64]) -> f64 {
    let differences = ours.iter().zip(plain).map(|(a, b)| (f64::from(*a) - b).abs());
    differences.fold(
        0.0,
        |most, difference| if difference > most || difference.is_nan() { difference } else { most },
    )
}

/// Largest differences of both gradients, over the size of the sums that they come from.
fn check(geometry: Convolution, shape: Shape, seed: u64) -> (f64, f64) {
    let taps = geometry.kernel[0] * geometry.kernel[1];
    let fan = geometry.in_channels / geometry.groups * taps;
    let out = geometry.output_shape(shape);
    let (input, weight) = (values(shape.len(), seed), values(geometry.out_channels * fan, seed + 1));
    let gradient = values(out.len(), seed + 2);
    let expected = plain(&geometry, &input, shape, &weight, &gradient);
    let mut of_input = vec![f32::NAN; input.len()];
    gradient::convolution_input(&geometry, &weight, &gradient, shape, &mut of_input);
    let mut of_weight = vec![f32::NAN; weight.len()];
    gradient::convolution_weight(&geometry, &input, shape, &gradient, &mut of_weight);
    let pixels = (out.batch * out.height * out.width) as f64;
    let terms = (geometry.out_channels / geometry.groups * taps) as f64;
    (
        largest_difference(&of_input, &expected.0) / terms.sqrt(),
        largest_difference(&of_weight, &expected.1) / pixels.sqrt(),
    )
}

fn around(half: usize) -> Padding {
    Padding { top: half, bottom: half, left: half, right: half }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_kernel(
        height in side(), width in side(), batch in 1usize..3, kernel in prop::sample::select(vec![1usize, 3, 5]),
        stride in 1usize..3, input in prop::sample::select(vec![1usize, 3, 5, 17]),
        output in prop::sample::select(vec![1usize, 3, 17, 33]), seed in 1u64..1000,
    ) {
        let geometry = Convolution {
            in_channels: input, out_channels: output, kernel: [kernel; 2], stride: [stride; 2],
            padding: around(kernel / 2), groups: 1,
        };
        let (of_input, of_weight) = check(geometry, Shape { batch, height, width, channels: input }, seed);
        prop_assert!(of_input < 1e-6 && of_weight < 1e-6, "{of_input} {of_weight}");
    }

    #[test]
    fn winograd(
        height in side(), width in side(), batch in 1usize..4, input in prop::sample::select(vec![16usize, 48]),
        output in prop::sample::select(vec![16usize, 32, 80, 112]), seed in 1u64..1000,
    ) {
        let geometry = Convolution {
            in_channels: input, out_channels: output, kernel: [3; 2], stride: [1; 2], padding: around(1), groups: 1,
        };
        let (of_input, of_weight) = check(geometry, Shape { batch, height, width, channels: input }, seed);
        prop_assert!(of_input < 2e-5 && of_weight < 2e-5, "{of_input} {of_weight}");
    }

    #[test]
    fn depthwise(
        height in side(), width in side(), batch in 1usize..3,
        channels in prop::sample::select(vec![2usize, 5, 17, 48, 83]), kernel in prop::sample::select(vec![3usize, 5]),
        stride in 1usize..3, lopsided in any::<bool>(), seed in 1u64..1000,
    ) {
        let half = kernel / 2;
        let before = half - usize::from(lopsided);
        let padding = Padding { top: before, left: before, ..around(half) };
        prop_assume!(height + before + half >= kernel && width + before + half >= kernel);
        let geometry = Convolution {
            in_channels: channels, out_channels: channels, kernel: [kernel; 2], stride: [stride; 2], padding,
            groups: channels,
        };
        let (of_input, of_weight) = check(geometry, Shape { batch, height, width, channels }, seed);
        prop_assert!(of_input < 1e-6 && of_weight < 1e-6, "{of_input} {of_weight}");
    }

    #[test]
    fn fully_connected(
        batch in 1usize..40, inputs in prop::sample::select(vec![1usize, 7, 130, 4100]),
        outputs in prop::sample::select(vec![1usize, 2, 17, 64]), seed in 1u64..1000,
    ) {
        let (input, weight) = (values(batch * inputs, seed), values(inputs * outputs, seed + 1));
        let (bias, gradient) = (values(outputs, seed + 2), values(batch * outputs, seed + 3));
        let mut output = vec![f32::NAN; batch * outputs];
        dense(&input, &weight, &bias, Activation::Relu, &mut output);
        let (mut of_input, mut of_weight) = (vec![f32::NAN; input.len()], vec![f32::NAN; weight.len()]);
        gradient::dense_input(&weight, &gradient, batch, &mut of_input);
        gradient::dense_weight(&input, &gradient, batch, &mut of_weight);
        let mut expected = (vec![0.0; output.len()], vec![0.0; input.len()], vec![0.0; weight.len()]);
        for image in 0..batch {
            for out in 0..outputs {
                let by = f64::from(gradient[image * outputs + out]);
                let mut sum = f64::from(bias[out]);
                for place in 0..inputs {
                    let (x, w) = (image * inputs + place, place * outputs + out);
                    sum += f64::from(input[x]) * f64::from(weight[w]);
                    expected.1[x] += by * f64::from(weight[w]);
                    expected.2[w] += by * f64::from(input[x]);
                }
                expected.0[image * outputs + out] = sum.max(0.0);
            }
        }
        prop_assert!(largest_difference(&output, &expected.0) / (inputs as f64).sqrt() < 1e-6);
        prop_assert!(largest_difference(&of_input, &expected.1) / (outputs as f64).sqrt() < 1e-6);
        prop_assert!(largest_difference(&of_weight, &expected.2) / (batch as f64).sqrt() < 1e-6);
    }

    /// Forward and backward, where several values are equal too.
    #[test]
    fn largest_of_windows(
        height in 1usize..9, width in 1usize..9, batch in 1usize..3, channels in 1usize..5, window in 1usize..4,
        stride in 1usize..4, is_padded in any::<bool>(), seed in 1u64..1000,
    ) {
        let padding = if is_padded { window / 2 } else { 0 };
        prop_assume!(height.min(width) + 2 * padding >= window);
        let (pool, shape) = (Pool { window, stride, padding }, Shape { batch, height, width, channels });
        let out = pool.output_shape(shape);
        let input: Vec<f32> = values(shape.len(), seed).iter().map(|value| (value * 4.0).round()).collect();
        let gradient = values(out.len(), seed + 1);
        let (mut pooled, mut to) = (vec![f32::NAN; out.len()], vec![f32::NAN; input.len()]);
        max_pool(&input, shape, pool, &mut pooled);
        gradient::max_pool(&input, shape, pool, &gradient, &mut to);
        let mut expected = vec![0.0; input.len()];
        for (place, value) in gradient.iter().enumerate() {
            let (channel, pixel) = (place % channels, place / channels);
            let (x, y, image) = (pixel % out.width, pixel / out.width % out.height, pixel / out.width / out.height);
            let mut largest: Option<usize> = None;
            for tap in 0..window * window {
                let row = (y * stride + tap / window).checked_sub(padding).filter(|row| *row < height);
                let column = (x * stride + tap % window).checked_sub(padding).filter(|column| *column < width);
                let (Some(row), Some(column)) = (row, column) else { continue };
                let here = ((image * height + row) * width + column) * channels + channel;
                if largest.is_none_or(|other| input[here] > input[other]) {
                    largest = Some(here);
                }
            }
            let largest = largest.expect("a window reaches into the map");
            prop_assert_eq!(pooled[place], input[largest]);
            expected[largest] += value;
        }
        prop_assert_eq!(to, expected);
    }
}

/// What PyTorch's `max_pool2d` gives back of 1 to 6 by windows of 3 at stride 2 with a border of 1: the first
/// of equal values has all, the largest of two windows both.
#[test]
fn overlapping_windows_as_in_pytorch() {
    let (shape, pool) =
        (Shape { batch: 1, height: 4, width: 5, channels: 1 }, Pool { window: 3, stride: 2, padding: 1 });
    #[rustfmt::skip]
    let input = [
        1.0, 4.0, 9.0, 4.0, 0.0,
        9.0, 4.0, 2.0, 7.0, 7.0,
        3.0, 3.0, 3.0, 1.0, 7.0,
        5.0, 0.0, 5.0, 8.0, 8.0,
    ];
    #[rustfmt::skip]
    let expected = [
        0.0, 0.0, 2.0, 0.0, 0.0,
        5.0, 0.0, 0.0, 3.0, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.0, 0.0, 11.0, 0.0,
    ];
    let mut to = [f32::NAN; 20];
    gradient::max_pool(&input, shape, pool, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut to);
    assert_eq!(to, expected);
}

#[test]
fn pools_and_activations_by_hand() {
    let shape = Shape { batch: 1, height: 2, width: 3, channels: 1 };
    // Two equal values: the first gets the gradient. The last column is in no window.
    let mut to = [f32::NAN; 6];
    gradient::max_pool(&[1.0, 4.0, 9.0, 4.0, 0.0, 9.0], shape, Pool::tiling(2), &[2.5], &mut to);
    assert_eq!(to, [0.0, 2.5, 0.0, 0.0, 0.0, 0.0]);
    gradient::global_average_pool(&[3.0], shape, &mut to);
    assert_eq!(to, [0.5; 6]);
    let output = [0.0, 0.1, 5.9, 6.0];
    for (activation, expected) in [
        (Activation::Identity, [1.0, 1.0, 1.0, 1.0]),
        (Activation::Relu, [0.0, 1.0, 1.0, 1.0]),
        (Activation::Relu6, [0.0, 1.0, 1.0, 0.0]),
    ] {
        let (mut gradient, mut bias) = ([1.0; 4], [f32::NAN; 2]);
        gradient::activation_and_bias(activation, &output, &mut gradient, &mut bias);
        assert_eq!(gradient, expected);
        assert_eq!(bias, [expected[0] + expected[2], expected[1] + expected[3]]);
    }
}

/// What an activation keeps of its sum, and how steep it is there, by differences.
#[test]
fn slopes_of_curves() {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let hard_sigmoid = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    type Curve<'a> = (Activation, bool, &'a dyn Fn(f64) -> f64);
    let curves: [Curve<'_>; 4] = [
        (Activation::Silu, true, &|x| x * sigmoid(x)),
        (Activation::HardSwish, true, &|x| x * hard_sigmoid(x)),
        (Activation::Sigmoid, false, &sigmoid),
        (Activation::HardSigmoid, false, &hard_sigmoid),
    ];
    // Beyond the bends at -3 and 3, and on neither.
    let sums: Vec<f32> = (0..1001).map(|step| step as f32 * 0.0161 - 8.0).collect();
    let before = values(sums.len(), 3);
    for (activation, is_sum, curve) in curves {
        let kept = |x: &f32| if is_sum { *x } else { curve(f64::from(*x)) as f32 };
        let kept: Vec<f32> = sums.iter().map(kept).collect();
        let (mut gradient, mut bias) = (before.clone(), [f32::NAN; 7]);
        gradient::activation_and_bias(activation, &kept, &mut gradient, &mut bias);
        let mut expected = [0.0; 7];
        for (index, x) in sums.iter().map(|x| f64::from(*x)).enumerate() {
            let slope = (curve(x + 1e-5) - curve(x - 1e-5)) / 2e-5;
            let through = f64::from(before[index]) * slope;
            assert!((f64::from(gradient[index]) - through).abs() < 1e-6, "{activation:?} at {x}");
            expected[index % 7] += through;
        }
        assert!(largest_difference(&bias, &expected) < 2e-5, "{activation:?}");
    }
}

#[test]
fn factors_of_channels() {
    let shape = Shape { batch: 3, height: 5, width: 7, channels: 600 };
    let (maps, gradient) = (values(shape.len(), 1), values(shape.len(), 2));
    let mut expected = vec![0.0; 3 * 600];
    for (index, (value, gradient)) in maps.iter().zip(&gradient).enumerate() {
        expected[index / (35 * 600) * 600 + index % 600] += f64::from(*value) * f64::from(*gradient);
    }
    let run = |threads: usize| {
        let mut factors = vec![f32::NAN; 3 * 600];
        with_threads(threads, || gradient::channel_factors(&maps, shape, &gradient, &mut factors));
        factors
    };
    assert!(largest_difference(&run(1), &expected) < 1e-5);
    assert!(run(1) == run(2) && run(1) == run(5));
}

#[test]
fn biases_of_more_pixels_than_a_block_holds() {
    for (pixels, channels) in [(1, 1), (9_000, 3), (700, 130), (3, 20_000)] {
        let (output, before) = (values(pixels * channels, 1), values(pixels * channels, 2));
        let (mut gradient, mut bias) = (before.clone(), vec![f32::NAN; channels]);
        gradient::activation_and_bias(Activation::Relu, &output, &mut gradient, &mut bias);
        let mut sums = vec![0.0; channels];
        for (index, (value, output)) in before.iter().zip(&output).enumerate() {
            let through = if *output > 0.0 { *value } else { 0.0 };
            assert_eq!(gradient[index], through);
            sums[index % channels] += f64::from(through);
        }
        assert!(largest_difference(&bias, &sums) < 1e-6 * pixels as f64, "{pixels} {channels}");
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    for (channels, output, kernel, stride, groups) in
        [(16, 48, 3, 1, 1), (3, 20, 3, 2, 1), (40, 33, 1, 1, 1), (24, 24, 5, 2, 24)]
    {
        let geometry = Convolution {
            in_channels: channels,
            out_channels: output,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: around(kernel / 2),
            groups,
        };
        // More pixels and tiles than are summed at a time.
        let shape = Shape { batch: 5, height: 61, width: 67, channels };
        let input = values(shape.len(), 1);
        let weight = values(output * channels / groups * kernel * kernel, 2);
        let gradient = values(geometry.output_shape(shape).len(), 3);
        let run = |threads: usize| {
            let (mut of_input, mut of_weight) = (vec![0.0; input.len()], vec![0.0; weight.len()]);
            with_threads(threads, || {
                gradient::convolution_input(&geometry, &weight, &gradient, shape, &mut of_input);
                gradient::convolution_weight(&geometry, &input, shape, &gradient, &mut of_weight);
            });
            (of_input, of_weight)
        };
        assert!(run(1) == run(2) && run(1) == run(5), "{geometry:?}");
    }
}

#[test]
fn lesser_registers_compute_the_same() {
    run_again("lesser_registers_compute_the_same");
}
