//! A sealed model as an ONNX file: preprocessing, net, calibration, gate and prediction sets in one graph, so that ONNX
//! Runtime gives the answers that headstart gives.
//!
//! The graph reads `pixels` (or a `tensor` that was normalised before) and gives `logits`, `scores` and `predicted`, and where the model has a gate or prediction
//! sets `distance`, `refused`, `oddness`, `unusual`, `plausible` and `decided`. Class names, threshold, provenance and
//! the scores of a picture that anybody can draw again lie in its metadata. A pretrained net alone gives `features`.

mod backbone;
mod builder;
mod check;
mod gate;
mod layers;
mod metadata;
mod net;
mod pixels;
mod proto;
pub mod quantise;
mod scores;
#[cfg(test)]
mod tests;
mod views;

use std::path::{Path, PathBuf};

use prost::Message as _;

use crate::classifier::{Classifier, Sealed};
use crate::error::{Error, Result};
use crate::whole_file::write_whole;
pub use backbone::{Pretrained, export_backbone};
use builder::Builder;
use net::Inner;
pub use pixels::Pixels;
use proto::{Element, Graph, Model, OperatorSet, ValueInfo};

/// Version of the operators: the first in which every axis to reduce is an input.
const OPSET: i64 = 18;
/// The file format's version that came with it.
const IR_VERSION: i64 = 8;
/// Bytes of a message of Protocol Buffers, at most.
const MOST_BYTES: usize = i32::MAX as usize;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Size of the file.
    pub bytes: usize,
    /// The graph's input, as `pixels uint8 [batch, 224, 224, 3]`.
    pub input: String,
    /// Names of its outputs.
    pub outputs: Vec<String>,
}

/// Writes the sealed `model` as an ONNX file, whole or not at all. What is written was read again and checked before.
///
/// # Errors
/// A file that is no sealed model, an input that its preprocessing does not allow, a model of more than 2 GiB, or a file
/// that cannot be written.
pub fn export(model: &Path, out: &Path, pixels: Pixels) -> Result<Written> {
    if same_file(model, out) {
        return Err(Error::setting("out", "another file than the model's", out.display().to_string()));
    }
    let (classifier, sealed, digest) = Classifier::load_with_tensors(model)?;
    let (file, _) = compose(&classifier, &sealed, pixels)?;
    let said = metadata::said(&classifier);
    let metadata_props = metadata::properties(&classifier, &digest, pixels, &said, None);
    write(&Model { metadata_props, ..file }, model, out)
}

/// Checks and writes a file that was made of `source`.
fn write(file: &Model, source: &Path, out: &Path) -> Result<Written> {
    if file.encoded_len() > MOST_BYTES {
        let expected = format!("a model that fits into {MOST_BYTES} bytes of ONNX");
        return Err(Error::invalid(source, expected, format!("one that needs {}", file.encoded_len())));
    }
    let bytes = file.encode_to_vec();
    check::bytes(&bytes, out)?;
    write_whole(out, &bytes)?;
    let graph = file.graph.as_ref();
    let input = graph.and_then(|graph| graph.input.first()).map(shown).unwrap_or_default();
    let outputs = graph.into_iter().flat_map(|graph| &graph.output).map(|output| output.name.clone());
    Ok(Written { bytes: bytes.len(), input, outputs: outputs.collect() })
}

/// What all files of ours have in common.
fn file() -> Model {
    Model {
        ir_version: IR_VERSION,
        producer_name: "headstart".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPSET }],
        ..Model::default()
    }
}

/// Where a model's ONNX file lies when nothing else is said: beside it.
pub fn beside(model: &Path) -> PathBuf {
    model.with_extension("onnx")
}

fn same_file(model: &Path, out: &Path) -> bool {
    let place = |path: &Path| path.canonicalize().ok();
    place(model).is_some_and(|model| place(out) == Some(model))
}

/// The file but for its metadata.
fn compose(classifier: &Classifier, sealed: &Sealed, pixels: Pixels) -> Result<(Model, Inner)> {
    let preprocess = &sealed.description.preprocess;
    pixels.check(preprocess)?;
    let (graph, inner) = graph(sealed, pixels);
    let doc_string = format!("{}. {}", classifier.card().title, classifier.caution());
    Ok((Model { doc_string, graph: Some(graph), ..file() }, inner))
}

fn graph(sealed: &Sealed, pixels: Pixels) -> (Graph, Inner) {
    let description = &sealed.description;
    let mut builder = Builder::default();
    let graph = &mut builder;
    let input = views::write(graph, &description.preprocess, &description.test_views, pixels);
    let net = net::write(graph, sealed, &input, pixels);
    let scores = scores::scores(graph, description, &net.logits);
    let predicted = scores::predicted(graph, description, &scores);
    let plausible = scores::plausible(graph, description, &scores);
    let distances = gate::write(graph, sealed, &net);
    let refused = distances.as_ref().map(|distances| distances.refused.as_str());
    let decided = scores::decided(graph, &predicted, plausible.as_deref(), refused);
    let (classes, float, bool) = (description.classes.len(), Element::Float32, Element::Bool);
    let mut output = vec![
        table(&net.logits, float, classes, "before calibration"),
        table(&scores, float, classes, "the share of each class, calibrated"),
        column(&predicted, Element::Int64, "index of the class that scores and threshold point to"),
    ];
    output.extend(decided.map(|name| column(&name, bool, "whether `predicted` is the model's answer")));
    output.extend(plausible.map(|name| table(&name, bool, classes, "whether a class cannot be ruled out")));
    if let Some(gate::Distances { distance, refused, unusual }) = distances {
        output.push(column(&distance, float, "from the training images, by what an image shows"));
        output.push(column(&refused, bool, "whether that is too far for an answer"));
        if let Some([oddness, unusual]) = unusual {
            output.push(column(&oddness, float, "from the training images, by how an image was made, too"));
            output.push(column(
                &unusual,
                bool,
                "whether it was made in another way than the training images",
            ));
        }
    }
    let graph = Graph {
        node: builder.nodes,
        name: description.backbone.clone(),
        initializer: builder.constants,
        input: vec![views::input(&description.preprocess, pixels)],
        output,
    };
    (graph, net.inner)
}

/// A value for each image.
fn column(name: &str, element: Element, meaning: &str) -> ValueInfo {
    ValueInfo::tensor(name, element, &[Err("batch")], meaning)
}

/// A value for each image and class.
fn table(name: &str, element: Element, classes: usize, meaning: &str) -> ValueInfo {
    ValueInfo::tensor(name, element, &[Err("batch"), Ok(classes)], meaning)
}

/// `pixels uint8 [batch, 224, 224, 3]`.
fn shown(value: &ValueInfo) -> String {
    let tensor = value.kind.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let axes = tensor.and_then(|tensor| tensor.shape.as_ref()).map(|shape| {
        let axis = |axis: &proto::Dimension| match axis.dim_value {
            Some(length) => length.to_string(),
            None => axis.dim_param.clone().unwrap_or_default(),
        };
        shape.dim.iter().map(axis).collect::<Vec<_>>().join(", ")
    });
    let element = tensor.and_then(|tensor| Element::of(tensor.elem_type)).map_or("", Element::name);
    format!("{} {element} [{}]", value.name, axes.unwrap_or_default())
}
