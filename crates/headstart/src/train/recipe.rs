//! A named training configuration, as TOML.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::mix::Mix;
use super::schedule::Schedule;
use super::unfreeze_schedule::Thaw;
use crate::backbone::Unfreeze;
use crate::backbone::spec::{Activation, Block, Dense, Layer, MapShape, output_shape};
use crate::classifier::Wording;
use crate::error::{Error, Result};
use crate::evaluate::{CalibrationMethod, ThresholdPolicy};
use crate::image::{Augment, TestView};
use crate::regular;
use crate::visible::visible;

/// Bytes of a recipe's file, at most.
const MOST_BYTES: u64 = 1 << 20;

/// The recipes in the binary, by name.
pub const RECIPES: [(&str, &str); 4] = [
    ("default", include_str!("../../../../recipes/default.toml")),
    ("linear-probe", include_str!("../../../../recipes/linear-probe.toml")),
    ("thorough", include_str!("../../../../recipes/thorough.toml")),
    ("keras-vgg16", include_str!("../../../../recipes/keras-vgg16.toml")),
];

/// What the tail is trained to make small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Of softmax scores.
    CategoricalCrossEntropy,
    /// Of a sigmoid score for each class, on one-hot labels, mean over classes (as Keras).
    BinaryCrossEntropy,
}

/// How a gradient becomes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Kingma & Ba 2014.
    Adam,
    /// With decoupled weight decay (Loshchilov & Hutter 2017).
    Adamw,
    /// Stochastic gradient descent with momentum, and decoupled weight decay.
    Sgd,
}

/// Which epoch's weights the model gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// That of the least validation loss.
    #[default]
    Best,
    /// The last one's, as Keras's `fit` leaves them.
    Last,
}

/// Which validation images decide: when to stop, calibration, threshold, prediction sets and the gate's limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValidateOn {
    /// The images as they are.
    #[default]
    Plain,
    /// The same images, restyled at random: another crop, aspect, resolution, compression, sharpness and grey levels.
    Stressed,
    /// Both alike.
    Both,
}

/// A layer of the new head; a dense layer with one output for each class follows the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HeadLayer {
    /// Mean over height and width.
    GlobalAveragePool,
    /// All values, in one vector.
    Flatten,
    /// Zeroes this share of the values while training.
    Dropout {
        /// In `0..1`.
        rate: f32,
    },
    /// Fully connected.
    Dense {
        /// Outputs.
        units: usize,
        /// What follows.
        #[serde(default)]
        activation: Activation,
        /// Weight of `Σw²` in the loss.
        #[serde(default)]
        l2: f32,
    },
}

/// A training configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Pretrained net.
    pub backbone: String,
    /// What of it is trained.
    pub unfreeze: Unfreeze,
    /// Loss, and with it how logits become scores.
    pub loss: Loss,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Step size.
    pub learning_rate: f64,
    /// Of AdamW and SGD: the share of a weight that a step takes away is the rate times this.
    pub weight_decay: f32,
    /// Of SGD.
    #[serde(default = "usual_momentum")]
    pub momentum: f64,
    /// The largest norm of a step's gradients together; none are cut without it.
    #[serde(default)]
    pub gradient_clip: Option<f32>,
    /// What a block moves by against the block behind it; 1 moves all alike (Howard & Ruder 2018).
    #[serde(default = "all_alike")]
    pub block_rate: f64,
    /// Decay of a running mean of the weights, which is then what is validated and kept.
    #[serde(default)]
    pub average: Option<f64>,
    /// Share of each label that is spread over all classes.
    #[serde(default)]
    pub label_smoothing: f32,
    /// Above 0, images that are well classified count less (focal loss).
    #[serde(default)]
    pub focal_gamma: f32,
    /// Trainings, with a seed each, whose mean the model is.
    #[serde(default = "one")]
    pub seeds: usize,
    /// Parts that training and validation images are cut into; each is validated by a training on the
    /// others, and the model is the mean of all.
    #[serde(default)]
    pub folds: Option<usize>,
    /// Whether a linear probe of the pretrained features is a part of the model, beside the trained tail.
    #[serde(default)]
    pub probe: bool,
    /// Images a step.
    pub batch_size: usize,
    /// Parts of a step's images whose gradients are computed apart and summed in a fixed order, so that several processes
    /// can share them.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub slices: usize,
    /// At most, besides those of the head alone.
    pub epochs: usize,
    /// Epochs without a better validation loss after which training stops.
    pub patience: usize,
    /// Which epoch is kept.
    #[serde(default)]
    pub keep: Keep,
    /// Whether rarer classes weigh more.
    pub class_weights: bool,
    /// Share of the training images that is cut off for validation when none are given.
    pub validation_fraction: f64,
    /// Which validation images decide.
    #[serde(default)]
    pub validate_on: ValidateOn,
    /// Validation images that the stress test is made with after the training; 0 leaves it out.
    #[serde(default)]
    pub stress_images: usize,
    /// How the threshold is chosen on validation.
    #[serde(default)]
    pub threshold: ThresholdPolicy,
    /// How scores are calibrated on validation.
    #[serde(default)]
    pub calibration: CalibrationMethod,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// When the pretrained blocks of the tail begin to move.
    #[serde(default)]
    pub thaw: Thaw,
    /// Views of the training images.
    #[serde(default)]
    pub augment: Option<Augment>,
    /// Views of an image that are scored besides it, in validation, test and use.
    #[serde(default)]
    pub test_views: Vec<TestView>,
    /// How training images are mixed in pairs.
    #[serde(default)]
    pub mix: Option<Mix>,
    /// What people read of the model.
    #[serde(default, skip_serializing_if = "Wording::is_default")]
    pub card: Wording,
    /// The new head.
    pub head: Vec<HeadLayer>,
}

fn usual_momentum() -> f64 {
    0.9
}

fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

fn all_alike() -> f64 {
    1.0
}

/// The recipe called `default`.
impl Default for Recipe {
    fn default() -> Self {
        Self::find("default").expect("a test reads every recipe in the binary")
    }
}

impl Recipe {
    /// The recipe called `name`, or read from a `.toml` file.
    ///
    /// # Errors
    /// An unknown name, or a file that is no recipe or has a value beyond reason.
    pub fn find(name: &str) -> Result<Self> {
        if let Some((_, text)) = RECIPES.iter().find(|(known, _)| *known == name) {
            return Self::parse(text, Path::new(name));
        }
        if !name.ends_with(".toml") {
            let names = RECIPES.map(|(name, _)| name).join(", ");
            return Err(Error::Usage(format!("unknown recipe {name:?}: expected {names} or a .toml file")));
        }
        let text = regular::read_to_string(Path::new(name), MOST_BYTES)
            .map_err(|why| Error::io("read", name, why))?;
        let recipe = Self::parse(&text, Path::new(name))?;
        recipe.check().map_err(|why| Error::Usage(format!("{}: {why}", visible(name))))?;
        Ok(recipe)
    }

    /// The first recipe in the binary that is made for a backbone; where there is none, the first of all
    /// on that backbone, as `train --backbone` takes it.
    ///
    /// # Errors
    /// A recipe in the binary that is none.
    pub fn for_backbone(backbone: &str) -> Result<Self> {
        let mut recipes = RECIPES.iter().map(|(name, _)| Self::find(name)).collect::<Result<Vec<_>>>()?;
        let made_for_it = recipes.iter().position(|recipe| recipe.backbone == backbone);
        Ok(recipes.swap_remove(made_for_it.unwrap_or(0)).on(backbone))
    }

    /// This recipe on another backbone, where a block's name means nothing: its last block is trained then.
    pub fn on(self, backbone: &str) -> Self {
        let unfreeze = match &self.unfreeze {
            Unfreeze::Block(_) if backbone != self.backbone => Unfreeze::LastBlock,
            same => same.clone(),
        };
        Self { backbone: backbone.into(), unfreeze, ..self }
    }

    /// What training may see of each image: its views, and the image itself unless they replace it.
    pub fn versions(&self) -> usize {
        self.augment.map_or(1, |augment| augment.views + usize::from(!augment.replace))
    }

    /// Epochs in all, at most.
    pub fn all_epochs(&self) -> usize {
        self.thaw.head_epochs() + self.epochs
    }

    /// Every setting, as [`Recipe::find`] reads it from a file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe becomes TOML")
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|why| Error::invalid(path, "a recipe", why.to_string()))
    }

    /// The head as a block, for maps of shape `input` and so many classes.
    pub fn head(&self, input: MapShape, classes: usize) -> Block {
        let mut layers: Vec<Layer> = Vec::new();
        let last = HeadLayer::Dense { units: classes, activation: Activation::Identity, l2: 0.0 };
        for (index, layer) in self.head.iter().chain([&last]).enumerate() {
            let shape = output_shape(&layers, input);
            let name = if index == self.head.len() { "head.output".into() } else { format!("head.{index}") };
            match layer {
                HeadLayer::GlobalAveragePool => layers.push(Layer::GlobalAveragePool),
                HeadLayer::Flatten => layers.push(Layer::Flatten),
                HeadLayer::Dropout { rate } => layers.push(Layer::Dropout { rate: *rate }),
                HeadLayer::Dense { units, activation, l2 } => {
                    if shape.height * shape.width > 1 {
                        layers.push(Layer::Flatten);
                    }
                    layers.push(Layer::Dense(Dense {
                        name,
                        input: shape.len(),
                        output: *units,
                        activation: *activation,
                        l2: *l2,
                    }));
                }
            }
        }
        Block { name: "head".into(), layers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_in_the_binary_is_sound() {
        for (name, _) in RECIPES {
            Recipe::find(name).expect(name).check().expect(name);
        }
    }

    #[test]
    fn every_backbone_has_a_recipe() {
        let of = |name| Recipe::for_backbone(name).expect("a recipe");
        assert_eq!(of("vgg16"), Recipe::find("keras-vgg16").expect("known"));
        let default = Recipe::find("default").expect("known");
        assert_eq!(of("resnet50"), default.on("resnet50"));
        assert_eq!(of("resnet50").unfreeze, Unfreeze::LastBlock);
    }

    #[test]
    fn the_keras_head_has_keras_parameters() {
        let recipe = Recipe::find("keras-vgg16").expect("known");
        let head = recipe.head(MapShape::new(7, 7, 512), 2);
        // Dense 128 on 25,088 values and Dense 2.
        assert_eq!(crate::backbone::spec::count(&head.layers), 25_088 * 128 + 128 + 128 * 2 + 2);
    }

    #[test]
    fn what_people_read_comes_back_from_toml_and_is_no_line_where_nothing_is_given() {
        let mut recipe = Recipe::find("default").expect("known");
        assert!(!recipe.to_toml().contains("card"));
        recipe.card.title = Some("Pneumonia or normal".into());
        recipe.card.classes.insert("NORMAL".into(), "no pneumonia".into());
        assert_eq!(Recipe::parse(&recipe.to_toml(), "r".as_ref()).expect("a recipe"), recipe);
        recipe.card.caution = Some(String::new());
        assert!(recipe.check().expect_err("empty").to_string().starts_with("card.caution"));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let mut recipe = Recipe::find("default").expect("known");
        recipe.learning_rate = -1.0;
        let error = recipe.check().expect_err("wrong").to_string();
        assert_eq!(error, "learning_rate: expected a positive number, found -1");
    }
}
