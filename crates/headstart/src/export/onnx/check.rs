//! Reads a file of ours again and checks what can be told without running it: every value is made once, before it is
//! read, and every constant is as long as its shape says. `tools/check_onnx.py` runs it.

use std::collections::HashSet;
use std::path::Path;

use prost::Message as _;
use serde_json::Value;

use super::metadata::KEY;
use super::proto::{Element, Graph, Model, Tensor};
use crate::error::{Error, Result};

/// Checks the bytes of a file that is to be called `path`.
///
/// # Errors
/// [`Error::Invalid`] naming what is wrong: it would be a mistake of the exporter, and nothing is written.
pub(super) fn bytes(bytes: &[u8], path: &Path) -> Result<()> {
    let checked = Model::decode(bytes).map_err(|why| why.to_string()).and_then(|model| self::model(&model));
    checked.map_err(|found| Error::invalid(path, "an ONNX file that holds together, of the exporter", found))
}

fn model(model: &Model) -> Result<(), String> {
    let own = model.metadata_props.iter().find(|entry| entry.key == KEY);
    let own: Value =
        own.and_then(|entry| serde_json::from_str(&entry.value).ok()).ok_or("metadata that are no JSON")?;
    let graph = model.graph.as_ref().ok_or("no graph")?;
    // A pretrained net alone has no classes.
    let classes = own["classes"].as_array().map_or(0, Vec::len);
    let tables: &[&str] = if classes > 0 { &["logits", "scores"] } else { &[] };
    for table in tables {
        let width = graph.output.iter().find(|output| output.name == *table).and_then(|output| {
            output.kind.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?.dim.get(1)?.dim_value
        });
        if width != Some(classes as i64) {
            return Err(format!("{table} of width {width:?} for {classes} classes"));
        }
    }
    self::graph(graph)
}

fn graph(graph: &Graph) -> Result<(), String> {
    graph.initializer.iter().try_for_each(tensor)?;
    let given = graph.input.iter().map(|input| &input.name);
    let constants = graph.initializer.iter().map(|tensor| &tensor.name);
    let mut known = HashSet::new();
    for name in given.chain(constants) {
        made(name, &mut known)?;
    }
    let mut read = HashSet::new();
    for node in &graph.node {
        // An input that is left out has no name.
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            known.get(input).ok_or_else(|| format!("{} before {input} is there", node.name))?;
            read.insert(input);
        }
        for output in &node.output {
            made(output, &mut known)?;
        }
    }
    for output in &graph.output {
        known.get(&output.name).ok_or_else(|| format!("no value for the output {}", output.name))?;
        read.insert(&output.name);
    }
    match known.iter().find(|name| !read.contains(*name)) {
        Some(name) => Err(format!("{name}, which nothing reads")),
        None => Ok(()),
    }
}

fn made<'a>(name: &'a String, known: &mut HashSet<&'a String>) -> Result<(), String> {
    match known.insert(name) {
        true => Ok(()),
        false => Err(format!("{name} twice")),
    }
}

fn tensor(tensor: &Tensor) -> Result<(), String> {
    let element =
        Element::of(tensor.data_type).ok_or_else(|| format!("{} of an unknown type", tensor.name))?;
    let length = tensor.dims.iter().product::<i64>() as usize * element.size();
    match tensor.raw_data.len() == length {
        true => Ok(()),
        false => Err(format!("{} of {} bytes, not {length}", tensor.name, tensor.raw_data.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::onnx::builder::Builder;
    use crate::export::onnx::proto::ValueInfo;

    /// `y = x + 1`
    fn sum() -> Graph {
        let mut builder = Builder::default();
        let one = builder.number(1.0);
        builder.plain("Add", &["x", &one], "y");
        let value = |name| vec![ValueInfo::tensor(name, Element::Float32, &[Err("batch")], "")];
        let (node, initializer) = (builder.nodes, builder.constants);
        Graph { node, initializer, input: value("x"), output: value("y"), ..Graph::default() }
    }

    #[test]
    fn what_does_not_hold_together_is_named() {
        assert_eq!(graph(&sum()), Ok(()));
        let mut changed = sum();
        changed.node[0].input[0] = "z".into();
        assert_eq!(graph(&changed), Err("y before z is there".into()));
        let mut changed = sum();
        changed.initializer[0].raw_data.pop();
        assert_eq!(graph(&changed), Err("number/1 of 3 bytes, not 4".into()));
        let mut changed = sum();
        changed.node[0].output[0] = "x".into();
        assert_eq!(graph(&changed), Err("x twice".into()));
        let mut changed = sum();
        changed.node[0].input.pop();
        assert_eq!(graph(&changed), Err("number/1, which nothing reads".into()));
    }
}
