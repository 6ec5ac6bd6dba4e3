//! Pretrained nets: architecture as data, weights, and the preprocessing that belongs to the weights.

pub mod densenet;
pub mod efficientnet;
mod entries;
#[cfg(feature = "train")]
pub mod file;
mod inverted;
mod layers;
#[cfg(feature = "train")]
mod load;
pub mod mobilenet;
pub mod mobilenet_v2;
pub mod registry;
pub mod resnet;
pub mod spec;
#[cfg(feature = "train")]
mod torch;
pub mod vgg;
pub mod weights;
mod window;

pub use layers::{LayerRow, layer_rows};
pub use registry::{Backbone, Unfreeze};
