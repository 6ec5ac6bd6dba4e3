//! The way into training for users of the library: a builder over [`Job`].

use std::path::Path;

use crate::backbone::Backbone;
use crate::dataset::{Dataset, Grouping};
use crate::device::DeviceClass;
use crate::error::Result;
use crate::features::usual_cache;
use crate::observer::{Observer, Silent};
use crate::run::train_into;
use crate::train::{Job, Recipe, Run, train};

/// A training to come. Everything but the data has a default.
///
/// ```no_run
/// use headstart::{Classifier, Trainer};
///
/// # fn main() -> headstart::Result<()> {
/// let run = Trainer::new("chest-xray").recipe("default")?.seed(7).train()?;
/// println!("test AUC {}", run.metrics["test"].auc.value);
/// run.save("runs/first")?;
/// let model = Classifier::load("runs/first/model.safetensors")?;
/// let answer = model.classify_file("scan.jpeg")?;
/// println!("{} {:?}", answer.class, answer.verdict);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Trainer {
    job: Job,
}

impl Trainer {
    /// A training on `data` with the recipe `default`. Data are a folder of class folders; or of `train/`, `val/` and
    /// `test/`, each with class folders; or a `.csv` with the columns `path,label`; or a MedMNIST `.npz`.
    pub fn new(data: impl AsRef<Path>) -> Self {
        Self { job: Job::new(data.as_ref().to_path_buf(), Recipe::default(), usual_cache()) }
    }

    /// A training on images that a program lists itself: see [`Dataset::from_files`].
    pub fn on(dataset: Dataset) -> Self {
        let job = Job::new(dataset.root.clone(), Recipe::default(), usual_cache());
        Self { job: Job { own_data: Some(dataset), ..job } }
    }

    /// Trains with the recipe of this name, or from this `.toml` file.
    ///
    /// # Errors
    /// An unknown name, or a file that is no recipe.
    pub fn recipe(mut self, name: &str) -> Result<Self> {
        self.job.recipe = Recipe::find(name)?;
        Ok(self)
    }

    /// Trains with a recipe built in code: `Recipe { epochs: 3, ..Recipe::default() }`.
    #[must_use]
    pub fn with_recipe(mut self, recipe: Recipe) -> Self {
        self.job.recipe = recipe;
        self
    }

    /// Trains this backbone instead of the recipe's.
    #[must_use]
    pub fn backbone(mut self, name: &str) -> Self {
        self.job.recipe = self.job.recipe.on(name);
        self
    }

    /// Trains a backbone of your own: layers, pretrained weights, and the preprocessing that they expect. The recipe's
    /// `unfreeze` then names one of its blocks, or is `Unfreeze::LastBlock`.
    #[must_use]
    pub fn with_backbone(mut self, backbone: Backbone) -> Self {
        self.job.own_backbone = Some(backbone);
        self
    }

    /// Reads the backbone's pretrained weights from this file, which a backbone that is not embedded needs.
    #[must_use]
    pub fn weights(mut self, file: impl AsRef<Path>) -> Self {
        self.job.weights = Some(file.as_ref().to_path_buf());
        self
    }

    /// Decides the splits that are missing, the head's first weights, the order of images and dropout; 7 unless given.
    /// The same seed gives the same bits.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.job.seed = seed;
        self
    }

    /// Side of the net's input in pixels; the backbone's own unless given.
    #[must_use]
    pub fn image_size(mut self, pixels: usize) -> Self {
        self.job.image_size = Some(pixels);
        self
    }

    /// Trains on a stratified subset of this many images.
    #[must_use]
    pub fn train_images(mut self, images: usize) -> Self {
        self.job.train_images = Some(images);
        self
    }

    /// Leaves out the images that this file names, one path a line.
    #[must_use]
    pub fn exclude(mut self, list: impl AsRef<Path>) -> Self {
        self.job.exclude = Some(list.as_ref().to_path_buf());
        self
    }

    /// What tells which images belong to one patient. No split ever divides them.
    #[must_use]
    pub fn groups(mut self, groups: Grouping) -> Self {
        self.job.groups = groups;
        self
    }

    /// Splits the data again, whatever splits they come with.
    #[must_use]
    pub fn resplit(mut self) -> Self {
        self.job.resplit = true;
        self
    }

    /// Cuts no test images off, for who holds some out elsewhere: those that come with the data stay.
    #[must_use]
    pub fn without_test(mut self) -> Self {
        self.job.no_test = true;
        self
    }

    /// The class of two that sensitivity is about; the last by name unless given.
    #[must_use]
    pub fn positive(mut self, class: &str) -> Self {
        self.job.positive = Some(class.into());
        self
    }

    /// Computes on the first device of this kind, where the build supports it; on the CPU unless given.
    #[must_use]
    pub fn device(mut self, device: DeviceClass) -> Self {
        self.job.device = device;
        self
    }

    /// Keeps features in this folder; by default in `headstart` under the user's cache folder.
    #[must_use]
    pub fn cache(mut self, folder: impl AsRef<Path>) -> Self {
        self.job.cache = folder.as_ref().to_path_buf();
        self
    }

    /// Trains, and tells nobody how far it is.
    ///
    /// # Errors
    /// Data, weights or settings that cannot be used, each named.
    pub fn train(self) -> Result<Run> {
        self.train_with(&mut Silent)
    }

    /// Trains, and tells `observer` how far it is.
    ///
    /// # Errors
    /// As [`Trainer::train`], and [`Error::Interrupted`](crate::Error::Interrupted) when the observer stops it.
    pub fn train_with(self, observer: &mut dyn Observer) -> Result<Run> {
        train(&self.job, observer)
    }

    /// Trains and writes the run folder, with checkpoints on the way: a training that was stopped in this folder goes
    /// on, to the same bits.
    ///
    /// # Errors
    /// As [`Trainer::train_with`], and a folder that holds something else.
    pub fn train_into(mut self, folder: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<Run> {
        self.job.resume = true;
        train_into(folder, &self.job, observer)
    }
}
