//! Inverted bottlenecks (Sandler et al. 2018, arXiv:1801.04381), with or without squeeze and excitation, as
//! torchvision builds and names them.

use super::spec::{Activation, BatchNorm, Block, Convolution, Layer, Padding, SqueezeExcite};

/// What all convolutions of a net share.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Of batch normalisation.
    pub(super) epsilon: f32,
}

/// What a gate's two layers end with, and the channels between them.
#[derive(Clone, Copy)]
pub(super) struct Gate {
    pub(super) squeezed: usize,
    pub(super) inner: Activation,
    pub(super) outer: Activation,
}

/// An inverted bottleneck.
#[derive(Clone, Copy)]
pub(super) struct Bottleneck {
    pub(super) input: usize,
    pub(super) wide: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) gate: Option<Gate>,
    pub(super) activation: Activation,
}

impl Style {
    /// A convolution with its normalisation, which torchvision keeps in `NAME.0` and `NAME.1`.
    pub(super) fn convolution(
        self,
        name: &str,
        (input, output): (usize, usize),
        kernel: usize,
        stride: usize,
        activation: Activation,
    ) -> Convolution {
        Convolution {
            name: format!("{name}.0"),
            input,
            output,
            kernel,
            stride,
            padding: Padding::Symmetric,
            groups: 1,
            bias: false,
            norm: Some(BatchNorm { name: format!("{name}.1"), epsilon: self.epsilon }),
            activation,
        }
    }

    /// Expand (1×1) unless it is as wide already, filter each channel, weigh the channels, project (1×1, linear);
    /// the input is added where it has the output's shape.
    fn bottleneck(self, name: &str, shape: Bottleneck) -> Vec<Layer> {
        let Bottleneck { input, wide, output, kernel, stride, gate, activation } = shape;
        let mut body = Vec::new();
        let part = |body: &[Layer]| format!("{name}.block.{}", body.len());
        if wide != input {
            let expand = self.convolution(&part(&body), (input, wide), 1, 1, activation);
            body.push(Layer::Convolution(expand));
        }
        let filter = self.convolution(&part(&body), (wide, wide), kernel, stride, activation);
        body.push(Layer::Convolution(Convolution { groups: wide, ..filter }));
        if let Some(gate) = gate {
            body.push(gate.layer(&part(&body), wide));
        }
        let project = self.convolution(&part(&body), (wide, output), 1, 1, Activation::Identity);
        body.push(Layer::Convolution(project));
        match stride == 1 && input == output {
            true => vec![Layer::Residual { body, shortcut: vec![], activation: Activation::Identity }],
            false => body,
        }
    }

    /// A block of bottlenecks, each with its name.
    pub(super) fn block(
        self,
        name: String,
        bottlenecks: impl IntoIterator<Item = (String, Bottleneck)>,
    ) -> Block {
        let layers = bottlenecks.into_iter().flat_map(|(name, shape)| self.bottleneck(&name, shape));
        Block { name, layers: layers.collect() }
    }

    /// A block of one convolution.
    pub(super) fn single(self, block: &str, convolution: Convolution) -> Block {
        Block { name: block.into(), layers: vec![Layer::Convolution(convolution)] }
    }
}

impl Gate {
    fn layer(self, name: &str, channels: usize) -> Layer {
        let convolution = |part: &str, input, output, activation| Convolution {
            name: format!("{name}.{part}"),
            input,
            output,
            kernel: 1,
            stride: 1,
            padding: Padding::Symmetric,
            groups: 1,
            bias: true,
            norm: None,
            activation,
        };
        Layer::SqueezeExcite(SqueezeExcite {
            reduce: convolution("fc1", channels, self.squeezed, self.inner),
            expand: convolution("fc2", self.squeezed, channels, self.outer),
        })
    }
}
