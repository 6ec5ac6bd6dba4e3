//! The gate of a trained net: how far validation and test images lie from the training images.

use super::data::Usable;
use super::evaluation::Evaluator;
use super::recipe::ValidateOn;
use crate::backbone::spec::{Block, Layer};
use crate::compiled::Compiled;
use crate::dataset::Split;
use crate::features::Records;
use crate::gate::{
    FALSE_REFUSALS, FEWEST, Fitted, Gate, GateFacts, Mahalanobis, Pairs, Refusing, Strangeness, UnusualFacts,
    pool, threshold,
};
use crate::trunk::Buffers;

/// Records that are looked at at a time.
const BATCH: usize = 32;
/// Rows that the distance which refuses is fitted to, at most: images and their views, at even steps.
const ROWS: usize = 3000;
/// Training images whose odd copies the gate learns from, at most.
const LEARNT: usize = 400;
/// Validation images whose odd copies say whether it has learnt to tell them, at most.
const ASKED: usize = 200;

/// A gate, and what it looks at.
pub(super) struct FittedGate {
    pub(super) facts: GateFacts,
    pub(super) gate: Gate,
    /// Layers of the tail before the features that refuse.
    of_tail: usize,
    /// Layers of the tail before the features that call unusual.
    of_unusual: usize,
}

/// Of so many training images the gate learns what odd copies look like, and of so many validation images it is asked.
pub(super) fn with_copies(train: &[usize], validation: &[usize]) -> Vec<usize> {
    // Too few for a gate.
    if validation.len() < FEWEST {
        return vec![];
    }
    let mut images = [spread(train, LEARNT), spread(validation, ASKED)].concat();
    images.sort_unstable();
    images.dedup();
    images
}

/// At most `most` of `indices`, at even steps.
fn spread(indices: &[usize], most: usize) -> Vec<usize> {
    indices.iter().copied().step_by(indices.len().div_ceil(most).max(1)).collect()
}

fn count(blocks: &[Block]) -> usize {
    blocks.iter().map(|block| block.layers.len()).sum()
}

impl Evaluator<'_> {
    /// A gate that refuses by the features at the backbone's end, and calls unusual by those at the frozen trunk's,
    /// or at the backbone's where nothing is frozen. `None` with too few validation images.
    pub(super) fn fit_gate(&self, usable: &Usable) -> Option<FittedGate> {
        let frozen = count(&self.blocks[..self.cut]);
        let of_tail = count(&self.blocks[..self.blocks.len() - 1]) - frozen;
        let of_unusual = if frozen > 0 { 0 } else { of_tail };
        let fitted = self.refusing(of_tail)?;
        let (unusual, limit) = self.unusual(of_unusual, usable)?;
        let facts = GateFacts {
            layers: frozen + of_tail,
            threshold: fitted.threshold,
            false_refusals: FALSE_REFUSALS,
            kind: fitted.kind(),
            unusual: Some(UnusualFacts { layers: frozen + of_unusual, threshold: limit }),
        };
        let gate = Gate { refusing: Refusing::Residual(fitted.residual), unusual: Some(unusual) };
        Some(FittedGate { facts, gate, of_tail, of_unusual })
    }

    /// The distance that refuses, from images that the first member has trained on and their views; its limit from
    /// those that it was validated on.
    fn refusing(&self, of_tail: usize) -> Option<Fitted> {
        let member = &self.trained.first()?.member;
        let sources: Vec<(&Records, Vec<usize>)> = std::iter::once((self.records, member.train.clone()))
            .chain(self.drawn.of(&member.train))
            .collect();
        let step = (member.train.len() * sources.len()).div_ceil(ROWS).max(1);
        let rows: Vec<Vec<f32>> = sources
            .iter()
            .enumerate()
            .flat_map(|(source, (records, places))| {
                // Of each source other images.
                let chosen: Vec<usize> = places.iter().copied().skip(source % step).step_by(step).collect();
                self.pooled(records, of_tail, &chosen)
            })
            .collect();
        let validation = self.validated(of_tail, &member.validation);
        let [train, asked] = [&member.train, &member.validation].map(|images| self.odd.among(images));
        let copies = self.odd.of(&train).zip(self.odd.of(&asked)).map(|((records, train), (_, asked))| {
            (self.pooled(records, of_tail, &train), self.pooled(records, of_tail, &asked))
        });
        // With their views, where there are any: a probe that knows the images only as they are takes restyled ones for
        // copies, and is then left out.
        let shown = std::iter::once((self.records, train.clone())).chain(self.drawn.of(&train));
        let pairs = Pairs {
            plain: shown.flat_map(|(records, places)| self.pooled(records, of_tail, &places)).collect(),
            unseen: validation.clone(),
            copies: copies.collect(),
        };
        Fitted::new(&rows, &validation, Some(&pairs))
    }

    /// Features of the validation images, as they are or restyled, as the recipe validates.
    fn validated(&self, of_tail: usize, images: &[usize]) -> Vec<Vec<f32>> {
        let plain = || self.pooled(self.records, of_tail, images);
        let restyled = || {
            let first = self.stressed.of(images).next();
            first.map_or_else(Vec::new, |(records, places)| self.pooled(records, of_tail, &places))
        };
        match self.recipe.validate_on {
            ValidateOn::Plain => plain(),
            ValidateOn::Stressed => restyled(),
            ValidateOn::Both => [plain(), restyled()].concat(),
        }
    }

    /// The distance that calls unusual, and its limit.
    fn unusual(&self, of_tail: usize, usable: &Usable) -> Option<(Mahalanobis, f64)> {
        let train = usable.of(Split::Train);
        let labels: Vec<usize> = train.iter().map(|index| usable.labels[*index]).collect();
        let classes = labels.iter().max()? + 1;
        let fitted = Mahalanobis::fit(&self.pooled(self.records, of_tail, &train), &labels, classes)?;
        let validation = self.pooled(self.records, of_tail, &usable.of(Split::Validation));
        let distances: Vec<f64> = validation.iter().map(|row| fitted.distance(row)).collect();
        Some((fitted, threshold(&distances, FALSE_REFUSALS)?))
    }

    /// How far off records lie.
    pub(super) fn strangeness(
        &self,
        fitted_gate: &FittedGate,
        records: &Records,
        indices: &[usize],
    ) -> Vec<Strangeness> {
        let rows = |of_tail| self.pooled(records, of_tail, indices);
        let distances = fitted_gate.gate.distances(&rows(fitted_gate.of_tail));
        Strangeness::each(distances, fitted_gate.gate.oddnesses(&rows(fitted_gate.of_unusual)))
    }

    fn pooled(&self, records: &Records, of_tail: usize, indices: &[usize]) -> Vec<Vec<f32>> {
        let layers: &[Layer] = &self.tail.layers()[..of_tail];
        let plan = Compiled::new(layers, self.weights, self.tail.input(), self.tail.device());
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
