//! The net that trains against the plan that predicts, and its gradients against differences.

use burn::tensor::{Device, Tensor, TensorData};
use headstart::backbone::spec::{
    Activation, BatchNorm, Convolution, Dense, Layer, MapShape, MaxPool, Norm, Padding, SqueezeExcite,
    output_shape,
};
use headstart::backbone::weights::Weights;
use headstart::backbone::{Backbone, densenet, efficientnet, keras, mobilenet, mobilenet_v2, resnet, vgg};
use headstart::network::{Tail, host};
use headstart::trunk::{Buffers, Plan};

/// Seeded values in -bound..bound.
fn values(length: usize, bound: f32, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * bound
        })
        .collect()
}

/// He-uniform weights; scales and variances about 1.
fn weights(layers: &[Layer]) -> Weights {
    let mut weights = Weights::default();
    let tensors = layers.iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat());
    for (index, (name, shape)) in tensors.enumerate() {
        let length = shape.iter().product();
        let seed = index as u64 + 1;
        let around = |mean: f32| values(length, 0.3, seed).iter().map(|value| mean + value).collect();
        let values = match shape[..] {
            [_, input, height, width] => values(length, (6.0 / (input * height * width) as f32).sqrt(), seed),
            [input, _] => values(length, (6.0 / input as f32).sqrt(), seed),
            _ if name.ends_with(".weight") || name.ends_with("running_var") => around(1.0),
            // Most of what comes out lies where ReLU6 has a slope.
            _ if name.ends_with("norm.bias") => around(2.5),
            _ => values(length, 0.1, seed),
        };
        weights.insert(name, shape, values);
    }
    weights
}

fn tail(layers: &[Layer], input: MapShape, weights: &Weights) -> Tail {
    Tail::new(layers.to_vec(), input, weights, Device::flex())
}

fn features(maps: &[f32], batch: usize, shape: MapShape) -> Tensor<4> {
    let data = TensorData::new(maps.to_vec(), [batch, shape.height, shape.width, shape.channels]);
    Tensor::from_data(data, &Device::flex())
}

fn assert_agree(layers: &[Layer], input: MapShape, weights: &Weights, bound: f32) {
    let batch = 3;
    let maps: Vec<f32> = values(batch * input.len(), bound, 7).iter().map(|value| value.abs()).collect();
    let plan = Plan::new(layers, weights, input).forward(&maps, batch, &mut Buffers::default());
    let net = tail(layers, input, weights);
    let logits = host(net.forward(&net.parameters(weights), features(&maps, batch, input), None));
    assert_eq!(logits.len(), plan.len());
    let largest = plan.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    for (ours, plans) in logits.iter().zip(plan.iter()) {
        assert!((ours - plans).abs() < 1e-4 * largest, "{ours} {plans}");
    }
}

#[test]
fn efficientnet_lite0s_tail_computes_what_the_plan_does() {
    let backbone = Backbone::load("efficientnet-lite0", None).expect("embedded");
    let tail = |block: usize| {
        let pool = [Layer::GlobalAveragePool];
        backbone.spec.layers(block..9).cloned().chain(pool).collect::<Vec<Layer>>()
    };
    assert_agree(&tail(7), MapShape::new(7, 7, 192), &backbone.weights, 2.0);
    // Everything, with strides and odd sides.
    assert_agree(&tail(0), MapShape::new(45, 39, 3), &backbone.weights, 1.0);
}

#[test]
fn vgg16s_tail_computes_what_the_plan_does() {
    let mut layers: Vec<Layer> = vgg::vgg16().layers(4..5).cloned().collect();
    let input = MapShape::new(14, 14, 512);
    let flat = output_shape(&layers, input).len();
    layers.push(Layer::Flatten);
    layers.push(dense("head", flat, 2, Activation::Identity));
    assert_agree(&layers, input, &weights(&layers), 1.0);
}

#[test]
fn resnet50s_tail_computes_what_the_plan_does() {
    let tail = |block: usize| {
        let pool = [Layer::GlobalAveragePool];
        resnet::resnet50().layers(block..5).cloned().chain(pool).collect::<Vec<Layer>>()
    };
    assert_agree(&tail(4), MapShape::new(14, 14, 1024), &weights(&tail(4)), 1.0);
    // Everything, with odd sides.
    assert_agree(&tail(0), MapShape::new(45, 39, 3), &weights(&tail(0)), 1.0);
}

#[test]
fn gated_nets_tails_compute_what_the_plan_does() {
    for (spec, block, side, channels) in [
        (efficientnet::efficientnet_b0(), 6, 14, 112),
        (efficientnet::efficientnet_b0(), 0, 45, 3),
        (mobilenet::LARGE.spec(), 5, 14, 80),
        (mobilenet::LARGE.spec(), 0, 45, 3),
    ] {
        let pool = [Layer::GlobalAveragePool];
        let layers: Vec<Layer> = spec.layers(block..spec.blocks.len()).cloned().chain(pool).collect();
        assert_agree(&layers, MapShape::new(side, side, channels), &weights(&layers), 1.0);
    }
}

#[test]
fn each_familys_tail_computes_what_the_plan_does() {
    for spec in [
        resnet::RESNET18.spec(),
        densenet::DENSENET121.spec(),
        vgg::VGG11_BN.spec(),
        mobilenet_v2::mobilenet_v2(),
        efficientnet::LITE2.lite(),
        keras::resnet50(),
    ] {
        let layers: Vec<Layer> = spec.all_layers().cloned().chain([Layer::GlobalAveragePool]).collect();
        assert_agree(&layers, MapShape::new(45, 39, 3), &weights(&layers), 1.0);
    }
}

fn dense(name: &str, input: usize, output: usize, activation: Activation) -> Layer {
    Layer::Dense(Dense { name: name.into(), input, output, activation, l2: 0.0 })
}

fn convolution(name: &str, (input, output): (usize, usize), kernel: usize, stride: usize) -> Convolution {
    Convolution {
        name: name.into(),
        input,
        output,
        kernel,
        stride,
        padding: Padding::Symmetric,
        groups: 1,
        bias: false,
        norm: Some(BatchNorm { name: format!("{name}_norm"), epsilon: 1e-3 }),
        activation: Activation::Relu6,
    }
}

/// Residuals, depthwise and strided convolutions, batch normalisation, pooling, dense layers.
fn small() -> Vec<Layer> {
    let depthwise = Convolution { groups: 12, ..convolution("filter", (12, 12), 3, 1) };
    let linear = |name: &str, channels, stride| Convolution {
        activation: Activation::Identity,
        ..convolution(name, channels, 1, stride)
    };
    let biased = Convolution { norm: None, bias: true, ..convolution("biased", (6, 16), 3, 1) };
    vec![
        Layer::Convolution(convolution("first", (5, 6), 3, 2)),
        Layer::Residual {
            body: vec![
                Layer::Convolution(convolution("expand", (6, 12), 1, 1)),
                Layer::Convolution(depthwise),
                Layer::Convolution(linear("project", (12, 6), 1)),
            ],
            shortcut: vec![],
            activation: Activation::Identity,
        },
        Layer::Convolution(biased),
        Layer::Residual {
            body: vec![
                Layer::Convolution(convolution("filter_2", (16, 8), 3, 2)),
                Layer::Convolution(linear("project_2", (8, 16), 1)),
            ],
            shortcut: vec![Layer::Convolution(linear("shortcut", (16, 16), 2))],
            activation: Activation::Relu,
        },
        Layer::Convolution(convolution("second", (16, 16), 3, 1)),
        Layer::MaxPool(MaxPool { window: 3, stride: Some(2), padding: 1 }),
        Layer::Flatten,
        dense("hidden", 64, 10, Activation::Relu),
        dense("output", 10, 3, Activation::Identity),
    ]
}

/// Activations that curve, and gates.
fn curved() -> Vec<Layer> {
    let with = |activation, name: &str, channels, kernel, stride| Convolution {
        activation,
        ..convolution(name, channels, kernel, stride)
    };
    let gate = |name: &str, [inner, outer]: [Activation; 2]| {
        let layer = |part: &str, channels, activation| {
            let layer = with(activation, &format!("{name}.{part}"), channels, 1, 1);
            Convolution { norm: None, bias: true, ..layer }
        };
        let (reduce, expand) = (layer("fc1", (12, 3), inner), layer("fc2", (3, 12), outer));
        Layer::SqueezeExcite(SqueezeExcite { reduce, expand })
    };
    let filter = with(Activation::HardSwish, "filter", (12, 12), 3, 1);
    vec![
        Layer::Convolution(with(Activation::HardSwish, "first", (5, 6), 3, 2)),
        Layer::Residual {
            body: vec![
                Layer::Convolution(with(Activation::Silu, "expand", (6, 12), 1, 1)),
                Layer::Convolution(Convolution { groups: 12, ..filter }),
                gate("gate", [Activation::Silu, Activation::Sigmoid]),
                Layer::Convolution(with(Activation::Identity, "project", (12, 6), 1, 1)),
            ],
            shortcut: vec![],
            activation: Activation::Silu,
        },
        Layer::Convolution(with(Activation::Sigmoid, "second", (6, 12), 3, 2)),
        gate("gate_2", [Activation::HardSwish, Activation::HardSigmoid]),
        Layer::GlobalAveragePool,
        dense("hidden", 12, 10, Activation::HardSwish),
        dense("output", 10, 3, Activation::Identity),
    ]
}

/// Branches side by side, normalisation by itself, and means of windows.
fn joined() -> Vec<Layer> {
    let norm = BatchNorm { name: "alone".into(), epsilon: 1e-3 };
    let added = Convolution { activation: Activation::Silu, ..convolution("added", (6, 4), 3, 1) };
    vec![
        Layer::Convolution(Convolution {
            activation: Activation::Silu,
            ..convolution("first", (5, 6), 3, 2)
        }),
        Layer::Concatenate {
            branches: vec![
                vec![],
                vec![
                    Layer::Norm(Norm { norm, channels: 6, activation: Activation::Silu }),
                    Layer::Convolution(added),
                ],
            ],
        },
        Layer::AveragePool { window: 2 },
        Layer::Flatten,
        dense("output", 60, 3, Activation::Identity),
    ]
}

#[test]
fn gradients_are_the_slopes() {
    assert_slopes(small(), 1e-3);
    // Nothing is switched on or off, so that longer steps may be taken.
    assert_slopes(curved(), 1e-2);
    assert_slopes(joined(), 1e-2);
}

/// Holds the gradients of `layers` to differences over steps of at most `longest`.
fn assert_slopes(layers: Vec<Layer>, longest: f32) {
    let (input, batch) = (MapShape::new(9, 11, 5), 4);
    let weights = weights(&layers);
    let net = tail(&layers, input, &weights);
    let maps = values(batch * input.len(), 1.0, 3);
    let factors = values(batch * 3, 1.0, 4);
    let mut leaves = net.parameters(&weights);
    for leaf in leaves.values_mut() {
        leaf.values = Tensor::from_inner(leaf.values.clone()).require_grad();
    }
    let logits = net.forward(&leaves, Tensor::from_inner(features(&maps, batch, input)), None);
    let by = Tensor::<2>::from_data(TensorData::new(factors.clone(), [batch, 3]), &Device::flex());
    let gradients = (logits * Tensor::from_inner(by)).sum().backward();

    let sum = |weights: &Weights| -> f64 {
        let logits = Plan::new(&layers, weights, input).forward(&maps, batch, &mut Buffers::default());
        logits.iter().zip(&factors).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    for (index, (name, leaf)) in leaves.iter().enumerate() {
        let gradient = host(leaf.values.grad(&gradients).expect("a gradient for each parameter"));
        // The gradient's own direction, in which the slope is largest, and any other.
        let length = gradient.iter().map(|value| value * value).sum::<f32>().sqrt();
        let along: Vec<f32> = gradient.iter().map(|value| value / length).collect();
        let any = values(gradient.len(), 1.0 / (gradient.len() as f32).sqrt(), 20 + index as u64);
        for direction in [along, any] {
            let moved = |by: f32| {
                let mut weights = weights.clone();
                let tensor = weights.get(name).clone();
                let values = tensor.values.iter().zip(&direction).map(|(value, way)| value + by * way);
                weights.insert(name, tensor.shape.clone(), values.collect());
                sum(&weights)
            };
            // Short where the slope is steep, so that few units are switched on or off on the way.
            let step = (3.0 * longest / length).min(longest);
            let slope = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
            let expected: f32 = gradient.iter().zip(&direction).map(|(a, b)| a * b).sum();
            let error = (slope - f64::from(expected)).abs() / f64::from(length);
            assert!(error < 1e-2, "{name}: slope {slope}, gradient {expected}");
        }
    }
}
