//! CPU convolution kernels for frozen nets: f32, maps as `[batch, height, width, channels]`.
//!
//! - [`PackedConvolution`]: weights packed once, then `activation(conv(x) + bias + residual)`;
//!   Winograd for 3×3 at strides 1 and 2, depthwise, and a packed matrix product for the rest.
//! - [`Separable`]: mobile blocks in one go; [`SqueezeExcite`].
//! - [`max_pool`], [`global_average_pool`].
//!
//! AVX-512 or AVX2 + FMA is used where the CPU has it, else plain Rust that any compiler
//! vectorises. Work is split by output and every sum has a fixed order, so the bits do not
//! depend on the number of threads. [`HugePages`] is an allocator for programs that compute much. The only
//! crate of the workspace with unsafe code.

mod activation;
mod adam;
mod aligned;
#[cfg(feature = "burn")]
pub mod burn;
mod channels;
mod convolution;
mod dense;
mod depthwise;
mod disjoint;
mod first_layer;
pub mod gradient;
mod huge_pages;
mod im2col;
mod matmul;
mod pixelwise;
mod pool;
mod row_ops;
mod scratch;
mod separable;
mod shape;
mod squeeze;
mod strip;
mod task_size;
mod vector;
mod winograd;

pub use activation::Activation;
pub use adam::{Adam, adam};
pub use aligned::Aligned;
pub use channels::{global_average_pool, scale_channels};
pub use convolution::PackedConvolution;
pub use dense::dense;
pub use huge_pages::HugePages;
pub use pixelwise::{add, affine, concatenate};
pub use pool::{average_pool, max_pool};
pub use row_ops::{scale_rows, sum_of_squares};
pub use separable::Separable;
pub use shape::{Convolution, Padding, Pool, Shape};
pub use squeeze::SqueezeExcite;
pub use vector::vector_level;
