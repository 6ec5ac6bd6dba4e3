//! The gate of a trained net: how far validation and test images lie from the training images.

use super::data::Usable;
use super::judge::Judge;
use crate::backbone::spec::Layer;
use crate::dataset::Split;
use crate::features::Records;
use crate::gate::{FALSE_REFUSALS, Gate, GateFacts, pool, threshold};
use crate::trunk::{Buffers, Plan};

/// Records that are looked at at a time.
const BATCH: usize = 32;

/// A gate, and what it looks at.
pub(super) struct Familiar {
    pub(super) facts: GateFacts,
    pub(super) gate: Gate,
    /// Layers of the tail before the features.
    of_tail: usize,
}

impl Judge<'_> {
    /// A gate on the frozen trunk's output; on the backbone's where nothing is frozen. `None` with too
    /// few validation images.
    pub(super) fn familiar(&self, usable: &Usable) -> Option<Familiar> {
        let count = |blocks: &[crate::backbone::spec::Block]| {
            blocks.iter().map(|block| block.layers.len()).sum::<usize>()
        };
        let frozen = count(&self.blocks[..self.cut]);
        let backbone = count(&self.blocks[..self.blocks.len() - 1]);
        let of_tail = if frozen > 0 { 0 } else { backbone };
        let train = usable.of(Split::Train);
        let labels: Vec<usize> = train.iter().map(|index| usable.labels[*index]).collect();
        let classes = labels.iter().max()? + 1;
        let gate = Gate::fit(&self.pooled(of_tail, self.records, &train), &labels, classes)?;
        let distances = gate.distances(&self.pooled(of_tail, self.records, &usable.of(Split::Validation)));
        let threshold = threshold(&distances, FALSE_REFUSALS)?;
        let facts = GateFacts { layers: frozen + of_tail, threshold, false_refusals: FALSE_REFUSALS };
        Some(Familiar { facts, gate, of_tail })
    }

    /// Distances of records.
    pub(super) fn distances(&self, familiar: &Familiar, records: &Records, indices: &[usize]) -> Vec<f64> {
        familiar.gate.distances(&self.pooled(familiar.of_tail, records, indices))
    }

    fn pooled(&self, of_tail: usize, records: &Records, indices: &[usize]) -> Vec<Vec<f32>> {
        let layers: &[Layer] = &self.tail.layers()[..of_tail];
        let plan = Plan::new(layers, self.weights, self.tail.input());
        let (mut buffers, mut rows) = (Buffers::default(), Vec::with_capacity(indices.len()));
        let length = plan.input().len();
        let mut maps = vec![0.0; BATCH.min(indices.len()) * length];
        for batch in indices.chunks(BATCH) {
            let maps = &mut maps[..batch.len() * length];
            for (index, output) in batch.iter().zip(maps.chunks_exact_mut(length)) {
                records.copy(*index, output);
            }
            let features = plan.forward(maps, batch.len(), &mut buffers);
            rows.extend(pool(&features, plan.output()));
            buffers.recycle(features);
        }
        rows
    }
}
