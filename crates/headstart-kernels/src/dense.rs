//! Fully connected layers whose weights change with each call: nothing is packed where it can be
//! helped.

use rayon::prelude::*;

use crate::activation::Activation;
use crate::matmul::{Epilogue, PackedMatrix, Panels, Rows, multiply};
use crate::scratch::Scratch;

/// Inputs that are summed at a time: a fixed number, so that the order of the sum is fixed.
const INPUTS: usize = 4096;

/// `activation(input · weight + bias)`.
///
/// # Shapes
/// - `input`: `[batch, inputs]`
/// - `weight`: `[inputs, outputs]`
/// - `bias`: `[outputs]`
/// - `output`: `[batch, outputs]`
///
/// # Panics
/// When a length does not fit.
pub fn dense(input: &[f32], weight: &[f32], bias: &[f32], activation: Activation, output: &mut [f32]) {
    let (outputs, batch) = (bias.len(), output.len() / bias.len());
    let inputs = weight.len() / outputs;
    assert_eq!(output.len(), batch * outputs, "whole rows of {outputs} outputs");
    assert_eq!(input.len(), batch * inputs, "{batch} rows of {inputs} inputs");
    match Panels::by_rows(inputs, outputs, weight) {
        Some(panels) => in_slices(input, inputs, panels, output),
        None => in_slices(input, inputs, PackedMatrix::from_rows(outputs, weight).panels(), output),
    }
    let (low, high) = activation.range();
    for row in output.chunks_exact_mut(outputs) {
        row.iter_mut().zip(bias).for_each(|(value, bias)| *value = (*value + bias).clamp(low, high));
    }
    activation.bend(output);
}

/// `input · weight`, each slice of the sum by itself, then all of them in order.
fn in_slices(input: &[f32], inputs: usize, weight: Panels<'_>, output: &mut [f32]) {
    let slices = inputs.div_ceil(INPUTS);
    let mut sums = Scratch::new(slices * output.len());
    sums.par_chunks_exact_mut(output.len()).enumerate().for_each(|(slice, sums)| {
        let first = slice * INPUTS;
        let part = weight.part(first, INPUTS.min(inputs - first));
        multiply(Rows { values: &input[first..], stride: inputs }, part, sums, Epilogue::PLAIN);
    });
    let (first, others) = sums.split_at(output.len());
    output.copy_from_slice(first);
    for sums in others.chunks_exact(output.len()) {
        output.iter_mut().zip(sums).for_each(|(sum, value)| *sum += value);
    }
}
