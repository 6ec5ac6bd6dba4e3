//! ResNets (He et al. 2015, arXiv:1512.03385; the wide one Zagoruyko & Komodakis 2016, arXiv:1605.07146), without their
//! classifier. Layers and tensor names are torchvision's, whose bottlenecks have their stride on the 3×3 convolution
//! ("v1.5").

use super::spec::{Activation, BatchNorm, Block, Convolution, Layer, MaxPool, Padding, Spec};

/// What a net is made of.
#[derive(Clone, Copy)]
enum Kind {
    /// Two 3×3 convolutions.
    Basic,
    /// Reduce (1×1), filter (3×3), expand (1×1); channels within for each of a plain net.
    Bottleneck { width: usize },
}

/// A member of the family.
pub struct Member {
    name: &'static str,
    kind: Kind,
    /// Residuals of each stage.
    repeats: [usize; 4],
}

use Kind::{Basic, Bottleneck};

/// 18 layers.
pub const RESNET18: Member = Member { name: "resnet18", kind: Basic, repeats: [2, 2, 2, 2] };
/// 34 layers.
pub const RESNET34: Member = Member { name: "resnet34", kind: Basic, repeats: [3, 4, 6, 3] };
/// 50 layers.
pub const RESNET50: Member =
    Member { name: "resnet50", kind: Bottleneck { width: 1 }, repeats: [3, 4, 6, 3] };
/// 101 layers.
pub const RESNET101: Member =
    Member { name: "resnet101", kind: Bottleneck { width: 1 }, repeats: [3, 4, 23, 3] };
/// 152 layers.
pub const RESNET152: Member =
    Member { name: "resnet152", kind: Bottleneck { width: 1 }, repeats: [3, 8, 36, 3] };
/// 50 layers, within the bottlenecks twice as wide.
pub const WIDE_RESNET50_2: Member =
    Member { name: "wide-resnet50-2", kind: Bottleneck { width: 2 }, repeats: [3, 4, 6, 3] };

/// ResNet-50.
pub fn resnet50() -> Spec {
    RESNET50.spec()
}

impl Member {
    /// Stem and four stages (`layer1` to `layer4`).
    pub fn spec(&self) -> Spec {
        let stem = convolution("conv1", "bn1", (3, 64), 7, 2, Activation::Relu);
        let pool = Layer::MaxPool(MaxPool { window: 3, stride: Some(2), padding: 1 });
        let mut blocks = vec![Block { name: "stem".into(), layers: vec![stem, pool] }];
        let mut input = 64;
        for (index, &repeats) in self.repeats.iter().enumerate() {
            let name = format!("layer{}", index + 1);
            let channels = 64 << index;
            let mut layers = Vec::new();
            for repeat in 0..repeats {
                let stride = if repeat == 0 && index > 0 { 2 } else { 1 };
                layers.push(self.kind.residual(&format!("{name}.{repeat}"), input, channels, stride));
                input = self.kind.output(channels);
            }
            blocks.push(Block { name, layers });
        }
        Spec { name: self.name.into(), blocks, last_block: "layer4".into() }
    }
}

impl Kind {
    /// Channels behind a residual of a stage of `channels`.
    fn output(self, channels: usize) -> usize {
        match self {
            Basic => channels,
            Bottleneck { .. } => 4 * channels,
        }
    }

    /// The input goes through a shortcut where it has another shape than the output.
    fn residual(self, name: &str, input: usize, channels: usize, stride: usize) -> Layer {
        let output = self.output(channels);
        let part = |number: usize, channels, kernel, stride, activation| {
            let (convolution_name, norm) = (format!("{name}.conv{number}"), format!("{name}.bn{number}"));
            convolution(&convolution_name, &norm, channels, kernel, stride, activation)
        };
        let body = match self {
            Basic => vec![
                part(1, (input, channels), 3, stride, Activation::Relu),
                part(2, (channels, output), 3, 1, Activation::Identity),
            ],
            Bottleneck { width } => {
                let narrow = width * channels;
                vec![
                    part(1, (input, narrow), 1, 1, Activation::Relu),
                    part(2, (narrow, narrow), 3, stride, Activation::Relu),
                    part(3, (narrow, output), 1, 1, Activation::Identity),
                ]
            }
        };
        let shortcut = (stride != 1 || input != output).then(|| {
            let name = format!("{name}.downsample");
            let (channels, norm) = ((input, output), format!("{name}.1"));
            convolution(&format!("{name}.0"), &norm, channels, 1, stride, Activation::Identity)
        });
        Layer::Residual { body, shortcut: shortcut.into_iter().collect(), activation: Activation::Relu }
    }
}

/// A tensor's name in torchvision's nets, for one of Hugging Face's Transformers, such as
/// `resnet.encoder.stages.0.layers.1.layer.2.convolution.weight` for `layer1.1.conv3.weight`. timm's are torchvision's.
pub(super) fn current_name(name: String) -> String {
    let Some(inner) = name.strip_prefix("resnet.") else { return name };
    let parts: Vec<&str> = inner.split('.').collect();
    let (convolution, norm) = ("convolution", "normalization");
    let renamed = match parts[..] {
        ["embedder", "embedder", part, value] => [(convolution, "conv1"), (norm, "bn1")]
            .into_iter()
            .find(|(known, _)| *known == part)
            .map(|(_, ours)| format!("{ours}.{value}")),
        ["encoder", "stages", stage, "layers", layer, "shortcut", part, value] => {
            let place = usize::from(part == norm);
            next(stage).map(|stage| format!("layer{stage}.{layer}.downsample.{place}.{value}"))
        }
        ["encoder", "stages", stage, "layers", layer, "layer", number, part, value] => {
            let part = if part == norm { "bn" } else { "conv" };
            next(stage)
                .zip(next(number))
                .map(|(stage, number)| format!("layer{stage}.{layer}.{part}{number}.{value}"))
        }
        _ => None,
    };
    renamed.unwrap_or(name)
}

/// Counted from 1 what is counted from 0.
fn next(number: &str) -> Option<usize> {
    number.parse::<usize>().ok()?.checked_add(1)
}

fn convolution(
    name: &str,
    norm: &str,
    (input, output): (usize, usize),
    kernel: usize,
    stride: usize,
    activation: Activation,
) -> Layer {
    Layer::Convolution(Convolution {
        name: name.into(),
        input,
        output,
        kernel,
        stride,
        padding: Padding::Symmetric,
        groups: 1,
        bias: false,
        norm: Some(BatchNorm { name: norm.into(), epsilon: 1e-5 }),
        activation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_transformers_are_understood() {
        for (theirs, ours) in [
            ("resnet.embedder.embedder.convolution.weight", "conv1.weight"),
            ("resnet.embedder.embedder.normalization.running_var", "bn1.running_var"),
            ("resnet.encoder.stages.0.layers.1.layer.2.convolution.weight", "layer1.1.conv3.weight"),
            ("resnet.encoder.stages.3.layers.0.layer.0.normalization.bias", "layer4.0.bn1.bias"),
            ("resnet.encoder.stages.1.layers.0.shortcut.convolution.weight", "layer2.0.downsample.0.weight"),
            (
                "resnet.encoder.stages.1.layers.0.shortcut.normalization.weight",
                "layer2.0.downsample.1.weight",
            ),
            (
                "resnet.encoder.stages.x.layers.0.shortcut.convolution.weight",
                "resnet.encoder.stages.x.layers.0.shortcut.convolution.weight",
            ),
            ("layer2.0.bn1.weight", "layer2.0.bn1.weight"),
        ] {
            assert_eq!(current_name(theirs.into()), ours);
        }
    }
}
