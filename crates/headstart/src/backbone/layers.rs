//! A net's spec as the rows that diagram and summary show.

use super::spec::{Activation, Block, Convolution, Layer, MapShape, MaxPool};

/// One layer, as diagram and summary show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRow {
    /// As in the weights' file: `block1_conv1`.
    pub name: String,
    /// What it does: `Conv 3×3, ReLU`.
    pub kind: String,
    /// `[H, W, C]` or `[N]`.
    pub output: Vec<usize>,
    /// Number of values that training could change.
    pub parameters: usize,
    /// Whether training does change them.
    pub trainable: bool,
    /// Neighbours of the same block are drawn in one box.
    pub block: String,
    /// How many rows before this one a shortcut leads around; 0 for none.
    pub skips: usize,
}

impl LayerRow {
    /// `224×224×64`.
    pub(crate) fn shape(&self) -> String {
        self.output.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
    }
}

/// One row for each layer of `blocks`, residual bodies included, for an input of shape `input`; those
/// before block `cut` are frozen.
pub fn layer_rows(blocks: &[Block], cut: usize, input: MapShape) -> Vec<LayerRow> {
    let (mut rows, mut shape) = (Vec::new(), input);
    for (index, block) in blocks.iter().enumerate() {
        let start = rows.len();
        let mut writer = Writer { block: &block.name, start, trainable: index >= cut, rows: &mut rows };
        for layer in &block.layers {
            writer.layer(layer, shape);
            shape = layer.output(shape);
        }
    }
    rows
}

struct Writer<'a> {
    block: &'a str,
    /// Rows before the block.
    start: usize,
    trainable: bool,
    rows: &'a mut Vec<LayerRow>,
}

impl Writer<'_> {
    fn layer(&mut self, layer: &Layer, input: MapShape) {
        let before = self.rows.len();
        let branches = match layer {
            Layer::Residual { body, shortcut, .. } => vec![body, shortcut],
            Layer::Concatenate { branches } => branches.iter().collect(),
            _ => vec![],
        };
        for branch in branches {
            let mut shape = input;
            for layer in branch {
                self.layer(layer, shape);
                shape = layer.output(shape);
            }
        }
        let parameters = match layer {
            // Their branches have been counted.
            Layer::Residual { .. } | Layer::Concatenate { .. } => 0,
            _ => crate::backbone::spec::count([layer]),
        };
        self.rows.push(LayerRow {
            name: self.unique(self.name(layer)),
            kind: kind(layer),
            output: axes(layer.output(input)),
            parameters,
            trainable: self.trainable,
            block: self.block.into(),
            skips: self.rows.len() - before,
        });
    }

    /// The name, with a number behind it where the block has one of that name.
    fn unique(&self, name: String) -> String {
        let is_taken = |name: &String| self.rows[self.start..].iter().any(|row| row.name == *name);
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        [name.clone()].into_iter().chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
    }

    /// A layer with weights is called as they are, another after its block.
    fn name(&self, layer: &Layer) -> String {
        let of_block = |what: &str| format!("{}_{what}", self.block);
        match layer {
            Layer::Convolution(layer) => layer.name.clone(),
            Layer::Dense(layer) => layer.name.clone(),
            // What its two layers' names have in common.
            Layer::SqueezeExcite(gate) => match gate.reduce.name.rsplit_once('.') {
                Some((gate, _)) => gate.into(),
                None => gate.reduce.name.clone(),
            },
            Layer::Norm(layer) => layer.norm.name.clone(),
            Layer::MaxPool(_) | Layer::AveragePool { .. } | Layer::GlobalAveragePool => of_block("pool"),
            Layer::Concatenate { .. } => of_block("concatenate"),
            Layer::Residual { .. } => of_block("add"),
            Layer::Flatten => of_block("flatten"),
            Layer::Dropout { .. } => of_block("dropout"),
        }
    }
}

/// `[H, W, C]`, or `[C]` of a vector.
fn axes(shape: MapShape) -> Vec<usize> {
    match (shape.height, shape.width) {
        (1, 1) => vec![shape.channels],
        (height, width) => vec![height, width, shape.channels],
    }
}

fn kind(layer: &Layer) -> String {
    match layer {
        Layer::Convolution(layer) => convolution(layer),
        Layer::Norm(layer) => format!("BN{}", activation(layer.activation)),
        Layer::AveragePool { window } => format!("Average pool {window}×{window}{}", stride(*window)),
        Layer::Concatenate { .. } => "Concatenate".into(),
        Layer::SqueezeExcite(gate) => format!("Squeeze and excite{}", activation(gate.expand.activation)),
        Layer::MaxPool(MaxPool { window, stride: step, .. }) => {
            format!("Max pool {window}×{window}{}", stride(step.unwrap_or(1)))
        }
        Layer::Residual { activation: behind, .. } => format!("Add{}", activation(*behind)),
        Layer::GlobalAveragePool => "Global average pool".into(),
        Layer::Flatten => "Flatten".into(),
        Layer::Dropout { rate } => format!("Dropout {rate}"),
        Layer::Dense(layer) => format!("Dense{}", activation(layer.activation)),
    }
}

fn convolution(layer: &Convolution) -> String {
    let how = if layer.groups > 1 { "Depthwise" } else { "Conv" };
    let stride = stride(layer.stride);
    let norm = if layer.norm.is_some() { ", BN" } else { "" };
    format!("{how} {0}×{0}{stride}{norm}{1}", layer.kernel, activation(layer.activation))
}

fn stride(stride: usize) -> String {
    if stride > 1 { format!(" /{stride}") } else { String::new() }
}

fn activation(activation: Activation) -> &'static str {
    match activation {
        Activation::Identity => "",
        Activation::Relu => ", ReLU",
        Activation::Relu6 => ", ReLU6",
        Activation::Silu => ", SiLU",
        Activation::HardSwish => ", hard swish",
        Activation::Sigmoid => ", sigmoid",
        Activation::HardSigmoid => ", hard sigmoid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::{efficientnet, resnet, vgg};
    use crate::report::summary_table;

    #[test]
    fn vgg_reads_like_keras() {
        let rows = layer_rows(&vgg::vgg16().blocks, 4, MapShape::new(224, 224, 3));
        assert_eq!(rows.len(), 18);
        assert_eq!(
            (rows[0].kind.as_str(), rows[0].output.as_slice()),
            ("Conv 3×3, ReLU", &[224, 224, 64][..])
        );
        assert_eq!((rows[2].name.as_str(), rows[17].output.as_slice()), ("block1_pool", &[7, 7, 512][..]));
        let table = summary_table("vgg16", &rows);
        assert!(table.contains("14,714,688") && table.contains("7,079,424"), "{table}");
    }

    #[test]
    fn residual_bodies_are_counted_once() {
        let spec = efficientnet::efficientnet_lite0();
        let rows = layer_rows(&spec.blocks, 0, MapShape::new(224, 224, 3));
        assert_eq!(rows.iter().map(|row| row.parameters).sum::<usize>(), spec.parameter_count());
        // Stem, 2 + 15 · 3 convolutions of the bottlenecks, nine additions, top.
        assert_eq!(rows.len(), 1 + 47 + 9 + 1);
    }

    #[test]
    fn gates_are_rows() {
        let spec = efficientnet::efficientnet_b0();
        let rows = layer_rows(&spec.blocks, 0, MapShape::new(224, 224, 3));
        assert_eq!(rows.iter().map(|row| row.parameters).sum::<usize>(), spec.parameter_count());
        // As Lite0, and a gate in each of 16 bottlenecks.
        assert_eq!(rows.len(), 1 + 47 + 16 + 9 + 1);
        let gate = rows.iter().find(|row| row.name == "features.1.0.block.1").expect("the first gate");
        assert_eq!(gate.kind, "Squeeze and excite, sigmoid");
        assert_eq!(
            (gate.parameters, gate.output.as_slice()),
            (32 * 8 + 8 + 8 * 32 + 32, &[112, 112, 32][..])
        );
    }

    #[test]
    fn shortcuts_are_rows_of_their_own() {
        let spec = resnet::resnet50();
        let rows = layer_rows(&spec.blocks, 0, MapShape::new(224, 224, 3));
        assert_eq!(rows.iter().map(|row| row.parameters).sum::<usize>(), spec.parameter_count());
        // Stem and pool, three convolutions and a sum of each bottleneck, four shortcuts.
        assert_eq!(rows.len(), 2 + 4 * 16 + 4);
        let kind = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.kind.as_str());
        assert_eq!(kind("stem_pool"), Some("Max pool 3×3 /2"));
        assert_eq!(kind("layer2.0.downsample.0"), Some("Conv 1×1 /2, BN"));
        assert_eq!(kind("layer2_add"), Some("Add, ReLU"));
        assert_eq!(kind("layer2_add_4"), Some("Add, ReLU"));
        let skips: Vec<usize> = rows.iter().map(|row| row.skips).filter(|skips| *skips > 0).collect();
        assert_eq!((skips.len(), skips[0], skips[1]), (16, 4, 3));
        let names: std::collections::BTreeSet<&String> = rows.iter().map(|row| &row.name).collect();
        assert_eq!(names.len(), rows.len());
    }
}
