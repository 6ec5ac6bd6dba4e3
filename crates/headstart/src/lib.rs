//! Transfer learning for CNN image classifiers.

pub mod error;
pub mod evaluate;
pub mod history;
pub mod report;

pub use error::{Error, Result};
