//! A backbone, cut, with a new head grafted on.

use super::Recipe;
use crate::backbone::Backbone;
use crate::backbone::spec::{Block, Layer, count, output_shape};
use crate::backbone::weights::Weights;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::features::{Extractor, input};
use crate::network::{self, Tail};
use crate::observer::Observer;

/// Weights of a head, at most: of 512 MiB, which training takes several times. VGG16's own first layer has 103 million.
const MOST_VALUES: usize = 1 << 27;

/// The frozen trunk, the trainable tail, and the weights of both.
pub(super) struct Assembled {
    pub(super) backbone: Backbone,
    /// Blocks of the trunk.
    pub(super) cut: usize,
    /// All blocks, head included.
    pub(super) blocks: Vec<Block>,
    /// Pretrained, and fresh ones for the head.
    pub(super) weights: Weights,
    pub(super) extractor: Extractor,
    pub(super) tail: Tail,
}

/// The frozen trunk of a recipe whose backbone is in the binary, as training computes features with it.
///
/// # Errors
/// A backbone that needs a file, or a recipe that does not say where it is cut.
pub fn trunk(recipe: &Recipe) -> Result<Extractor> {
    let backbone = Backbone::load(&recipe.backbone, None)?;
    let cut = backbone.spec.cut(&recipe.unfreeze)?;
    Ok(Extractor::new(&backbone, cut, &backbone.preprocess))
}

impl Assembled {
    /// Cuts a backbone as the recipe says and gives it a fresh head for so many classes, to be computed on `device`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a block that the backbone has not, and for a head that is too large.
    pub(super) fn new(
        backbone: Backbone,
        recipe: &Recipe,
        (classes, seed): (usize, u64),
        device: &Device,
    ) -> Result<Self> {
        let cut = backbone.spec.cut(&recipe.unfreeze)?;
        let extractor = Extractor::new(&backbone, cut, &backbone.preprocess).on(device);
        let all = backbone.spec.layers(0..backbone.spec.blocks.len());
        let head = recipe.head(output_shape(all, input(&backbone.preprocess)), classes);
        let values = count(&head.layers);
        if values > MOST_VALUES {
            let found = format!("{values}: fewer units, or a global-average-pool before them, would do");
            return Err(Error::Usage(format!("head: expected at most {MOST_VALUES} weights, found {found}")));
        }
        let mut weights = backbone.weights.clone();
        weights.merge(network::initialise(&head.layers, seed));
        let blocks: Vec<Block> = backbone.spec.blocks.iter().cloned().chain([head]).collect();
        let layers: Vec<Layer> = blocks[cut..].iter().flat_map(|block| block.layers.clone()).collect();
        let tail = Tail::new(layers, extractor.output(), &weights, device);
        Ok(Self { backbone, cut, blocks, weights, extractor, tail })
    }

    /// Number of classes.
    pub(super) fn classes(&self) -> usize {
        self.tail.layers().iter().fold(self.tail.input(), |shape, layer| layer.output(shape)).len()
    }

    /// The pretrained weights with a fresh head of this seed.
    pub(super) fn fresh_weights(&self, seed: u64) -> Weights {
        let mut weights = self.weights.clone();
        let head = self.blocks.last().map_or(&[][..], |head| &head.layers);
        weights.merge(network::initialise(head, seed));
        weights
    }

    /// The tail anew, after its weights were replaced: it holds the statistics of normalisation.
    pub(super) fn renew_tail(&mut self) {
        let layers = self.tail.layers().to_vec();
        self.tail = Tail::new(layers, self.tail.input(), &self.weights, self.tail.device());
    }

    /// Says what will be computed for so many images, and how much room it takes.
    pub(super) fn announce(&self, images: usize, observer: &mut dyn Observer) {
        let mebibytes = (self.extractor.record_bytes() * images) as f64 / (1 << 20) as f64;
        let trained: Vec<&str> = self.blocks[self.cut..].iter().map(|block| block.name.as_str()).collect();
        let (name, shape) = (&self.backbone.spec.name, self.extractor.output());
        observer.say(&format!(
            "{name}: training {}; the features of {images} images, {}×{}×{} each, take {mebibytes:.0} MiB",
            trained.join(", "),
            shape.height,
            shape.width,
            shape.channels,
        ));
    }
}
