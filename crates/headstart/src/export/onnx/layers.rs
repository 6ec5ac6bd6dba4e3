//! A spec's layers as nodes, batch normalisation folded into the convolutions as in [`crate::trunk`]. Maps lie as ONNX
//! has them, `[N, C, H, W]`, and vectors as `[N, C]`.

use super::builder::Builder;
use super::proto::Attribute;
use crate::backbone::spec::{Activation, Convolution, Dense, Layer, MapShape, MaxPool, Norm, SqueezeExcite};
use crate::backbone::weights::Weights;
use crate::trunk::{fold, scale_and_shift};

/// A value of the graph, and what it holds of each image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Maps {
    pub(super) value: String,
    pub(super) shape: MapShape,
    /// Whether it has no axes for rows and columns.
    pub(super) is_vector: bool,
}

impl Maps {
    /// The same as `[N, C, H, W]`.
    pub(super) fn as_map(&self, graph: &mut Builder, place: &str) -> String {
        if !self.is_vector {
            return self.value.clone();
        }
        let axes = graph.integers(&format!("{place}map/axes"), &[2, 3]);
        graph.plain("Unsqueeze", &[&self.value, &axes], &format!("{place}map"))
    }

    /// Its values as `[N, values]`, in the order of rows, columns, channels.
    pub(super) fn as_vector(&self, graph: &mut Builder, place: &str) -> String {
        if self.is_vector {
            return self.value.clone();
        }
        let channels_last = match self.shape.height * self.shape.width {
            1 => self.value.clone(),
            _ => {
                let order = vec![Attribute::integers("perm", &[0, 2, 3, 1])];
                graph.node("Transpose", &[&self.value], order, &format!("{place}channels-last"))
            }
        };
        let axis = vec![Attribute::integer("axis", 1)];
        graph.node("Flatten", &[&channels_last], axis, &format!("{place}flat"))
    }

    /// Means over rows and columns, `[N, C]`.
    pub(super) fn pooled(&self, graph: &mut Builder, place: &str) -> String {
        let shape = MapShape::new(1, 1, self.shape.channels);
        let means = Maps { value: average(graph, self, place), shape, is_vector: self.is_vector };
        means.as_vector(graph, place)
    }
}

/// Writes layers whose names begin with `place`.
pub(super) struct Writer<'a> {
    pub(super) graph: &'a mut Builder,
    pub(super) weights: &'a Weights,
    pub(super) place: String,
}

impl Writer<'_> {
    /// What the layer makes of `input`.
    pub(super) fn layer(&mut self, layer: &Layer, input: &Maps) -> Maps {
        let place = self.place.clone();
        let value = match layer {
            Layer::Convolution(layer) => self.convolution(layer, input),
            Layer::SqueezeExcite(gate) => self.squeeze_excite(gate, input),
            Layer::Norm(layer) => self.norm(layer, input),
            Layer::MaxPool(pool) => self.max_pool(*pool, input),
            Layer::AveragePool { window } => self.average_pool(*window, input),
            Layer::Concatenate { branches } => self.concatenate(branches, input),
            Layer::Residual { body, shortcut, activation } => {
                self.residual(body, shortcut, *activation, input)
            }
            Layer::GlobalAveragePool => average(self.graph, input, &place),
            Layer::Flatten => input.as_vector(self.graph, &place),
            // Nothing is dropped outside training.
            Layer::Dropout { .. } => input.value.clone(),
            Layer::Dense(layer) => self.dense(layer, input),
        };
        let is_vector = match layer {
            Layer::Flatten | Layer::Dense(_) => true,
            Layer::Dropout { .. } | Layer::GlobalAveragePool => input.is_vector,
            Layer::Convolution(_)
            | Layer::Norm(_)
            | Layer::SqueezeExcite(_)
            | Layer::MaxPool(_)
            | Layer::AveragePool { .. }
            | Layer::Concatenate { .. }
            | Layer::Residual { .. } => false,
        };
        Maps { value, shape: layer.output(input.shape), is_vector }
    }

    fn layers(&mut self, layers: &[Layer], input: &Maps) -> Maps {
        layers.iter().fold(input.clone(), |maps, layer| self.layer(layer, &maps))
    }

    fn convolution(&mut self, layer: &Convolution, input: &Maps) -> String {
        let name = format!("{}{}", self.place, layer.name);
        let maps = input.as_map(self.graph, &format!("{name}/"));
        let (weight, bias) = fold(layer, self.weights);
        let shape = [layer.output, layer.input / layer.groups, layer.kernel, layer.kernel];
        let weight = self.graph.floats(&format!("{name}.weight"), &shape, &weight);
        let bias = self.graph.floats(&format!("{name}.bias"), &[layer.output], &bias);
        let geometry = layer.geometry(input.shape);
        let padding = geometry.padding;
        let attributes = vec![
            Attribute::integers("kernel_shape", &geometry.kernel),
            Attribute::integers("strides", &geometry.stride),
            Attribute::integers("pads", &[padding.top, padding.left, padding.bottom, padding.right]),
            Attribute::integer("group", layer.groups as i64),
        ];
        let sum = self.graph.node("Conv", &[&maps, &weight, &bias], attributes, &name);
        self.activation(layer.activation, sum, &name)
    }

    fn dense(&mut self, layer: &Dense, input: &Maps) -> String {
        let name = format!("{}{}", self.place, layer.name);
        let vector = input.as_vector(self.graph, &format!("{name}/"));
        let weights = self.weights;
        let mut constant = |part: &str, shape: &[usize]| {
            let values = &weights.get(&format!("{}.{part}", layer.name)).values;
            self.graph.floats(&format!("{name}.{part}"), shape, values)
        };
        let weight = constant("weight", &[layer.input, layer.output]);
        let bias = constant("bias", &[layer.output]);
        let sum = self.graph.plain("Gemm", &[&vector, &weight, &bias], &name);
        self.activation(layer.activation, sum, &name)
    }

    fn squeeze_excite(&mut self, gate: &SqueezeExcite, input: &Maps) -> String {
        let place = format!("{}{}/", self.place, gate.reduce.name);
        let maps = input.as_map(self.graph, &place);
        let whole = Maps { value: maps.clone(), is_vector: false, ..input.clone() };
        let means = Maps {
            value: average(self.graph, &whole, &place),
            shape: MapShape::new(1, 1, input.shape.channels),
            is_vector: false,
        };
        let narrow = Maps {
            value: self.convolution(&gate.reduce, &means),
            shape: MapShape::new(1, 1, gate.reduce.output),
            is_vector: false,
        };
        let factors = self.convolution(&gate.expand, &narrow);
        self.graph.plain("Mul", &[&maps, &factors], &format!("{place}gated"))
    }

    fn norm(&mut self, layer: &Norm, input: &Maps) -> String {
        let name = format!("{}{}", self.place, layer.norm.name);
        let maps = input.as_map(self.graph, &format!("{name}/"));
        let [scale, shift] = scale_and_shift(&layer.norm, self.weights);
        let shape = [1, layer.channels, 1, 1];
        let scale = self.graph.floats(&format!("{name}.scale"), &shape, &scale);
        let shift = self.graph.floats(&format!("{name}.shift"), &shape, &shift);
        let scaled = self.graph.plain("Mul", &[&maps, &scale], &format!("{name}/scaled"));
        let sum = self.graph.plain("Add", &[&scaled, &shift], &name);
        self.activation(layer.activation, sum, &name)
    }

    fn average_pool(&mut self, window: usize, input: &Maps) -> String {
        let maps = input.as_map(self.graph, &self.place);
        let attributes = vec![
            Attribute::integers("kernel_shape", &[window; 2]),
            Attribute::integers("strides", &[window; 2]),
        ];
        self.graph.node("AveragePool", &[&maps], attributes, &format!("{}average-pool", self.place))
    }

    fn concatenate(&mut self, branches: &[Vec<Layer>], input: &Maps) -> String {
        let place = self.place.clone();
        let made: Vec<String> =
            branches.iter().map(|branch| self.layers(branch, input).as_map(self.graph, &place)).collect();
        let made: Vec<&str> = made.iter().map(String::as_str).collect();
        let axis = vec![Attribute::integer("axis", 1)];
        self.graph.node("Concat", &made, axis, &format!("{place}concatenate"))
    }

    fn max_pool(&mut self, pool: MaxPool, input: &Maps) -> String {
        let maps = input.as_map(self.graph, &self.place);
        let attributes = vec![
            Attribute::integers("kernel_shape", &[pool.window; 2]),
            Attribute::integers("strides", &[pool.stride.unwrap_or(pool.window); 2]),
            Attribute::integers("pads", &[pool.padding; 4]),
        ];
        self.graph.node("MaxPool", &[&maps], attributes, &format!("{}max-pool", self.place))
    }

    fn residual(
        &mut self,
        body: &[Layer],
        shortcut: &[Layer],
        activation: Activation,
        input: &Maps,
    ) -> String {
        let name = format!("{}sum", self.place);
        let added = self.layers(shortcut, input).as_map(self.graph, &self.place);
        let body = self.layers(body, input).value;
        let sum = self.graph.plain("Add", &[&body, &added], &name);
        self.activation(activation, sum, &name)
    }

    fn activation(&mut self, activation: Activation, sum: String, name: &str) -> String {
        let name = format!("{name}/activation");
        match activation {
            Activation::Identity => sum,
            Activation::Relu => self.graph.plain("Relu", &[&sum], &name),
            Activation::Relu6 => {
                let (least, most) = (self.graph.number(0.0), self.graph.number(6.0));
                self.graph.plain("Clip", &[&sum, &least, &most], &name)
            }
            Activation::Silu => {
                let gate = self.graph.plain("Sigmoid", &[&sum], &format!("{name}/gate"));
                self.graph.plain("Mul", &[&sum, &gate], &name)
            }
            Activation::HardSwish => self.graph.plain("HardSwish", &[&sum], &name),
            Activation::Sigmoid => self.graph.plain("Sigmoid", &[&sum], &name),
            Activation::HardSigmoid => {
                let slope = [Attribute::float("alpha", 1.0 / 6.0), Attribute::float("beta", 0.5)];
                self.graph.node("HardSigmoid", &[&sum], slope.to_vec(), &name)
            }
        }
    }
}

/// Means over rows and columns; a vector, and a map of one place, stay as they are.
fn average(graph: &mut Builder, input: &Maps, place: &str) -> String {
    match input.shape.height * input.shape.width {
        1 => input.value.clone(),
        _ => graph.plain("GlobalAveragePool", &[&input.value], &format!("{place}average")),
    }
}
