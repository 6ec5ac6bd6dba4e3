//! Gradients of every forward kernel, for training.
//!
//! A gradient is that of a loss by a map, a weight or a bias, and has the shape of it. Sums over
//! a batch are in a fixed order, as everywhere here: work is split by what is computed.

mod activation;
mod col2im;
mod convolution;
mod dense;
mod depthwise;
mod pool;

pub use activation::activation_and_bias;
pub use convolution::{convolution_input, convolution_weight};
pub use dense::{dense_input, dense_weight};
pub use pool::{global_average_pool, max_pool};

pub use crate::channels::channel_factors;
pub use crate::row_ops::row_factors;
