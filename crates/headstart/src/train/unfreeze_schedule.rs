//! Which blocks of the tail move in which epoch, and how fast against the learning rate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::backbone::spec::{Block, Layer};

/// When the pretrained blocks of the tail begin to move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Thaw {
    /// With the head.
    #[default]
    AtOnce,
    /// All of them after the head was trained alone, along a schedule of its own (fastai's `fine_tune`): the
    /// blocks then meet a head that knows what to ask of them (Kumar 2022, arXiv:2202.10054).
    HeadFirst {
        /// Epochs of the head alone, before those that the recipe counts.
        epochs: usize,
        /// Step size in them, unless the recipe's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        learning_rate: Option<f64>,
    },
    /// One more after each so many epochs, from the last to the first (Howard & Ruder 2018).
    Gradual {
        /// Epochs between two blocks.
        epochs: usize,
    },
}

impl Thaw {
    /// Epochs before a block that waits, or all of them, begin to move.
    pub fn epochs(self) -> usize {
        match self {
            Self::AtOnce => 0,
            Self::HeadFirst { epochs, .. } | Self::Gradual { epochs } => epochs,
        }
    }

    /// Epochs of the head alone that come before those that the recipe counts.
    pub fn head_epochs(self) -> usize {
        match self {
            Self::HeadFirst { epochs, .. } => epochs,
            Self::AtOnce | Self::Gradual { .. } => 0,
        }
    }
}

/// How far each parameter's block lies from the head, and what follows from that.
pub(super) struct UnfreezeSchedule {
    distances: BTreeMap<String, i32>,
    /// Names of the blocks that have parameters, the head first.
    blocks: Vec<(String, i32)>,
    thaw: Thaw,
    factor: f64,
}

impl UnfreezeSchedule {
    /// For a tail of `blocks`, the head last; a block moves by `factor` of the rate of the next one.
    pub(super) fn new(blocks: &[Block], thaw: Thaw, factor: f64) -> Self {
        let (mut distances, mut named) = (BTreeMap::new(), vec![]);
        for (distance, block) in (0i32..).zip(blocks.iter().rev()) {
            let mut names = block.layers.iter().flat_map(Layer::parameters).peekable();
            if names.peek().is_some() {
                named.push((block.name.clone(), distance));
            }
            distances.extend(names.map(|(name, _)| (name, distance)));
        }
        Self { distances, blocks: named, thaw, factor }
    }

    /// Blocks that begin to move in `epoch` after they have waited, in the net's order.
    pub(super) fn thawed(&self, epoch: usize) -> Vec<String> {
        let begins = |(_, distance): &&(String, i32)| epoch > 1 && epoch == self.frozen_for(*distance) + 1;
        self.blocks.iter().rev().filter(begins).map(|(name, _)| name.clone()).collect()
    }

    /// Epochs that a block so far from the head waits.
    fn frozen_for(&self, distance: i32) -> usize {
        match self.thaw {
            Thaw::AtOnce => 0,
            Thaw::HeadFirst { epochs, .. } => epochs * usize::from(distance > 0),
            Thaw::Gradual { epochs } => epochs * distance as usize,
        }
    }

    /// What parameter `name` moves by in `epoch`, counted from 1, as a share of the learning rate;
    /// `None` while it is frozen.
    pub(super) fn share(&self, name: &str, epoch: usize) -> Option<f64> {
        let distance = self.distances.get(name).copied().unwrap_or(0);
        (epoch > self.frozen_for(distance)).then(|| self.factor.powi(distance))
    }

    /// How many of `layers`, a tail's, come before all that moves in `epoch` or is drawn anew in each step.
    /// 0 where none of them has anything that will move later.
    pub(super) fn waiting(&self, layers: &[Layer], epoch: usize) -> usize {
        let moves = |layer: &Layer| {
            layer.draws() || layer.parameters().iter().any(|(name, _)| self.share(name, epoch).is_some())
        };
        let count = layers.iter().take_while(|layer| !moves(layer)).count();
        match layers[..count].iter().all(|layer| layer.parameters().is_empty()) {
            true => 0,
            false => count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::spec::{Activation, Dense};

    fn blocks() -> Vec<Block> {
        let dense = |name: &str| {
            let (name, activation) = (name.into(), Activation::Identity);
            Layer::Dense(Dense { name, input: 2, output: 2, activation, l2: 0.0 })
        };
        ["deep", "last", "head"].map(|name| Block { name: name.into(), layers: vec![dense(name)] }).to_vec()
    }

    const HEAD_FIRST: Thaw = Thaw::HeadFirst { epochs: 2, learning_rate: None };

    fn shares(thaw: Thaw, epoch: usize) -> [Option<f64>; 3] {
        let unfreeze_schedule = UnfreezeSchedule::new(&blocks(), thaw, 0.5);
        ["deep.weight", "last.weight", "head.bias"].map(|name| unfreeze_schedule.share(name, epoch))
    }

    #[test]
    fn blocks_thaw_from_the_head_down_and_deeper_ones_move_less() {
        assert_eq!(shares(Thaw::AtOnce, 1), [Some(0.25), Some(0.5), Some(1.0)]);
        assert_eq!(shares(HEAD_FIRST, 2), [None, None, Some(1.0)]);
        assert_eq!(shares(HEAD_FIRST, 3), [Some(0.25), Some(0.5), Some(1.0)]);
        assert_eq!(shares(Thaw::Gradual { epochs: 2 }, 3), [None, Some(0.5), Some(1.0)]);
        assert_eq!(shares(Thaw::Gradual { epochs: 2 }, 5), [Some(0.25), Some(0.5), Some(1.0)]);
    }

    #[test]
    fn a_layer_waits_while_nothing_up_to_it_moves_or_is_drawn() {
        let mut blocks = blocks();
        let head = &mut blocks[2].layers;
        head.splice(0..0, [Layer::GlobalAveragePool, Layer::Dropout { rate: 0.2 }]);
        let layers: Vec<Layer> = blocks.iter().flat_map(|block| block.layers.clone()).collect();
        let waiting =
            |thaw| [1, 2, 3].map(|epoch| UnfreezeSchedule::new(&blocks, thaw, 1.0).waiting(&layers, epoch));
        assert_eq!(waiting(Thaw::AtOnce), [0, 0, 0]);
        // Two blocks and the pool, but not the dropout.
        assert_eq!(waiting(HEAD_FIRST), [3, 3, 0]);
        assert_eq!(waiting(Thaw::Gradual { epochs: 1 }), [3, 1, 0]);
        let head = UnfreezeSchedule::new(&blocks[2..], HEAD_FIRST, 1.0);
        assert_eq!(head.waiting(&blocks[2].layers, 1), 0);
    }
}
