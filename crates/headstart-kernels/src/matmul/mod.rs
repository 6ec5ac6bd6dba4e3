//! Matrix products: what 1×1 convolutions, fully connected layers and the Winograd domain come
//! down to. Every product is summed in blocks of [`DEPTH`], in order.

mod epilogue;
mod kernel;
mod panels;
mod rows;
mod transposed;

pub(crate) use epilogue::Epilogue;
pub(crate) use panels::{PackedMatrix, Panels, panel_width};
pub(crate) use rows::{Lines, Rows, Windows, multiply, multiply_lines, multiply_windows};
pub(crate) use transposed::{Columns, block_rows, multiply_transposed, multiply_transposed_block};

/// Rows of B that are summed at a time, so that this part of a panel stays in the first cache.
const DEPTH: usize = 256;
