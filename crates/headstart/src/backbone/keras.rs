//! Keras's nets: torchvision's with Keras's names, padding and epsilon. Layers and names are those of
//! `keras.applications` (Keras 3); what they read is in `entries.rs`.

use super::spec::{BatchNorm, Convolution, Layer, Padding, Spec};
use super::{densenet, efficientnet, mobilenet_v2, resnet};

/// Batch normalisation's epsilon of ResNet and DenseNet.
const EPSILON: f32 = 1.001e-5;
/// And of the nets that Google made.
const GOOGLES_EPSILON: f32 = 1e-3;

/// A convolution, or a normalisation by itself.
enum Part<'a> {
    Convolution(&'a mut Convolution),
    Norm(&'a mut BatchNorm),
}

/// ResNet-50, whose bottlenecks have their stride on the first convolution ("v1"), and biases.
pub fn resnet50() -> Spec {
    let mut spec = Spec { name: "resnet50-keras".into(), ..resnet::RESNET50.spec() };
    for layer in spec.blocks.iter_mut().flat_map(|block| &mut block.layers) {
        if let Layer::Residual { body, .. } = layer
            && let [Layer::Convolution(first), Layer::Convolution(second), ..] = body.as_mut_slice()
        {
            std::mem::swap(&mut first.stride, &mut second.stride);
        }
    }
    change(&mut spec, |part| {
        if let Part::Convolution(layer) = part {
            let base = resnet_name(&layer.name);
            layer.bias = true;
            rename(layer, format!("{base}_conv"), format!("{base}_bn"), EPSILON);
        }
    });
    spec
}

/// `conv1` for the stem, `conv3_block2_1` for `layer2.1.conv1`, `conv3_block2_0` for its shortcut.
fn resnet_name(torchvision: &str) -> String {
    let parts: Vec<&str> = torchvision.split('.').collect();
    match parts[..] {
        [stage, block, part, ..] => {
            let number = part.strip_prefix("conv").unwrap_or("0");
            format!("conv{}_block{}_{number}", after("layer", stage) + 1, after("", block) + 1)
        }
        _ => "conv1".into(),
    }
}

/// DenseNet-121.
pub fn densenet121() -> Spec {
    let mut spec = Spec { name: "densenet121-keras".into(), ..densenet::DENSENET121.spec() };
    change(&mut spec, |part| match part {
        Part::Convolution(layer) => {
            let name = densenet_name(&layer.name);
            let norm = name.replace("_conv", "_bn");
            rename(layer, name, norm, EPSILON);
        }
        Part::Norm(norm) => (norm.name, norm.epsilon) = (densenet_name(&norm.name), EPSILON),
    });
    spec
}

fn densenet_name(torchvision: &str) -> String {
    let parts: Vec<&str> = torchvision.split('.').skip(1).collect();
    match parts[..] {
        [block, layer, part] => {
            let place = match part {
                "norm1" => "0_bn",
                "conv1" => "1_conv",
                _ => "2_conv",
            };
            format!("conv{}_block{}_{place}", after("denseblock", block) + 1, after("denselayer", layer))
        }
        [transition, part] => {
            let part = if part == "norm" { "bn" } else { "conv" };
            format!("pool{}_{part}", after("transition", transition) + 1)
        }
        ["conv0"] => "conv1_conv".into(),
        _ => "bn".into(),
    }
}

/// MobileNetV2.
pub fn mobilenet_v2() -> Spec {
    let mut spec = Spec { name: "mobilenet-v2-keras".into(), ..mobilenet_v2::mobilenet_v2() };
    change(&mut spec, |part| {
        if let Part::Convolution(layer) = part {
            let (name, norm) = mobilenet_name(layer);
            layer.padding = Padding::Same;
            rename(layer, name, norm, GOOGLES_EPSILON);
        }
    });
    spec
}

fn mobilenet_name(layer: &Convolution) -> (String, String) {
    let block = match number(&layer.name, 1) {
        0 => return ("Conv1".into(), "bn_Conv1".into()),
        18 => return ("Conv_1".into(), "Conv_1_bn".into()),
        1 => "expanded_conv".to_string(),
        block => format!("block_{}", block - 1),
    };
    let name = format!("{block}_{}", role(layer, ["expand", "depthwise", "project"]));
    (name.clone(), format!("{name}_BN"))
}

/// EfficientNet-B0. The scaling of pixels that is its first layers is its preprocessing here.
pub fn efficientnet_b0() -> Spec {
    let mut spec = Spec { name: "efficientnet-b0-keras".into(), ..efficientnet::B0.spec() };
    change(&mut spec, |part| {
        if let Part::Convolution(layer) = part {
            let (name, norm) = efficientnet_name(layer);
            layer.padding = Padding::Same;
            rename(layer, name, norm, GOOGLES_EPSILON);
        }
    });
    spec
}

fn efficientnet_name(layer: &Convolution) -> (String, String) {
    let stage = match number(&layer.name, 1) {
        0 => return ("stem_conv".into(), "stem_bn".into()),
        8 => return ("top_conv".into(), "top_bn".into()),
        stage => stage,
    };
    let letter = char::from(b'a' + number(&layer.name, 2) as u8);
    let block = format!("block{stage}{letter}");
    let name = match layer.name.rsplit('.').next() {
        Some("fc1") => format!("{block}_se_reduce"),
        Some("fc2") => format!("{block}_se_expand"),
        _ => format!("{block}_{}", role(layer, ["expand_conv", "dwconv", "project_conv"])),
    };
    let norm = format!("{block}_{}", role(layer, ["expand_bn", "bn", "project_bn"]));
    (name, norm)
}

/// Which of an inverted bottleneck's convolutions a layer is: the one that expands, filters or projects.
fn role<'a>(layer: &Convolution, [expands, filters, projects]: [&'a str; 3]) -> &'a str {
    match layer.groups {
        1 if layer.output < layer.input => projects,
        1 => expands,
        _ => filters,
    }
}

/// The number in a part of a name, such as 3 in the part 1 of `features.3.0`.
fn number(name: &str, part: usize) -> usize {
    after("", name.split('.').nth(part).unwrap_or_default())
}

/// The number behind a word.
fn after(word: &str, text: &str) -> usize {
    text.strip_prefix(word).and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn rename(layer: &mut Convolution, name: String, norm: String, epsilon: f32) {
    layer.name = name;
    layer.norm = layer.norm.take().map(|_| BatchNorm { name: norm, epsilon });
}

/// Changes each convolution, and each normalisation that follows none.
fn change(spec: &mut Spec, mut edit: impl FnMut(Part<'_>)) {
    let mut waiting: Vec<&mut Layer> = spec.blocks.iter_mut().flat_map(|block| &mut block.layers).collect();
    while let Some(layer) = waiting.pop() {
        match layer {
            Layer::Convolution(layer) => edit(Part::Convolution(layer)),
            Layer::Norm(layer) => edit(Part::Norm(&mut layer.norm)),
            Layer::SqueezeExcite(gate) => {
                edit(Part::Convolution(&mut gate.reduce));
                edit(Part::Convolution(&mut gate.expand));
            }
            Layer::Residual { body, shortcut, .. } => waiting.extend(body.iter_mut().chain(shortcut)),
            Layer::Concatenate { branches } => waiting.extend(branches.iter_mut().flatten()),
            Layer::AveragePool { .. }
            | Layer::MaxPool(_)
            | Layer::GlobalAveragePool
            | Layer::Flatten
            | Layer::Dropout { .. }
            | Layer::Dense(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(spec: &Spec) -> Vec<String> {
        spec.all_layers().flat_map(Layer::parameters).map(|(name, _)| name).collect()
    }

    #[test]
    fn layers_have_keras_s_names() {
        let known = [
            (resnet50(), "conv2_block1_0_conv.weight conv5_block3_3_bn.bias conv1_conv.bias"),
            (
                densenet121(),
                "conv1_bn.weight conv2_block1_0_bn.weight conv5_block16_2_conv.weight pool4_conv.weight bn.bias",
            ),
            (
                mobilenet_v2(),
                "Conv1.weight bn_Conv1.bias expanded_conv_depthwise.weight block_16_project_BN.bias Conv_1_bn.weight",
            ),
            (
                efficientnet_b0(),
                "stem_conv.weight block1a_se_reduce.bias block4c_expand_bn.weight block7a_project_conv.weight",
            ),
        ];
        for (spec, expected) in known {
            let names = names(&spec);
            for name in expected.split(' ') {
                assert!(names.iter().any(|known| known == name), "{} has no {name}: {names:?}", spec.name);
            }
        }
    }

    #[test]
    fn strides_of_resnet_lie_on_the_first_convolution() {
        let spec = resnet50();
        let strides: Vec<usize> = spec
            .layers(2..3)
            .take(1)
            .flat_map(|layer| match layer {
                Layer::Residual { body, .. } => body
                    .iter()
                    .filter_map(|layer| match layer {
                        Layer::Convolution(layer) => Some(layer.stride),
                        _ => None,
                    })
                    .collect(),
                _ => vec![],
            })
            .collect();
        assert_eq!(strides, [2, 1, 1]);
    }
}
