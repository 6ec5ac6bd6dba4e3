//! Every operation on a graphics processor, held to the CPU's kernels: what it gives, and its gradients.
//!
//! Runs where HEADSTART_DEVICE names a device (`vulkan`, `cuda` or `metal`) that the build supports.
#![cfg(feature = "cube")]

mod common;

use std::sync::LazyLock;

use burn::tensor::{Device, Tensor, TensorData};
use common::values;
use headstart_kernels::burn::{
    adam, add, affine, convolution, dense, global_average_pool, max_pool, scale_channels, scale_kernels,
    sum_of_squares,
};
use headstart_kernels::{Activation, Adam, Convolution, Padding, Pool};

/// What results may differ by, as a part of the greatest.
const TOLERANCE: f32 = 1e-3;

/// The device that the environment names.
fn device() -> Option<Device> {
    // A process opens a device once.
    static OPENED: LazyLock<Option<Device>> = LazyLock::new(open);
    OPENED.clone()
}

fn open() -> Option<Device> {
    let Ok(name) = std::env::var("HEADSTART_DEVICE") else {
        println!("skipped: HEADSTART_DEVICE names no device");
        return None;
    };
    let device = match name.as_str() {
        #[cfg(feature = "cuda")]
        "cuda" => Device::cuda(0),
        #[cfg(feature = "metal")]
        "metal" => Device::metal(Default::default()),
        #[cfg(feature = "vulkan-wgsl")]
        "vulkan" => {
            use burn::tensor::wgpu::WgpuBackend::Vulkan;
            Device::wgpu_options().graphics_api(Vulkan).init().expect("a Vulkan device")
        }
        other => panic!("HEADSTART_DEVICE={other}: this build does not support it"),
    };
    println!("on {:?}", device.identity().map(|identity| identity.name));
    Some(device)
}

fn tensor(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

fn host(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("f32")
}

/// What `run` makes of inputs of these lengths, and each input's gradient of `Σ output · factors`.
fn outcome(lengths: &[usize], device: &Device, run: impl Fn(&[Tensor<1>]) -> Tensor<1>) -> Vec<Vec<f32>> {
    let graph = device.clone().autodiff();
    let leaf =
        |(index, length): (usize, &usize)| tensor(values(*length, index as u64 + 1), &graph).require_grad();
    let leaves: Vec<Tensor<1>> = lengths.iter().enumerate().map(leaf).collect();
    let output = run(&leaves);
    let factors = tensor(values(output.dims()[0], 99), &graph);
    let gradients = (output.clone() * factors).sum().backward();
    let of = |leaf: &Tensor<1>| host(leaf.grad(&gradients).expect("a gradient of each input"));
    std::iter::once(host(output.inner())).chain(leaves.iter().map(of)).collect()
}

fn assert_same(what: &str, lengths: &[usize], device: &Device, run: impl Fn(&[Tensor<1>]) -> Tensor<1>) {
    let ours = outcome(lengths, device, &run);
    let cpus = outcome(lengths, &Device::flex(), &run);
    for (part, (ours, cpus)) in ours.iter().zip(&cpus).enumerate() {
        assert_eq!(ours.len(), cpus.len(), "{what}, part {part}");
        let greatest = cpus.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        let off = ours.iter().zip(cpus).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()));
        println!("{what}, part {part}: off by {:.1e} of the greatest", off / greatest);
        assert!(ours.iter().all(|value| value.is_finite()), "{what}, part {part}: not all are numbers");
        assert!(off <= TOLERANCE * greatest, "{what}, part {part}: {off} of {greatest}");
    }
}

fn flat<const D: usize>(maps: Tensor<D>) -> Tensor<1> {
    let length = maps.dims().iter().product::<usize>();
    maps.reshape([length])
}

const ACTIVATIONS: [Activation; 7] = [
    Activation::Identity,
    Activation::Relu,
    Activation::Relu6,
    Activation::Silu,
    Activation::HardSwish,
    Activation::Sigmoid,
    Activation::HardSigmoid,
];

#[test]
fn convolutions_are_the_cpus() {
    let Some(device) = device() else { return };
    let around = |half: usize| Padding { top: half, bottom: half, left: half, right: half };
    let lopsided = Padding { top: 0, bottom: 1, left: 0, right: 1 };
    let shapes = [
        (16, 32, 3, 1, 1, around(1)),
        (5, 7, 1, 1, 1, around(0)),
        (3, 4, 3, 2, 1, lopsided),
        (6, 6, 3, 1, 6, around(1)),
        (6, 6, 5, 2, 6, around(2)),
        (3, 8, 7, 2, 1, around(3)),
        (8, 8, 1, 2, 1, around(0)),
    ];
    for ((input, output, kernel, stride, groups, padding), activation) in
        shapes.into_iter().zip(ACTIVATIONS.into_iter().cycle())
    {
        let geometry = Convolution {
            in_channels: input,
            out_channels: output,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding,
            groups,
        };
        let lengths = [2 * 10 * 8 * input, output * input / groups * kernel * kernel, output];
        let what = format!("{kernel}×{kernel} stride {stride}, {groups} groups, {activation:?}");
        assert_same(&what, &lengths, &device, |leaves| {
            let maps = leaves[0].clone().reshape([2, 10, 8, input]);
            let weight = leaves[1].clone().reshape([output, input / groups, kernel, kernel]);
            flat(convolution(maps, weight, leaves[2].clone(), geometry, activation))
        });
    }
}

#[test]
fn pools_are_the_cpus() {
    let Some(device) = device() else { return };
    for (window, stride, padding) in [(2, 2, 0), (3, 2, 1)] {
        let pool = Pool { window, stride, padding };
        assert_same(&format!("largest of {window}, {stride}"), &[2 * 9 * 7 * 5], &device, |leaves| {
            flat(max_pool(leaves[0].clone().reshape([2, 9, 7, 5]), pool))
        });
    }
    assert_same("means", &[2 * 9 * 7 * 5], &device, |leaves| {
        flat(global_average_pool(leaves[0].clone().reshape([2, 9, 7, 5])))
    });
}

#[test]
fn sums_and_factors_are_the_cpus() {
    let Some(device) = device() else { return };
    for activation in ACTIVATIONS {
        assert_same(&format!("dense, {activation:?}"), &[3 * 20, 20 * 7, 7], &device, |leaves| {
            let (rows, weight) = (leaves[0].clone().reshape([3, 20]), leaves[1].clone().reshape([20, 7]));
            flat(dense(rows, weight, leaves[2].clone(), activation))
        });
        assert_same(&format!("sum, {activation:?}"), &[2 * 24, 2 * 24], &device, |leaves| {
            let [left, right] = [0, 1].map(|side| leaves[side].clone().reshape([2, 3, 2, 4]));
            flat(add(left, right, activation))
        });
        assert_same(&format!("affine, {activation:?}"), &[2 * 24, 4, 4], &device, |leaves| {
            let maps = leaves[0].clone().reshape([2, 3, 2, 4]);
            flat(affine(maps, leaves[1].clone(), leaves[2].clone(), activation))
        });
    }
    assert_same("kernels' factors", &[6 * 5 * 9, 6], &device, |leaves| {
        flat(scale_kernels(leaves[0].clone().reshape([6, 5, 3, 3]), leaves[1].clone()))
    });
    assert_same("channels' factors", &[2 * 24, 8], &device, |leaves| {
        let factors = leaves[1].clone().reshape([2, 1, 1, 4]);
        flat(scale_channels(leaves[0].clone().reshape([2, 3, 2, 4]), factors))
    });
    assert_same("squares", &[100], &device, |leaves| sum_of_squares(leaves[0].clone()));
}

/// A batch through a stem, a block with a depthwise filter, a gate and a shortcut, a pool and a head: what fuses together.
#[test]
fn a_small_net_is_the_cpus() {
    let Some(device) = device() else { return };
    let layer = |(input, output), kernel: usize, stride: usize, groups| Convolution {
        in_channels: input,
        out_channels: output,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: Padding { top: kernel / 2, bottom: kernel / 2, left: kernel / 2, right: kernel / 2 },
        groups,
    };
    let lengths = [3 * 17 * 15 * 3, 8 * 27, 8, 8 * 9, 8, 8 * 8, 8, 8 * 8, 8, 8 * 4, 4];
    assert_same("a small net", &lengths, &device, |leaves| {
        let kernel =
            |at: usize, shape: [usize; 4]| (leaves[at].clone().reshape(shape), leaves[at + 1].clone());
        let run = |maps, (weight, bias), geometry, activation| {
            convolution(maps, weight, bias, geometry, activation)
        };
        let maps = leaves[0].clone().reshape([3, 17, 15, 3]);
        let stem = run(maps, kernel(1, [8, 3, 3, 3]), layer((3, 8), 3, 2, 1), Activation::Relu6);
        let filtered = run(stem.clone(), kernel(3, [8, 1, 3, 3]), layer((8, 8), 3, 1, 8), Activation::Silu);
        let means = global_average_pool(filtered.clone());
        let gate = run(means, kernel(5, [8, 8, 1, 1]), layer((8, 8), 1, 1, 1), Activation::Sigmoid);
        let gated = scale_channels(filtered, gate);
        let projected = run(gated, kernel(7, [8, 8, 1, 1]), layer((8, 8), 1, 1, 1), Activation::Identity);
        let sum = add(projected, stem, Activation::Relu);
        let pooled = global_average_pool(max_pool(sum, Pool { window: 3, stride: 2, padding: 1 }));
        let rows = pooled.reshape([3, 8]);
        flat(dense(rows, leaves[9].clone().reshape([8, 4]), leaves[10].clone(), Activation::Identity))
    });
}

#[test]
fn steps_of_adam_are_the_cpus() {
    let Some(device) = device() else { return };
    let steps = |device: &Device| {
        let step = Adam { rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, keep: 0.999 };
        let [mut of, gradient] = [1, 2].map(|seed| tensor(values(1000, seed), device));
        let mut moments = [of.zeros_like(), of.zeros_like()];
        for _ in 0..3 {
            (of, moments) = adam(step, of, gradient.clone(), moments);
        }
        [host(of), host(moments[0].clone()), host(moments[1].clone())].concat()
    };
    for (ours, cpus) in steps(&device).iter().zip(steps(&Device::flex())) {
        assert!((ours - cpus).abs() < 1e-5, "{ours} {cpus}");
    }
}
