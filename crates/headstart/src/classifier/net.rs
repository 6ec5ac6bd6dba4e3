//! The net as it predicts: a trunk that all members share and a tail for each, whose logits are averaged.

use super::Description;
use crate::backbone::spec::{Layer, MapShape, output_shape};
use crate::backbone::weights::Weights;
use crate::compiled::Stages;
use crate::device::Device;
use crate::explain::{self, GradCam, Heatmap, Method};
use crate::features::input;
use crate::trunk::Buffers;

/// Compiled from a description and its weights.
#[derive(Debug)]
pub(super) struct Net {
    trunk: Stages,
    tails: Vec<Stages>,
    /// One for each tail, with the number of layers before the maps that they look at.
    grad_cams: Option<(usize, Vec<GradCam>)>,
}

/// Maps between two stages.
#[derive(Clone, Copy)]
pub(super) struct Maps<'a> {
    /// The tail that made them; `None` for the trunk.
    tail: Option<usize>,
    /// Layers before them.
    pub(super) layers: usize,
    pub(super) shape: MapShape,
    /// `[batch, H, W, C]`
    pub(super) values: &'a [f32],
}

impl Net {
    /// Compiles the trunk that the `members` share and the tail of each.
    pub(super) fn new(description: &Description, members: &[Weights], device: &Device) -> Self {
        let layers: Vec<&Layer> = description.blocks.iter().flat_map(|block| &block.layers).collect();
        let cut = description.blocks[..description.cut].iter().map(|block| block.layers.len()).sum();
        let input = input(&description.preprocess);
        let place = explain::place(&layers, input);
        let gate = description.gate.iter();
        let looks = gate.flat_map(|gate| [Some(gate.layers), gate.unusual.map(|unusual| unusual.layers)]);
        let cuts: Vec<usize> = looks.flatten().chain(place).collect();
        let shape = output_shape(layers[..cut].iter().copied(), input);
        let tail = |weights| Stages::new(&layers, cut..layers.len(), weights, shape, &cuts, device);
        let grad_cam = |weights, place| {
            let shape = output_shape(layers[..place].iter().copied(), input);
            GradCam::new(&layers[place..], weights, shape)
        };
        Self {
            trunk: Stages::new(&layers, 0..cut, &members[0], input, &cuts, device),
            tails: members.iter().map(tail).collect(),
            grad_cams: place.map(|at| (at, members.iter().map(|weights| grad_cam(weights, at)).collect())),
        }
    }

    /// Mean logits `[batch, classes]` of preprocessed images `[batch, H, W, 3]`; `look` is shown the maps
    /// between the stages.
    pub(super) fn forward(&self, images: &[f32], batch: usize, mut look: impl FnMut(Maps<'_>)) -> Vec<f32> {
        let mut buffers = Buffers::default();
        let features = self.trunk.forward(images, batch, &mut buffers, |layers, shape, values| {
            look(Maps { tail: None, layers, shape, values });
        });
        let mut sum = Vec::new();
        for (number, tail) in self.tails.iter().enumerate() {
            let logits = tail.forward(&features, batch, &mut buffers, |layers, shape, values| {
                look(Maps { tail: Some(number), layers, shape, values });
            });
            add(&mut sum, &logits);
            buffers.recycle(logits);
        }
        let share = 1.0 / self.tails.len() as f32;
        sum.iter_mut().for_each(|logit| *logit *= share);
        sum
    }

    /// What one image's pixels speak for a class: the mean of what the members saw, from 0 to 1 again.
    pub(super) fn explain(&self, image: &[f32], class: usize, method: Method) -> Option<Heatmap> {
        let (place, grad_cams) = self.grad_cams.as_ref()?;
        let mut seen: Vec<Heatmap> = Vec::new();
        self.forward(image, 1, |maps| {
            if maps.layers == *place {
                let own =
                    grad_cams.iter().enumerate().filter(|(tail, _)| maps.tail.is_none_or(|t| t == *tail));
                seen.extend(own.map(|(_, grad_cam)| grad_cam.look(maps.values, class, method)));
            }
        });
        Heatmap::mean(&seen)
    }
}

fn add(sum: &mut Vec<f32>, values: &[f32]) {
    sum.resize(values.len(), 0.0);
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}
