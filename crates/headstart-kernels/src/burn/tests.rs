//! Kernels against the same operations composed of Burn's, forward and backward.

use ::burn::backend::flex::{Flex, FlexTensor};
use ::burn::backend::tensor::FloatTensor;
use ::burn::backend::{Autodiff, AutodiffBackend, TensorMetadata};

use super::composed;
use super::flex::{Host, owned, tensor};
use super::ops::MapOps;
use crate::{Activation, Adam, Convolution, Padding, Pool};

type Graph = Autodiff<Flex>;
type Tracked = FloatTensor<Graph>;

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

fn input<const D: usize>(dims: [usize; D], seed: u64) -> FlexTensor {
    tensor(values(dims.iter().product(), seed), dims)
}

/// The output of `run`, and each input's gradient of `Σ output · weights`.
fn outcome<const N: usize>(
    inputs: &[FlexTensor; N],
    run: impl FnOnce([Tracked; N]) -> Tracked,
) -> Vec<Vec<f32>> {
    use ::burn::backend::ops::FloatTensorOps;
    let leaves = inputs.clone().map(|input| Graph::float_set_require_grad(Graph::from_inner(input), true));
    let output = run(leaves.clone());
    let factors = tensor(values(output.shape().num_elements(), 99), [output.shape().num_elements()]);
    let factors = Flex::float_reshape(factors, output.shape());
    let loss = Graph::float_sum(Graph::float_mul(output.clone(), Graph::from_inner(factors)));
    let gradients = Graph::backward(loss);
    let mut outcome = vec![owned(Graph::inner(output))];
    outcome.extend(leaves.iter().map(|leaf| {
        let gradient = Graph::grad(leaf, &gradients).expect("every input has a gradient");
        Host::new(gradient).values().to_vec()
    }));
    outcome
}

fn assert_close(ours: &[Vec<f32>], composed: &[Vec<f32>], what: &str) {
    assert_eq!(ours.len(), composed.len(), "{what}");
    for (index, (ours, composed)) in ours.iter().zip(composed).enumerate() {
        assert_eq!(ours.len(), composed.len(), "{what}, {index}");
        let size = composed.iter().fold(1.0, |most: f32, value| most.max(value.abs()));
        for (a, b) in ours.iter().zip(composed) {
            assert!((a - b).abs() <= 2e-5 * size, "{what}, {index}: {a} {b}");
        }
    }
}

#[test]
fn convolutions() {
    let around = |half: usize| Padding { top: half, bottom: half, left: half, right: half };
    let lopsided = Padding { top: 0, bottom: 1, left: 0, right: 1 };
    for (channels, output, kernel, stride, groups, padding) in [
        (16, 32, 3, 1, 1, around(1)),
        (5, 7, 1, 1, 1, around(0)),
        (3, 4, 3, 2, 1, lopsided),
        (6, 6, 3, 1, 6, around(1)),
        (6, 6, 5, 2, 6, around(2)),
    ] {
        let geometry = Convolution {
            in_channels: channels,
            out_channels: output,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding,
            groups,
        };
        let inputs = [
            input([2, 8, 10, channels], 1),
            input([output, channels / groups, kernel, kernel], 2),
            input([1, 1, 1, output], 3).reshape([output].into()),
        ];
        for activation in Activation::ALL {
            let ours = outcome(&inputs, |[maps, weight, bias]| {
                Graph::convolution(maps, weight, bias, geometry, activation)
            });
            let burns = outcome(&inputs, |[maps, weight, bias]| {
                composed::convolution::<Graph>(maps, weight, bias, geometry, activation)
            });
            assert_close(&ours, &burns, &format!("{geometry:?} {activation:?}"));
        }
    }
}

#[test]
fn pools() {
    let maps = [input([2, 7, 9, 3], 1)];
    for pool in [Pool::tiling(2), Pool { window: 3, stride: 2, padding: 1 }] {
        let ours = outcome(&maps, |[maps]| Graph::max_pool(maps, pool));
        let burns = outcome(&maps, |[maps]| composed::max_pool::<Graph>(maps, pool));
        assert_close(&ours, &burns, &format!("{pool:?}"));
    }
    let ours = outcome(&maps, |[maps]| Graph::global_average_pool(maps));
    let burns = outcome(&maps, |[maps]| composed::global_average_pool::<Graph>(maps));
    assert_close(&ours, &burns, "global average pool");
}

#[test]
fn fully_connected() {
    let inputs = [input([3, 50], 1), input([50, 7], 2), input([7], 3)];
    for activation in Activation::ALL {
        let ours = outcome(&inputs, |[rows, weight, bias]| Graph::dense(rows, weight, bias, activation));
        let burns =
            outcome(&inputs, |[rows, weight, bias]| composed::dense::<Graph>(rows, weight, bias, activation));
        assert_close(&ours, &burns, "dense");
    }
}

#[test]
fn factors_and_squares() {
    let inputs = [input([4, 3, 5, 5], 1), input([4], 2)];
    let ours = outcome(&inputs, |[weight, factors]| Graph::scale_kernels(weight, factors));
    let burns = outcome(&inputs, |[weight, factors]| composed::scale_kernels::<Graph>(weight, factors));
    assert_close(&ours, &burns, "scaled kernels");
    let inputs = [input([2, 5, 3, 4], 1), input([2, 1, 1, 4], 2)];
    let ours = outcome(&inputs, |[maps, factors]| Graph::scale_channels(maps, factors));
    let burns = outcome(&inputs, |[maps, factors]| composed::scale_channels::<Graph>(maps, factors));
    assert_close(&ours, &burns, "scaled channels");
    let inputs = [input([70], 1)];
    let ours = outcome(&inputs, |[values]| Graph::sum_of_squares(values));
    assert_close(&ours, &outcome(&inputs, |[values]| composed::sum_of_squares::<Graph>(values)), "squares");
}

#[test]
fn sums_of_maps_and_normalisation() {
    for activation in Activation::ALL {
        let maps = [input([2, 5, 3, 4], 1), input([2, 5, 3, 4], 2)];
        let ours = outcome(&maps, |[left, right]| Graph::add(left, right, activation));
        let burns = outcome(&maps, |[left, right]| composed::add::<Graph>(left, right, activation));
        assert_close(&ours, &burns, &format!("sum {activation:?}"));
        let inputs = [input([2, 5, 3, 4], 1), input([4], 2), input([4], 3)];
        let ours = outcome(&inputs, |[maps, scale, shift]| Graph::affine(maps, scale, shift, activation));
        let burns = outcome(&inputs, |[maps, scale, shift]| {
            composed::affine::<Graph>(maps, [scale, shift], activation)
        });
        assert_close(&ours, &burns, &format!("normalisation {activation:?}"));
    }
}

#[test]
fn adam() {
    let step = Adam { rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, keep: 0.999 };
    let [values, gradient, first] = [1, 2, 3].map(|seed| input([70], seed));
    let second = Flex::scale_kernels(input([70, 1, 1, 1], 4), input([70], 4)).reshape([70].into());
    let ours = Flex::adam(values.clone(), gradient.clone(), first.clone(), second.clone(), step);
    let burns = composed::adam::<Flex>(values, gradient, [first, second], step);
    let host = |(values, first, second): (FlexTensor, FlexTensor, FlexTensor)| {
        [values, first, second].map(owned).to_vec()
    };
    assert_close(&host(ours), &host(burns), "adam");
}
