//! A backbone, cut, with a new head grafted on.

use burn::tensor::Device;

use super::{Job, Observer};
use crate::backbone::Backbone;
use crate::backbone::spec::{Block, Layer, output_shape};
use crate::backbone::weights::Weights;
use crate::error::Result;
use crate::features::{Extractor, input};
use crate::network::{self, Tail};

/// The frozen trunk, the trainable tail, and the weights of both.
pub(super) struct Grafted {
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

impl Grafted {
    /// Loads the job's backbone, cuts it and gives it a head for so many classes.
    pub(super) fn new(job: &Job, classes: usize) -> Result<Self> {
        let mut backbone = Backbone::load(&job.recipe.backbone, job.weights.as_deref())?;
        backbone.preprocess.size = job.image_size.unwrap_or(backbone.preprocess.size);
        let cut = backbone.spec.cut(&job.recipe.unfreeze)?;
        let extractor = Extractor::new(&backbone, cut, &backbone.preprocess);
        let all = backbone.spec.layers(0..backbone.spec.blocks.len());
        let head = job.recipe.head(output_shape(all, input(&backbone.preprocess)), classes);
        let mut weights = backbone.weights.clone();
        weights.merge(network::initialise(&head.layers, job.seed));
        let blocks: Vec<Block> = backbone.spec.blocks.iter().cloned().chain([head]).collect();
        let layers: Vec<Layer> = blocks[cut..].iter().flat_map(|block| block.layers.clone()).collect();
        let tail = Tail::new(layers, extractor.output(), &weights, Device::flex());
        Ok(Self { backbone, cut, blocks, weights, extractor, tail })
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
