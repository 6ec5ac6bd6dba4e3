//! What the tail makes of validation images, by the code that predicts.

use super::fit::Data;
use super::recipe::{Recipe, ValidateOn};
use crate::backbone::spec::Layer;
use crate::backbone::weights::{Weights, little_endian};
use crate::compiled::Compiled;
use crate::error::Result;
use crate::evaluate;
use crate::features::Records;
use crate::network::Tail;

use crate::ranks::Ranks;
use crate::trunk::Buffers;

/// Records that are scored at a time.
const BATCH: usize = 32;

/// What scores came to on some images.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) loss: f64,
    pub(super) accuracy: f64,
    pub(super) auc: Option<f64>,
}

/// What an epoch is judged by.
pub(super) struct Validation {
    /// On the images as they are.
    pub(super) plain: Outcome,
    /// On the restyled ones, where the recipe looks at them.
    pub(super) stressed: Option<Outcome>,
    /// The class with the largest score of each image as it is.
    pub(super) predicted: Vec<usize>,
}

impl Validation {
    /// The loss that chooses the epoch, where it is not that of the images as they are.
    pub(super) fn selection_loss(&self, on: ValidateOn) -> Option<f64> {
        let stressed = self.stressed?.loss;
        match on {
            ValidateOn::Plain => None,
            ValidateOn::Stressed => Some(stressed),
            ValidateOn::Both => Some(f64::midpoint(self.plain.loss, stressed)),
        }
    }
}

/// Scores the validation images, and the restyled ones where the recipe looks at them. Ranks share the batches.
///
/// # Errors
/// When another rank cannot be reached.
pub(super) fn validate(
    tail: &Tail,
    weights: &Weights,
    data: &Data<'_>,
    (recipe, ranks): (&Recipe, &Ranks),
) -> Result<Validation> {
    let labels: Vec<usize> = data.validation.iter().map(|index| data.labels[*index]).collect();
    let plain = shared_logits(tail, weights, (data.records, data.validation), ranks)?;
    let stressed = match recipe.validate_on {
        ValidateOn::Plain => None,
        ValidateOn::Stressed | ValidateOn::Both => data.stressed.of(data.validation).next(),
    };
    let stressed = stressed
        .map(|(records, places)| shared_logits(tail, weights, (records, &places), ranks))
        .transpose()?;
    let largest = |row: &Vec<f32>| {
        (0..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
    };
    Ok(Validation {
        plain: outcome(&plain, &labels, data, recipe),
        stressed: stressed.map(|logits| outcome(&logits, &labels, data, recipe)),
        predicted: plain.iter().map(largest).collect(),
    })
}

fn outcome(logits: &[Vec<f32>], labels: &[usize], data: &Data<'_>, recipe: &Recipe) -> Outcome {
    let loss: f64 = logits.iter().zip(labels).map(|(row, label)| recipe.loss.of_image(row, *label)).sum();
    let scores: Vec<Vec<f32>> = logits.iter().map(|row| recipe.loss.output().scores(row)).collect();
    let (truth, of_positive) = evaluate::one_against_rest(labels, &scores, data.positive);
    Outcome {
        loss: loss / labels.len() as f64,
        accuracy: evaluate::accuracy(labels, &scores),
        auc: evaluate::auc(&truth, &of_positive),
    }
}

/// Logits of records by the compiled tail: the code that predicts.
pub(super) fn logits(tail: &Tail, weights: &Weights, records: &Records, indices: &[usize]) -> Vec<Vec<f32>> {
    outputs(tail, tail.layers(), weights, records, indices)
}

/// The same of batches that are dealt to the ranks. They are those of one rank, so the bits are, too.
fn shared_logits(
    tail: &Tail,
    weights: &Weights,
    (records, indices): (&Records, &[usize]),
    ranks: &Ranks,
) -> Result<Vec<Vec<f32>>> {
    let batches = || indices.chunks(BATCH).enumerate();
    let own: Vec<usize> =
        batches().filter(|(batch, _)| ranks.has(*batch)).flat_map(|(_, batch)| batch).copied().collect();
    let own = logits(tail, weights, records, &own);
    if ranks.size() == 1 {
        return Ok(own);
    }
    let all = ranks.share_bytes(little_endian(&own.concat()).into_owned())?;
    // Four bytes for each of as many logits as an image has.
    let length = all.iter().map(Vec::len).sum::<usize>() / indices.len().max(1);
    let mut rows: Vec<_> = all.iter().map(|bytes| bytes.chunks_exact(length.max(1)).map(values)).collect();
    let of_batch = |(number, batch): (usize, &[usize])| {
        rows[number % ranks.size()].by_ref().take(batch.len()).collect::<Vec<_>>()
    };
    Ok(batches().flat_map(of_batch).collect())
}

fn values(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

/// What `layers`, the first of the tail's, make of records.
pub(super) fn outputs(
    tail: &Tail,
    layers: &[Layer],
    weights: &Weights,
    records: &Records,
    indices: &[usize],
) -> Vec<Vec<f32>> {
    let input = tail.input();
    let plan = Compiled::new(layers, weights, input, tail.device());
    let (mut buffers, mut rows) = (Buffers::default(), Vec::with_capacity(indices.len()));
    let mut maps = vec![0.0; BATCH.min(indices.len()) * input.len()];
    for batch in indices.chunks(BATCH) {
        let maps = &mut maps[..batch.len() * input.len()];
        for (index, output) in batch.iter().zip(maps.chunks_exact_mut(input.len())) {
            records.copy(*index, output);
        }
        let output = plan.forward(maps, batch.len(), &mut buffers);
        rows.extend(output.chunks_exact(plan.output().len()).map(<[f32]>::to_vec));
        buffers.recycle(output);
    }
    rows
}
