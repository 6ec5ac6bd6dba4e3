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
