//! The kernels' gradients in Burn's graph.

use ::burn::backend::Autodiff;
use ::burn::backend::autodiff::checkpoint::base::Checkpointer;
use ::burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use ::burn::backend::autodiff::grads::Gradients;
use ::burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use ::burn::backend::flex::{Flex, FlexTensor};
use ::burn::backend::tensor::FloatTensor;

use super::flex::{Host, bend, owned, tensor};
use super::ops::MapOps;
use crate::gradient;
use crate::{Activation, Convolution, Pool, Shape};

/// A Flex tensor and its place in the graph.
type Tracked = FloatTensor<Autodiff<Flex>>;

impl<C: CheckpointStrategy> MapOps for Autodiff<Flex, C> {
    fn convolution(
        maps: Tracked,
        weight: Tracked,
        bias: Tracked,
        geometry: Convolution,
        activation: Activation,
    ) -> Tracked {
        let ([maps, weight, bias], nodes) = parts([maps, weight, bias]);
        let (output, kept) = activated(activation, |activation| {
            Flex::convolution(maps.clone(), weight.clone(), bias, geometry, activation)
        });
        record::<_, C, 3>(ConvolutionBackward, nodes, output, ([maps, weight, kept], (geometry, activation)))
    }

    fn max_pool(maps: Tracked, pool: Pool) -> Tracked {
        let ([maps], nodes) = parts([maps]);
        let output = Flex::max_pool(maps.clone(), pool);
        record::<_, C, 1>(MaxPoolBackward, nodes, output, ([maps], pool))
    }

    fn global_average_pool(maps: Tracked) -> Tracked {
        let ([maps], nodes) = parts([maps]);
        let output = Flex::global_average_pool(maps.clone());
        record::<_, C, 1>(GlobalAveragePoolBackward, nodes, output, ([maps], ()))
    }

    fn dense(rows: Tracked, weight: Tracked, bias: Tracked, activation: Activation) -> Tracked {
        let ([rows, weight, bias], nodes) = parts([rows, weight, bias]);
        let (output, kept) =
            activated(activation, |activation| Flex::dense(rows.clone(), weight.clone(), bias, activation));
        record::<_, C, 3>(DenseBackward, nodes, output, ([rows, weight, kept], activation))
    }

    fn scale_kernels(weight: Tracked, factors: Tracked) -> Tracked {
        let ([weight, factors], nodes) = parts([weight, factors]);
        let output = Flex::scale_kernels(weight.clone(), factors.clone());
        record::<_, C, 2>(ScaleBackward, nodes, output, ([weight, factors], ()))
    }

    fn scale_channels(maps: Tracked, factors: Tracked) -> Tracked {
        let ([maps, factors], nodes) = parts([maps, factors]);
        let output = Flex::scale_channels(maps.clone(), factors.clone());
        record::<_, C, 2>(ChannelsBackward, nodes, output, ([maps, factors], ()))
    }

    fn add(left: Tracked, right: Tracked, activation: Activation) -> Tracked {
        let ([left, right], nodes) = parts([left, right]);
        let (output, kept) =
            activated(activation, |activation| Flex::add(left.clone(), right.clone(), activation));
        record::<_, C, 2>(AddBackward, nodes, output, (kept, activation))
    }

    fn affine(maps: Tracked, scale: Tracked, shift: Tracked, activation: Activation) -> Tracked {
        let ([maps, scale, shift], nodes) = parts([maps, scale, shift]);
        let (output, kept) =
            activated(activation, |activation| Flex::affine(maps.clone(), scale.clone(), shift, activation));
        record::<_, C, 3>(AffineBackward, nodes, output, ([maps, scale, kept], activation))
    }

    fn sum_of_squares(values: Tracked) -> Tracked {
        let ([values], nodes) = parts([values]);
        let output = Flex::sum_of_squares(values.clone());
        record::<_, C, 1>(SquaresBackward, nodes, output, ([values], ()))
    }
}

/// Inputs without the graph, and their places in it.
fn parts<const N: usize>(inputs: [Tracked; N]) -> ([FlexTensor; N], [NodeGuard; N]) {
    let nodes = inputs.each_ref().map(Tracked::node);
    (inputs.map(Tracked::into_primitive), nodes)
}

/// What a gradient is computed from: as many tensors as inputs, and settings.
type Kept<S, const N: usize> = ([FlexTensor; N], S);

/// Puts `output` into the graph, with what its gradient will be computed from.
fn record<B, C, const N: usize>(
    backward: B,
    nodes: [NodeGuard; N],
    output: FlexTensor,
    kept: B::State,
) -> Tracked
where
    B: Backward<Flex, N>,
    C: CheckpointStrategy,
{
    match backward.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(kept, output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

/// The output of a layer, which `run` runs, and what tells the slope of its activation.
fn activated(activation: Activation, run: impl FnOnce(Activation) -> FlexTensor) -> (FlexTensor, FlexTensor) {
    // These fall and rise, so that an output does not tell where on the curve it came from.
    if !matches!(activation, Activation::Silu | Activation::HardSwish) {
        let output = run(activation);
        return (output.clone(), output);
    }
    let sums = run(Activation::Identity);
    (bend(&sums, activation), sums)
}

/// `gradient` through an activation, by what [`activated`] kept of it, and that of the bias of so many channels.
fn through(
    activation: Activation,
    kept: FlexTensor,
    gradient: FlexTensor,
    channels: usize,
) -> (Vec<f32>, FlexTensor) {
    let (mut gradient, mut bias) = (owned(gradient), vec![0.0; channels]);
    gradient::activation_and_bias(activation, Host::new(kept).values(), &mut gradient, &mut bias);
    (gradient, tensor(bias, [channels]))
}

/// A buffer that `fill` computes, as a tensor like `like`.
fn like<const D: usize>(like: &Host, fill: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut values = vec![0.0; like.values().len()];
    fill(&mut values);
    tensor(values, like.dims::<D>())
}

#[derive(Debug)]
struct ConvolutionBackward;

impl Backward<Flex, 3> for ConvolutionBackward {
    type State = Kept<(Convolution, Activation), 3>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([maps, weight, kept], (geometry, activation)) = ops.state;
        let gradient = grads.consume::<Flex>(&ops.node);
        let (gradient, bias) = through(activation, kept, gradient, geometry.out_channels);
        let (maps, weight) = (Host::new(maps), Host::new(weight));
        let shape = maps.shape();
        let [of_maps, of_weight, of_bias] = ops.parents;
        if let Some(node) = of_maps {
            let values = like::<4>(&maps, |to| {
                gradient::convolution_input(&geometry, weight.values(), &gradient, shape, to);
            });
            grads.register::<Flex>(node.id, values);
        }
        if let Some(node) = of_weight {
            let values = like::<4>(&weight, |to| {
                gradient::convolution_weight(&geometry, maps.values(), shape, &gradient, to);
            });
            grads.register::<Flex>(node.id, values);
        }
        if let Some(node) = of_bias {
            grads.register::<Flex>(node.id, bias);
        }
    }
}

#[derive(Debug)]
struct MaxPoolBackward;

impl Backward<Flex, 1> for MaxPoolBackward {
    type State = Kept<Pool, 1>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = Host::new(grads.consume::<Flex>(&ops.node));
        let ([maps], pool) = ops.state;
        let (maps, [node]) = (Host::new(maps), ops.parents);
        if let Some(node) = node {
            let values = like::<4>(&maps, |to| {
                gradient::max_pool(maps.values(), maps.shape(), pool, gradient.values(), to);
            });
            grads.register::<Flex>(node.id, values);
        }
    }
}

#[derive(Debug)]
struct GlobalAveragePoolBackward;

impl Backward<Flex, 1> for GlobalAveragePoolBackward {
    type State = Kept<(), 1>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = Host::new(grads.consume::<Flex>(&ops.node));
        let ([maps], [node]) = (ops.state.0.map(Host::new), ops.parents);
        if let Some(node) = node {
            let values = like::<4>(&maps, |to| {
                gradient::global_average_pool(gradient.values(), maps.shape(), to);
            });
            grads.register::<Flex>(node.id, values);
        }
    }
}

#[derive(Debug)]
struct DenseBackward;

impl Backward<Flex, 3> for DenseBackward {
    type State = Kept<Activation, 3>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([rows, weight, kept], activation) = ops.state;
        let (rows, weight) = (Host::new(rows), Host::new(weight));
        let ([batch, _], [_, outputs]) = (rows.dims::<2>(), weight.dims::<2>());
        let (gradient, bias) = through(activation, kept, grads.consume::<Flex>(&ops.node), outputs);
        let [of_rows, of_weight, of_bias] = ops.parents;
        if let Some(node) = of_rows {
            let values = like::<2>(&rows, |to| {
                gradient::dense_input(weight.values(), &gradient, batch, to);
            });
            grads.register::<Flex>(node.id, values);
        }
        if let Some(node) = of_weight {
            let values = like::<2>(&weight, |to| {
                gradient::dense_weight(rows.values(), &gradient, batch, to);
            });
            grads.register::<Flex>(node.id, values);
        }
        if let Some(node) = of_bias {
            grads.register::<Flex>(node.id, bias);
        }
    }
}

#[derive(Debug)]
struct ScaleBackward;

impl Backward<Flex, 2> for ScaleBackward {
    type State = Kept<(), 2>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = Host::new(grads.consume::<Flex>(&ops.node));
        let ([weight, factors], [of_weight, of_factors]) = (ops.state.0.map(Host::new), ops.parents);
        if let Some(node) = of_weight {
            let values = like::<4>(&weight, |to| {
                crate::scale_rows(gradient.values(), factors.values(), to);
            });
            grads.register::<Flex>(node.id, values);
        }
        if let Some(node) = of_factors {
            let values = like::<1>(&factors, |to| {
                gradient::row_factors(weight.values(), gradient.values(), to);
            });
            grads.register::<Flex>(node.id, values);
        }
    }
}

#[derive(Debug)]
struct ChannelsBackward;

impl Backward<Flex, 2> for ChannelsBackward {
    type State = Kept<(), 2>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = Host::new(grads.consume::<Flex>(&ops.node));
        let ([maps, factors], [of_maps, of_factors]) = (ops.state.0.map(Host::new), ops.parents);
        let shape = maps.shape();
        if let Some(node) = of_maps {
            let values = like::<4>(&maps, |to| {
                crate::scale_channels(gradient.values(), shape, factors.values(), to);
            });
            grads.register::<Flex>(node.id, values);
        }
        if let Some(node) = of_factors {
            let values = like::<4>(&factors, |to| {
                gradient::channel_factors(maps.values(), shape, gradient.values(), to);
            });
            grads.register::<Flex>(node.id, values);
        }
    }
}

#[derive(Debug)]
struct AddBackward;

impl Backward<Flex, 2> for AddBackward {
    type State = (FlexTensor, Activation);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (kept, activation) = ops.state;
        let mut gradient = grads.consume::<Flex>(&ops.node);
        if activation != Activation::Identity {
            let maps = Host::new(kept.clone());
            let (values, _) = through(activation, kept, gradient, maps.shape().channels);
            gradient = tensor(values, maps.dims::<4>());
        }
        for node in ops.parents.into_iter().flatten() {
            grads.register::<Flex>(node.id, gradient.clone());
        }
    }
}

#[derive(Debug)]
struct AffineBackward;

impl Backward<Flex, 3> for AffineBackward {
    type State = Kept<Activation, 3>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([maps, scale, kept], activation) = ops.state;
        let (maps, scale) = (Host::new(maps), Host::new(scale));
        let gradient = grads.consume::<Flex>(&ops.node);
        let (gradient, shift) = through(activation, kept, gradient, maps.shape().channels);
        // All images have one scale, so that all pixels are those of one map.
        let Shape { batch, height, width, channels } = maps.shape();
        let shape = Shape { batch: 1, height: batch * height, width, channels };
        let [of_maps, of_scale, of_shift] = ops.parents;
        if let Some(node) = of_maps {
            let values = like::<4>(&maps, |to| crate::scale_channels(&gradient, shape, scale.values(), to));
            grads.register::<Flex>(node.id, values);
        }
        if let Some(node) = of_scale {
            let values = like::<1>(&scale, |to| {
                gradient::channel_factors(maps.values(), shape, &gradient, to);
            });
            grads.register::<Flex>(node.id, values);
        }
        if let Some(node) = of_shift {
            grads.register::<Flex>(node.id, shift);
        }
    }
}

#[derive(Debug)]
struct SquaresBackward;

impl Backward<Flex, 1> for SquaresBackward {
    type State = Kept<(), 1>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = Host::new(grads.consume::<Flex>(&ops.node)).values()[0];
        let ([values], [node]) = (ops.state.0.map(Host::new), ops.parents);
        if let Some(node) = node {
            let values = like::<1>(&values, |to| {
                crate::scale_rows(values.values(), &[2.0 * gradient], to);
            });
            grads.register::<Flex>(node.id, values);
        }
    }
}
