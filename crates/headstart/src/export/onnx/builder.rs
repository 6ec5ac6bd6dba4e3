//! Adds nodes and constants to a graph, each under a name of its own.

use std::collections::{HashMap, HashSet};

use super::proto::{Attribute, Element, Node, Tensor};
use crate::backbone::weights::little_endian;

/// A graph that grows.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: Vec<Tensor>,
    taken: HashSet<String>,
    /// Single numbers, by their bits.
    numbers: HashMap<u32, String>,
}

impl Builder {
    /// A node with one output, called `name` or, where that is taken, `name` with a number; returns the output's name.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
        name: &str,
    ) -> String {
        let name = self.free(name);
        self.nodes.push(Node {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.into(),
            attribute: attributes,
        });
        name
    }

    /// As [`Builder::node`], of an operator without attributes.
    pub(super) fn plain(&mut self, operator: &str, inputs: &[&str], name: &str) -> String {
        self.node(operator, inputs, vec![], name)
    }

    /// A constant of numbers.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.constant(name, shape, Element::Float32, little_endian(values).into_owned())
    }

    /// A constant of integers, along one axis.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, &[values.len()], Element::Int64, bytes)
    }

    /// A single integer, along no axis.
    pub(super) fn index(&mut self, name: &str, value: i64) -> String {
        self.constant(name, &[], Element::Int64, value.to_le_bytes().to_vec())
    }

    /// A single number, stored once however often it is read.
    pub(super) fn number(&mut self, value: f32) -> String {
        if let Some(name) = self.numbers.get(&value.to_bits()) {
            return name.clone();
        }
        let name = self.floats(&format!("number/{value}"), &[], &[value]);
        self.numbers.insert(value.to_bits(), name.clone());
        name
    }

    /// The sum of the squares along an axis.
    pub(super) fn sum_of_squares(&mut self, value: &str, axis: i64, keep: bool, name: &str) -> String {
        let squares = self.plain("Mul", &[value, value], &format!("{name}/squares"));
        self.reduce("ReduceSum", &squares, axis, keep, name)
    }

    /// One value for all that lie along an axis.
    pub(super) fn reduce(
        &mut self,
        operator: &str,
        value: &str,
        axis: i64,
        keep: bool,
        name: &str,
    ) -> String {
        let axes = self.integers(&format!("{name}/axis"), &[axis]);
        self.node(operator, &[value, &axes], vec![Attribute::integer("keepdims", keep.into())], name)
    }

    fn constant(&mut self, name: &str, shape: &[usize], element: Element, raw_data: Vec<u8>) -> String {
        let (name, dims) = (self.free(name), shape.iter().map(|length| *length as i64).collect());
        self.constants.push(Tensor { dims, data_type: element.number(), name: name.clone(), raw_data });
        name
    }

    fn free(&mut self, name: &str) -> String {
        let numbered = (2u32..).map(|number| format!("{name}/{number}"));
        let mut names = std::iter::once(name.to_string()).chain(numbered);
        let free = names.find(|name| !self.taken.contains(name)).expect("numbers do not end");
        self.taken.insert(free.clone());
        free
    }
}
