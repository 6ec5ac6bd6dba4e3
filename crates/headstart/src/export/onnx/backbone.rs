//! A pretrained net alone, up to a cut: from images to their features.

use std::path::Path;

use super::builder::Builder;
use super::proto::{Element, Graph, Model, ValueInfo};
use super::{Pixels, Written, metadata, net, same_file, views};
use crate::backbone::spec::{Layer, MapShape};
use crate::backbone::{Backbone, Unfreeze};
use crate::error::{Error, Result};
use crate::features::input;
use crate::gate::pool;
use crate::image::Image;
use crate::trunk::{Buffers, Plan};

/// A pretrained net, and which part of it is exported.
#[derive(Debug, Clone)]
pub struct Pretrained<'a> {
    /// Its name, as [`Backbone::load`] takes it.
    pub name: &'a str,
    /// The file of its weights; none where they are embedded or were pulled.
    pub weights: Option<&'a Path>,
    /// Side of the images that it shall read; its own by default.
    pub image_size: Option<usize>,
    /// What would be trained is left out.
    pub unfreeze: Unfreeze,
}

/// Writes a pretrained net as an ONNX file with the outputs `features` `[N, C, H, W]` and `pooled` `[N, C]`, whole or not
/// at all.
///
/// # Errors
/// As [`Backbone::load_at`], a cut before the first block, or a file that cannot be written.
pub fn export_backbone(net: &Pretrained<'_>, out: &Path, pixels: Pixels) -> Result<Written> {
    if net.weights.is_some_and(|weights| same_file(weights, out)) {
        return Err(Error::setting("out", "another file than the weights'", out.display().to_string()));
    }
    let backbone = Backbone::load_at(net.name, net.weights, net.image_size)?;
    let cut = backbone.spec.cut(&net.unfreeze)?;
    let Some(last) = cut.checked_sub(1).map(|last| &backbone.spec.blocks[last]) else {
        let expected = "none, last-block or a block behind the first";
        return Err(Error::setting("unfreeze", expected, format!("{}: no layer is left", net.unfreeze)));
    };
    pixels.check(&backbone.preprocess)?;
    let layers: Vec<Layer> = backbone.spec.layers(0..cut).cloned().collect();
    let (input, plan) = (input(&backbone.preprocess), |input| Plan::new(&layers, &backbone.weights, input));
    let golden = |picture: &Image| features_of(&plan(input), &backbone, picture);
    let file = Model {
        doc_string: format!("{}, pretrained, up to block {}", backbone.spec.name, last.name),
        graph: Some(graph(&backbone, &layers, pixels)),
        metadata_props: metadata::of_backbone(&backbone, &last.name, pixels, golden),
        ..super::file()
    };
    super::write(&file, Path::new(net.name), out)
}

/// Means over the places of an image's features.
fn features_of(plan: &Plan, backbone: &Backbone, picture: &Image) -> Vec<f32> {
    let maps = plan.forward(&backbone.preprocess.apply(picture), 1, &mut Buffers::default());
    pool(&maps, plan.output()).remove(0)
}

fn graph(backbone: &Backbone, layers: &[Layer], pixels: Pixels) -> Graph {
    let mut builder = Builder::default();
    let graph = &mut builder;
    let input = views::write(graph, &backbone.preprocess, &[], pixels);
    let maps = net::trunk(graph, &backbone.weights, layers, (&input, backbone.preprocess.size));
    let pooled = maps.pooled(graph, "pooled/");
    let features = maps.as_map(graph, "features/");
    let outputs =
        [graph.plain("Identity", &[&features], "features"), graph.plain("Identity", &[&pooled], "pooled")];
    let MapShape { height, width, channels } = maps.shape;
    let tensor = |name: &str, axes: &[usize], meaning: &str| {
        let axes: Vec<_> = std::iter::once(Err("batch")).chain(axes.iter().copied().map(Ok)).collect();
        ValueInfo::tensor(name, Element::Float32, &axes, meaning)
    };
    Graph {
        node: builder.nodes,
        name: backbone.spec.name.clone(),
        initializer: builder.constants,
        input: vec![views::input(&backbone.preprocess, pixels)],
        output: vec![
            tensor(&outputs[0], &[channels, height, width], "maps at the cut"),
            tensor(&outputs[1], &[channels], "their means over rows and columns"),
        ],
    }
}
