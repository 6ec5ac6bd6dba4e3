//! Pretrained nets: architecture as data, weights, and the preprocessing that belongs to the weights.

pub mod densenet;
pub mod efficientnet;
mod entries;
#[cfg(feature = "train")]
pub mod file;
mod hdf5;
mod inverted;
pub mod keras;
mod keras_file;
mod layers;
#[cfg(feature = "train")]
mod load;
pub mod mobilenet;
pub mod mobilenet_v2;
mod operations;
mod overview;
mod published;
#[cfg(feature = "pull")]
mod pull;
pub mod registry;
pub mod resnet;
mod shape;
pub mod spec;
#[cfg(feature = "train")]
mod torch;
pub mod vgg;
pub mod weights;
mod window;

pub use layers::{LayerRow, layer_rows};
pub use overview::{Overview, overview};
pub use published::{Kept, Published};
#[cfg(feature = "pull")]
pub use pull::{Pulled, pull};
pub use registry::{Backbone, Unfreeze};
