//! Transfer learning for CNN image classifiers.

pub mod dataset;
pub mod error;
pub mod image;

pub use error::{Error, Result};
