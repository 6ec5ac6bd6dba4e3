//! A batch in slices, which ranks share: the gradients of the slices are summed along a fixed tree.
//!
//! Slice `s` of `n` is the same part of a batch wherever it is computed, draws its views and dropout from a stream of its
//! own, and is added to the others in an order that its place alone decides. A rank sends the sum that it has to the rank
//! that needs it, and only these two add anything: so every number of ranks gives the same bits.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::tensor::{Tensor, TensorData};

use super::state::Within;
use super::step::{Batch, Came, Gradients, Images, Step};
use crate::backbone::weights::little_endian;
use crate::error::Result;
use crate::network::{Parameters, host};
use crate::random::Random;
use crate::ranks::Ranks;

/// How batches are cut, and who computes what.
pub(super) struct Slices<'a> {
    ranks: &'a Ranks,
    /// The rank of each slice.
    owners: Vec<usize>,
}

/// What a slice comes to, in one row: the gradients of all parameters that move, the loss, and the images that were
/// classified right.
type Row = Vec<f32>;

impl<'a> Slices<'a> {
    /// So many slices, which the ranks share evenly, neighbours together.
    pub(super) fn new(count: usize, ranks: &'a Ranks) -> Self {
        let sharing = ranks.size().min(count);
        Self { ranks, owners: (0..count).map(|slice| slice * sharing / count).collect() }
    }

    /// The gradients of a batch, and what it came to, at every rank.
    ///
    /// # Errors
    /// When a file that must be read again has changed, or a rank cannot be reached.
    pub(super) fn gradients(
        &self,
        step: &Step<'_>,
        parameters: &Parameters,
        images: Images<'_>,
        within: &mut Within,
    ) -> Result<(Gradients, Came)> {
        let count = self.owners.len();
        let seeds: Vec<[u64; 2]> = (0..count).map(|_| [within.views.bits(), within.dropout.bits()]).collect();
        let moving: BTreeMap<&str, usize> = parameters
            .iter()
            .filter(|(name, _)| step.moves(name))
            .map(|(name, parameter)| (name.as_str(), parameter.shape.iter().product()))
            .collect();
        let mut row = |slice: usize| -> Result<Row> {
            let Images { places, batch, .. } = images;
            let places = &places[slice * batch / count..(slice + 1) * batch / count];
            if places.is_empty() {
                return Ok(vec![0.0; moving.values().sum::<usize>() + 2]);
            }
            let [mut views, mut dropout] = seeds[slice].map(|seed| Random::new(seed, 0));
            let slice = Batch::gather(step.tail, step.recipe, Images { places, ..images }, &mut views)?;
            Ok(row(&moving, step.gradients_of_slice(parameters, slice, &mut dropout)))
        };
        let sum = self.sum(0..count, &mut row)?.map_or(vec![], |sum| little_endian(&sum).into_owned());
        let sum = values(&self.ranks.broadcast(self.owners[0], sum)?);
        Ok(with_penalty(step, parameters, unrolled(step, &moving, &sum)))
    }

    /// The sum of some slices' rows along the tree, at the rank of the first of them; `None` at the others.
    fn sum(&self, slices: Range<usize>, row: &mut dyn FnMut(usize) -> Result<Row>) -> Result<Option<Row>> {
        let (first, here) = (slices.start, self.ranks.rank());
        if slices.len() == 1 {
            return (self.owners[first] == here).then(|| row(first)).transpose();
        }
        let middle = first + slices.len().div_ceil(2);
        let left = self.sum(first..middle, row)?;
        let right = self.sum(middle..slices.end, row)?;
        match (left, right) {
            (Some(sum), Some(other)) => Ok(Some(added(sum, &other))),
            (Some(sum), None) => Ok(Some(added(sum, &values(&self.ranks.receive(self.owners[middle])?)))),
            (None, Some(sum)) => self.ranks.send(self.owners[first], &little_endian(&sum)).map(|()| None),
            (None, None) => Ok(None),
        }
    }
}

fn added(mut sum: Row, other: &[f32]) -> Row {
    sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
    sum
}

fn values(bytes: &[u8]) -> Row {
    bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

fn row(moving: &BTreeMap<&str, usize>, (mut gradients, came): (Gradients, Came)) -> Row {
    let mut row = Vec::with_capacity(moving.values().sum::<usize>() + 2);
    for (name, length) in moving {
        match gradients.remove(*name) {
            Some(gradient) => row.extend(host(gradient)),
            None => row.extend(std::iter::repeat_n(0.0, *length)),
        }
    }
    row.extend([came.loss as f32, came.hits as f32]);
    row
}

fn unrolled(step: &Step<'_>, moving: &BTreeMap<&str, usize>, mut row: &[f32]) -> (Gradients, Came) {
    let mut gradients = Gradients::new();
    for (name, length) in moving {
        let (values, rest) = row.split_at(*length);
        let data = TensorData::new(values.to_vec(), [*length]);
        gradients.insert((*name).to_string(), Tensor::from_data(data, step.tail.device().tensors()));
        row = rest;
    }
    (gradients, Came { loss: f64::from(row[0]), penalty: 0.0, hits: row[1] as usize })
}

/// The weights' penalty counts once for the batch. Every rank has the weights and adds it for itself.
fn with_penalty(
    step: &Step<'_>,
    parameters: &Parameters,
    (mut gradients, came): (Gradients, Came),
) -> (Gradients, Came) {
    let Some((of_penalty, penalty)) = step.gradients_of_penalty(parameters) else {
        return (gradients, came);
    };
    for (name, more) in of_penalty {
        if let Some(gradient) = gradients.remove(&name) {
            gradients.insert(name, gradient + more);
        }
    }
    (gradients, Came { loss: came.loss + penalty, penalty, ..came })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::tests::among;

    const LENGTH: usize = 1000;

    /// Values of very different sizes, so that another order gives another sum.
    fn row(slice: usize) -> Row {
        let mut random = Random::new(slice as u64, 1);
        (0..LENGTH).map(|_| random.symmetric(1.0) * 2.0f32.powi(random.below(24) as i32)).collect()
    }

    fn sums(owners: &[usize], ranks: usize) -> Vec<Vec<u32>> {
        let sums = among(ranks, |ranks| {
            let slices = Slices { ranks: &ranks, owners: owners.to_vec() };
            let own = slices.sum(0..owners.len(), &mut |slice| Ok(row(slice))).expect("sums");
            assert_eq!(own.is_some(), ranks.rank() == owners[0]);
            let own = own.map_or(vec![], |sum| little_endian(&sum).into_owned());
            values(&ranks.broadcast(owners[0], own).expect("is told"))
        });
        sums.iter().map(|sum| sum.iter().map(|value| value.to_bits()).collect()).collect()
    }

    #[test]
    fn any_ranks_with_any_slices_come_to_the_same_bits() {
        for count in [1, 2, 3, 5, 8, 13] {
            let alone = sums(&vec![0; count], 1).remove(0);
            for ranks in [1, 2, 3, 4, 8] {
                let even = among(ranks, |ranks| Slices::new(count, &ranks).owners);
                assert_eq!(sums(&even[0], ranks), vec![alone.clone(); ranks], "{count} among {ranks}");
                let mut random = Random::new(count as u64, ranks as u64);
                for _ in 0..20 {
                    let owners: Vec<usize> = (0..count).map(|_| random.below(ranks)).collect();
                    assert_eq!(sums(&owners, ranks), vec![alone.clone(); ranks], "{owners:?}");
                }
            }
        }
    }

    #[test]
    fn the_order_is_that_of_the_tree_and_no_other() {
        let tree = added(added(row(0), &row(1)), &added(row(2), &row(3)));
        let bits = |row: &[f32]| row.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(sums(&[0; 4], 1)[0], bits(&tree));
        let in_turn = added(added(added(row(0), &row(1)), &row(2)), &row(3));
        assert_ne!(bits(&tree), bits(&in_turn));
    }
}
