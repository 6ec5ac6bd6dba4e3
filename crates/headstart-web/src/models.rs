//! The models that one server answers with, each by its name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use headstart::classifier::Classifier;
use headstart::device::Device;

use crate::examples::{self, Example};
use crate::predictor::Predictor;

/// A model and the name that requests ask for it by.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) predictor: Arc<dyn Predictor>,
    pub(crate) examples: Arc<[Example]>,
}

impl Model {
    fn new(name: &str, predictor: impl Predictor) -> Self {
        Self { name: name.to_owned(), predictor: Arc::new(predictor), examples: Arc::new([]) }
    }
}

/// At least one model. The first answers who names none.
#[derive(Clone)]
pub struct Models {
    first: Model,
    others: Vec<Model>,
}

impl Models {
    /// Loads sealed models, to be computed on `device`, and the images to try each with from the folder `examples` beside it. A model is called as
    /// its file, or, when that is `model`, as the folder it lies in.
    ///
    /// # Errors
    /// No file at all, or one that is no sealed model.
    pub fn load(files: &[PathBuf], device: &Device) -> headstart::Result<Self> {
        let mut loaded: Vec<Model> = Vec::new();
        for file in files {
            let predictor: Arc<dyn Predictor> = Arc::new(Classifier::load_on(file, device)?);
            let examples = examples::beside(file).into();
            loaded.push(Model { name: free_name(name_of(file), &loaded), predictor, examples });
        }
        let mut loaded = loaded.into_iter();
        let first = loaded.next().ok_or_else(|| headstart::Error::Usage("no model to serve".to_owned()))?;
        Ok(Self { first, others: loaded.collect() })
    }

    /// Adds a model under a name.
    pub fn and(mut self, name: &str, predictor: impl Predictor) -> Self {
        self.others.push(Model::new(name, predictor));
        self
    }

    /// Gives the first model images to try it with.
    pub fn with_examples(mut self, examples: Vec<Example>) -> Self {
        self.first.examples = examples.into();
        self
    }

    pub(crate) fn first(&self) -> &Model {
        &self.first
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Model> {
        self.all().find(|model| model.name == name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Model> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// One model, called "model".
impl<P: Predictor> From<P> for Models {
    fn from(predictor: P) -> Self {
        Self { first: Model::new("model", predictor), others: Vec::new() }
    }
}

/// Letters, digits, `-`, `_` and `.` of the file's stem, so that the name can stand in an address.
pub(crate) fn name_of(file: &Path) -> String {
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = match stem(file).unwrap_or_default().as_str() {
        "model" => file.parent().and_then(stem).unwrap_or_default(),
        other => other.to_owned(),
    };
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let name: String = name.chars().map(|letter| if fits(letter) { letter } else { '-' }).collect();
    if name.chars().any(char::is_alphanumeric) { name } else { "model".to_owned() }
}

fn free_name(name: String, taken: &[Model]) -> String {
    let is_free = |name: &str| taken.iter().all(|model| model.name != name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| is_free(name)).expect("numbers do not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_as_its_file_or_its_run() {
        assert_eq!(name_of("runs/first/model.safetensors".as_ref()), "first");
        assert_eq!(name_of("chest x-ray.safetensors".as_ref()), "chest-x-ray");
        assert_eq!(name_of("model.safetensors".as_ref()), "model");
        assert_eq!(name_of("../model.safetensors".as_ref()), "model");
    }

    #[test]
    fn no_model_is_an_error() {
        let why = Models::load(&[], &Device::cpu()).err().map(|why| why.to_string());
        assert_eq!(why.as_deref(), Some("no model to serve"));
    }
}
