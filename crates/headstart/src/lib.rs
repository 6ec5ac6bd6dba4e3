//! Transfer learning for CNN image classifiers.

pub mod error;

pub use error::{Error, Result};
