//! A net's spec as the rows that diagram and summary show.

use super::LayerRow;
use crate::backbone::spec::{Activation, Block, Convolution, Layer, MapShape};

/// One row for each layer of `blocks`, residual bodies included, for an input of shape `input`; those
/// before block `cut` are frozen.
pub fn layer_rows(blocks: &[Block], cut: usize, input: MapShape) -> Vec<LayerRow> {
    let (mut rows, mut shape) = (Vec::new(), input);
    for (index, block) in blocks.iter().enumerate() {
        let mut writer = Writer { block: &block.name, trainable: index >= cut, rows: &mut rows };
        for layer in &block.layers {
            writer.layer(layer, shape);
            shape = layer.output(shape);
        }
    }
    rows
}

struct Writer<'a> {
    block: &'a str,
    trainable: bool,
    rows: &'a mut Vec<LayerRow>,
}

impl Writer<'_> {
    fn layer(&mut self, layer: &Layer, input: MapShape) {
        if let Layer::Residual { body } = layer {
            let mut shape = input;
            for layer in body {
                self.layer(layer, shape);
                shape = layer.output(shape);
            }
        }
        let parameters = match layer {
            // Its body has been counted.
            Layer::Residual { .. } => 0,
            _ => crate::backbone::spec::count([layer]),
        };
        self.rows.push(LayerRow {
            name: self.name(layer),
            kind: kind(layer),
            output: axes(layer.output(input)),
            parameters,
            trainable: self.trainable,
            block: self.block.into(),
        });
    }

    /// A layer with weights is called as they are, another after its block.
    fn name(&self, layer: &Layer) -> String {
        let of_block = |what: &str| format!("{}_{what}", self.block);
        match layer {
            Layer::Convolution(layer) => layer.name.clone(),
            Layer::Dense(layer) => layer.name.clone(),
            Layer::MaxPool { .. } | Layer::GlobalAveragePool => of_block("pool"),
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
        Layer::MaxPool { window } => format!("Max pool {window}×{window}"),
        Layer::Residual { .. } => "Add".into(),
        Layer::GlobalAveragePool => "Global average pool".into(),
        Layer::Flatten => "Flatten".into(),
        Layer::Dropout { rate } => format!("Dropout {rate}"),
        Layer::Dense(layer) => format!("Dense{}", activation(layer.activation)),
    }
}

fn convolution(layer: &Convolution) -> String {
    let how = if layer.groups > 1 { "Depthwise" } else { "Conv" };
    let stride = if layer.stride > 1 { format!(" /{}", layer.stride) } else { String::new() };
    let norm = if layer.norm.is_some() { ", BN" } else { "" };
    format!("{how} {0}×{0}{stride}{norm}{1}", layer.kernel, activation(layer.activation))
}

fn activation(activation: Activation) -> &'static str {
    match activation {
        Activation::Identity => "",
        Activation::Relu => ", ReLU",
        Activation::Relu6 => ", ReLU6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::{efficientnet, vgg};
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
}
