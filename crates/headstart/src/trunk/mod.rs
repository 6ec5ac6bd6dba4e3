//! Layers as a CPU plan: batch normalisation folded into the convolutions, activations and
//! residual additions fused into their write-out, weights packed once. The frozen trunk runs
//! as a plan while training, and the whole net does when it predicts.

mod compile;
mod mobile;
mod pack;

use headstart_kernels::{
    Activation, Aligned, PackedConvolution, Pool, Separable, SqueezeExcite, affine, average_pool,
    concatenate, global_average_pool, max_pool,
};

use crate::backbone::spec::{Layer, MapShape};
use crate::backbone::weights::Weights;

pub(crate) use pack::{fold, scale_and_shift};

/// Compiled layers. Immutable and shared between threads; the buffers are the caller's.
#[derive(Debug)]
pub struct Plan {
    steps: Vec<Step>,
    input: MapShape,
    output: MapShape,
    widest: usize,
}

#[derive(Debug)]
enum Step {
    Convolution(Box<PackedConvolution>, MapShape),
    /// And of each 2×2 outputs the largest.
    PooledConvolution(Box<PackedConvolution>, MapShape),
    /// A mobile block.
    Separable(Box<Separable>, MapShape),
    SqueezeExcite(Box<SqueezeExcite>, MapShape),
    MaxPool(Pool, MapShape),
    AveragePool(usize, MapShape),
    GlobalAveragePool(MapShape),
    /// Normalisation by itself: a scale and a shift of each channel.
    Affine {
        factors: [Vec<f32>; 2],
        activation: Activation,
        input: MapShape,
    },
    /// Branches, each with its number of channels behind it.
    Concatenate {
        branches: Vec<(Vec<Step>, usize)>,
        output: MapShape,
    },
    /// The last step of the body adds what the shortcut makes of the input.
    Residual {
        body: Vec<Step>,
        shortcut: Vec<Step>,
    },
}

/// What a plan works in, reused from call to call.
#[derive(Default)]
pub struct Buffers {
    free: Vec<Aligned>,
}

impl Buffers {
    /// The smallest that is large enough; where none is, a new one instead of the largest.
    fn take(&mut self, length: usize) -> Aligned {
        self.free.sort_by_key(Aligned::capacity);
        let mut buffer = match self.free.iter().position(|buffer| buffer.capacity() >= length) {
            Some(place) => self.free.remove(place),
            None => {
                self.free.pop();
                Aligned::with_capacity(length)
            }
        };
        buffer.set_length(length);
        buffer
    }

    pub(crate) fn copy(&mut self, maps: &[f32]) -> Aligned {
        let mut same = self.take(maps.len());
        same.copy_from_slice(maps);
        same
    }

    /// Gives a result's memory back for the next call.
    pub fn recycle(&mut self, buffer: Aligned) {
        self.free.push(buffer);
    }
}

impl Plan {
    /// Compiles `layers` for maps of shape `input`. `weights` were verified against the layers.
    pub fn new<'a>(layers: impl IntoIterator<Item = &'a Layer>, weights: &Weights, input: MapShape) -> Self {
        let (steps, shapes) = compile::steps(layers, weights, input);
        let output = shapes.last().copied().unwrap_or(input);
        let widest = shapes.iter().map(|shape| shape.len()).fold(input.len(), usize::max);
        Self { steps, input, output, widest }
    }

    /// Shape of one input map.
    pub fn input(&self) -> MapShape {
        self.input
    }

    /// Shape of one output map.
    pub fn output(&self) -> MapShape {
        self.output
    }

    /// Values of the largest map of one image that is written between two steps.
    pub fn widest(&self) -> usize {
        self.widest
    }

    /// Runs a batch.
    ///
    /// # Shapes
    /// - `maps`: `[batch, H, W, C]` of [`Plan::input`]
    /// - result: `[batch, H, W, C]` of [`Plan::output`]
    pub fn forward(&self, maps: &[f32], batch: usize, buffers: &mut Buffers) -> Aligned {
        assert_eq!(maps.len(), batch * self.input.len(), "a batch of {batch} maps of {:?}", self.input);
        // From within the thread pool, whose threads stay awake from step to step: from outside,
        // each step had to wake one of them to begin, and the caller at its end.
        let output = rayon::scope(|_| run(&self.steps, maps, batch, None, buffers));
        output.unwrap_or_else(|| buffers.copy(maps))
    }
}

/// Runs `steps`; `None` when there are none. `residual` is added by the last step.
fn run(
    steps: &[Step],
    maps: &[f32],
    batch: usize,
    residual: Option<&[f32]>,
    buffers: &mut Buffers,
) -> Option<Aligned> {
    let mut current: Option<Aligned> = None;
    for (index, step) in steps.iter().enumerate() {
        let residual = residual.filter(|_| index + 1 == steps.len());
        let next = step.run(current.as_deref().unwrap_or(maps), batch, residual, buffers);
        if let Some(old) = current.replace(next) {
            buffers.recycle(old);
        }
    }
    current
}

impl Step {
    fn run(&self, maps: &[f32], batch: usize, residual: Option<&[f32]>, buffers: &mut Buffers) -> Aligned {
        match self {
            Self::Convolution(convolution, input) => {
                let shape = input.batch(batch);
                let mut output = buffers.take(convolution.output_shape(shape).len());
                convolution.forward(maps, shape, residual, &mut output);
                output
            }
            Self::PooledConvolution(convolution, input) => {
                let shape = input.batch(batch);
                let out = convolution.output_shape(shape);
                let mut output = buffers.take(batch * (out.height / 2) * (out.width / 2) * out.channels);
                convolution.forward_pooled(maps, shape, &mut output);
                output
            }
            Self::Separable(block, input) => {
                let shape = input.batch(batch);
                let mut output = buffers.take(block.output_shape(shape).len());
                block.forward(maps, shape, residual, &mut output);
                output
            }
            Self::SqueezeExcite(gate, input) => {
                let mut output = buffers.take(maps.len());
                gate.forward(maps, input.batch(batch), &mut output);
                output
            }
            Self::MaxPool(pool, input) => {
                let shape = input.batch(batch);
                let mut output = buffers.take(pool.output_shape(shape).len());
                max_pool(maps, shape, *pool, &mut output);
                output
            }
            Self::AveragePool(window, input) => {
                let places = (input.height / window) * (input.width / window);
                let mut output = buffers.take(batch * places * input.channels);
                average_pool(maps, input.batch(batch), *window, &mut output);
                output
            }
            Self::Affine { factors: [scale, shift], activation, input } => {
                let mut output = buffers.take(maps.len());
                affine(maps, input.batch(batch), [scale, shift], *activation, &mut output);
                output
            }
            Self::Concatenate { branches, output: shape } => {
                let made: Vec<Option<Aligned>> =
                    branches.iter().map(|(steps, _)| run(steps, maps, batch, None, buffers)).collect();
                let mut output = buffers.take(batch * shape.len());
                let parts: Vec<(&[f32], usize)> = made
                    .iter()
                    .zip(branches)
                    .map(|(made, (_, channels))| (made.as_deref().unwrap_or(maps), *channels))
                    .collect();
                concatenate(&parts, shape.batch(batch), &mut output);
                made.into_iter().flatten().for_each(|part| buffers.recycle(part));
                output
            }
            Self::GlobalAveragePool(input) => {
                let mut output = buffers.take(batch * input.channels);
                global_average_pool(maps, input.batch(batch), &mut output);
                output
            }
            Self::Residual { body, shortcut } => {
                let added = run(shortcut, maps, batch, None, buffers);
                let output = run(body, maps, batch, Some(added.as_deref().unwrap_or(maps)), buffers);
                if let Some(added) = added {
                    buffers.recycle(added);
                }
                output.expect("a residual body has a convolution")
            }
        }
    }
}
