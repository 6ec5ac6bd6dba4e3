//! A whole net compiled in stages, so that the maps between them can be looked at on the way.

use std::ops::Range;

use headstart_kernels::Aligned;

use super::Compiled;
use crate::backbone::spec::{Layer, MapShape};
use crate::backbone::weights::Weights;
use crate::device::Device;
use crate::trunk::Buffers;

/// Parts that follow each other.
#[derive(Debug)]
pub(crate) struct Stages {
    /// Each with the number of layers up to its end.
    parts: Vec<(usize, Compiled)>,
}

impl Stages {
    /// Compiles those of `layers` that lie in `range`, whose maps come in with shape `input`, cut after so
    /// many of all layers each. An empty range passes maps on.
    pub(crate) fn new(
        layers: &[&Layer],
        range: Range<usize>,
        weights: &Weights,
        input: MapShape,
        cuts: &[usize],
        device: &Device,
    ) -> Self {
        let mut ends: Vec<usize> = cuts.iter().copied().chain([range.end]).collect();
        ends.sort_unstable();
        ends.dedup();
        ends.retain(|end| *end > range.start && *end <= range.end);
        let (mut parts, mut start, mut shape) = (Vec::new(), range.start, input);
        for end in ends {
            let part = Compiled::new(layers[start..end].iter().copied(), weights, shape, device);
            shape = part.output();
            parts.push((end, part));
            start = end;
        }
        Self { parts }
    }

    /// Shape of the maps after `layers` layers, where a stage ends.
    pub(crate) fn shape_after(&self, layers: usize) -> Option<MapShape> {
        self.parts.iter().find(|(end, _)| *end == layers).map(|(_, part)| part.output())
    }

    /// Runs a batch and shows `look` the maps at the end of each stage, with the number of layers
    /// before it.
    ///
    /// # Shapes
    /// - `maps`: `[batch, H, W, C]` of the input
    /// - result: `[batch, H, W, C]` of the output
    pub(crate) fn forward(
        &self,
        maps: &[f32],
        batch: usize,
        buffers: &mut Buffers,
        mut look: impl FnMut(usize, MapShape, &[f32]),
    ) -> Aligned {
        let mut current: Option<Aligned> = None;
        for (end, part) in &self.parts {
            let next = part.forward(current.as_deref().unwrap_or(maps), batch, buffers);
            look(*end, part.output(), &next);
            if let Some(old) = current.replace(next) {
                buffers.recycle(old);
            }
        }
        current.unwrap_or_else(|| buffers.copy(maps))
    }
}
