//! The shape of what layers take and give.

use headstart_kernels as kernels;
use serde::{Deserialize, Serialize};

/// Height, width and channels of one image's map; a vector is `1 × 1 × C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl MapShape {
    /// A map of `height × width × channels`.
    pub fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Number of values.
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether it holds no value.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Of so many images.
    pub(crate) fn batch(self, batch: usize) -> kernels::Shape {
        kernels::Shape { batch, height: self.height, width: self.width, channels: self.channels }
    }
}
