//! Transfer learning for CNN image classifiers.

pub mod error;
pub mod evaluate;
pub mod history;

pub use error::{Error, Result};
