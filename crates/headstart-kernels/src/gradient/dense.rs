//! Gradients of a fully connected layer.

use rayon::prelude::*;

use crate::disjoint::Disjoint;
use crate::matmul::{Columns, Epilogue, PackedMatrix, Rows, multiply, multiply_transposed};
use crate::scratch::Scratch;

/// Inputs that one task computes.
const INPUTS: usize = 96;

/// The gradient of [`crate::dense`]'s input.
///
/// # Shapes
/// - `weight`: `[inputs, outputs]`
/// - `gradient`: `[batch, outputs]`
/// - `input`: `[batch, inputs]`
pub fn dense_input(weight: &[f32], gradient: &[f32], batch: usize, input: &mut [f32]) {
    let (inputs, outputs) = (input.len() / batch, gradient.len() / batch);
    assert_eq!(weight.len(), inputs * outputs, "weights of {inputs} inputs and {outputs} outputs");
    assert_eq!((input.len(), gradient.len()), (batch * inputs, batch * outputs), "a batch of {batch}");
    // Weights lie by input, so the transpose of the gradient comes out: [inputs, batch].
    let matrix = PackedMatrix::new(outputs, batch, |output, image| gradient[image * outputs + output]);
    let to = Disjoint::new(input);
    weight.par_chunks(INPUTS * outputs).enumerate().for_each(|(index, values)| {
        let count = values.len() / outputs;
        let mut products = Scratch::new(count * batch);
        multiply(Rows { values, stride: outputs }, matrix.panels(), &mut products, Epilogue::PLAIN);
        for image in 0..batch {
            // SAFETY: these inputs of an image are no other task's.
            let line =
                unsafe { std::slice::from_raw_parts_mut(to.at(image * inputs + index * INPUTS), count) };
            let column = products.iter().skip(image).step_by(batch);
            line.iter_mut().zip(column).for_each(|(slot, product)| *slot = *product);
        }
    });
}

/// The gradient of [`crate::dense`]'s weight.
///
/// # Shapes
/// - `input`: `[batch, inputs]`
/// - `gradient`: `[batch, outputs]`
/// - `weight`: `[inputs, outputs]`
pub fn dense_weight(input: &[f32], gradient: &[f32], batch: usize, weight: &mut [f32]) {
    let (inputs, outputs) = (input.len() / batch, gradient.len() / batch);
    assert_eq!((input.len(), gradient.len()), (batch * inputs, batch * outputs), "a batch of {batch}");
    assert_eq!(weight.len(), inputs * outputs, "weights of {inputs} inputs and {outputs} outputs");
    let matrix = PackedMatrix::from_rows(outputs, gradient);
    multiply_transposed(Columns { values: input, stride: inputs }, matrix.panels(), weight, Epilogue::PLAIN);
}
