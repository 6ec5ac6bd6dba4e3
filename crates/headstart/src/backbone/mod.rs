//! Pretrained nets: architecture as data, weights, and the preprocessing that belongs to the weights.

pub mod efficientnet;
pub mod registry;
pub mod spec;
pub mod vgg;
pub mod weights;

pub use registry::{Backbone, Unfreeze};
