//! The net that trains against the plan that predicts, and its gradients against differences.

mod nets;

use burn::tensor::{Tensor, TensorData};
use headstart::backbone::spec::{Activation, Layer, MapShape, output_shape};
use headstart::backbone::weights::Weights;
use headstart::backbone::{Backbone, densenet, efficientnet, keras, mobilenet, mobilenet_v2, resnet, vgg};
use headstart::device::Device;
use headstart::network::{Tail, host};
use headstart::trunk::{Buffers, Plan};
use nets::{curved, dense, joined, small, values, weights};

fn tail(layers: &[Layer], input: MapShape, weights: &Weights) -> Tail {
    Tail::new(layers.to_vec(), input, weights, &Device::cpu())
}

fn features(maps: &[f32], batch: usize, shape: MapShape) -> Tensor<4> {
    let data = TensorData::new(maps.to_vec(), [batch, shape.height, shape.width, shape.channels]);
    Tensor::from_data(data, Device::cpu().tensors())
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
    let by = Tensor::<2>::from_data(TensorData::new(factors.clone(), [batch, 3]), Device::cpu().tensors());
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
