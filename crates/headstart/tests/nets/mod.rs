//! Small nets of every kind of layer, and drawn weights for any net.

// Each test program uses its own part of this.
#![allow(dead_code)]

use headstart::backbone::spec::{
    Activation, BatchNorm, Convolution, Dense, Layer, MaxPool, Norm, Padding, SqueezeExcite,
};
use headstart::backbone::weights::Weights;

/// Seeded values in -bound..bound.
pub fn values(length: usize, bound: f32, seed: u64) -> Vec<f32> {
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
pub fn weights(layers: &[Layer]) -> Weights {
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

pub fn dense(name: &str, input: usize, output: usize, activation: Activation) -> Layer {
    Layer::Dense(Dense { name: name.into(), input, output, activation, l2: 0.0 })
}

pub fn convolution(name: &str, (input, output): (usize, usize), kernel: usize, stride: usize) -> Convolution {
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
pub fn small() -> Vec<Layer> {
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
pub fn curved() -> Vec<Layer> {
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
pub fn joined() -> Vec<Layer> {
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
