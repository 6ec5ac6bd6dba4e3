//! Transfer learning for CNN image classifiers.
//!
//! ```text
//! bytes → image::decode → image::Preprocess → trunk::Plan → features (cached)
//!       → network::Tail (training) → logits → scores → evaluate, report
//!                                    classifier: the same way, sealed in one file
//! ```

pub mod audit;
pub mod backbone;
pub mod classifier;
mod csv_field;
pub mod dataset;
pub mod date;
pub mod error;
pub mod evaluate;
pub mod explain;
pub mod features;
pub mod gate;
pub mod history;
pub mod image;
pub mod learning_curve;
pub mod network;
pub mod observer;
pub mod phantom;
mod probe;
mod random;
pub mod rate_curve;
pub mod regular;
pub mod report;
pub mod run;
pub mod train;
mod trainer;
pub mod trunk;
pub mod visible;

pub use classifier::Classifier;
pub use error::{Error, Result};
pub use observer::{Observer, Silent};
pub use train::{Recipe, Run};
pub use trainer::Trainer;
