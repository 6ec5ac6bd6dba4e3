//! A training for Python, and what comes of it.

use std::path::PathBuf;
use std::sync::OnceLock;

use headstart::dataset::{Dataset, Grouping, LabelledFile, Split};
use headstart::features::usual_cache;
use headstart::report::curves_svg;
use headstart::run::train_into;
use headstart::train::{self as library, Job, Recipe};
use headstart::{Error, Result};
use pyo3::prelude::*;
use serde_json::{Map, Value};

use crate::error;
use crate::html::html;
use crate::model::Model;
use crate::plain::plain;
use crate::threads::at_once;
use crate::work::long;

/// Path, class, group and split of a file.
type File = (PathBuf, usize, Option<String>, Option<String>);

/// What to train, as Python's side of the package puts it together.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Order {
    /// A folder, a CSV or an `.npz`; `None` where there are `files`.
    data: Option<PathBuf>,
    /// Class names, in the order of the labels.
    classes: Vec<String>,
    files: Vec<File>,
    recipe: String,
    /// Settings of the recipe that are others, as a JSON object.
    settings: String,
    backbone: Option<String>,
    weights: Option<PathBuf>,
    image_size: Option<usize>,
    seed: u64,
    train_images: Option<usize>,
    groups: Option<String>,
    resplit: bool,
    hold_out_test: bool,
    positive: Option<String>,
    cache: Option<PathBuf>,
    /// The run folder.
    out: Option<PathBuf>,
    resume: bool,
}

impl Order {
    fn job(self) -> Result<(Job, Option<PathBuf>)> {
        let recipe = self.recipe()?;
        let own_data = self.own_data()?;
        let data = match (&own_data, self.data) {
            (Some(own), _) => own.root.clone(),
            (None, Some(data)) => data,
            (None, None) => return Err(Error::Usage("expected images, found none".into())),
        };
        let groups = self.groups.as_deref().map(Grouping::parse).transpose()?.unwrap_or_default();
        let job = Job {
            own_data,
            weights: self.weights,
            image_size: self.image_size,
            seed: self.seed,
            train_images: self.train_images,
            groups,
            resplit: self.resplit,
            no_test: !self.hold_out_test,
            positive: self.positive,
            resume: self.resume,
            command: "headstart.train, in Python".into(),
            ..Job::new(data, recipe, self.cache.unwrap_or_else(usual_cache))
        };
        Ok((job, self.out))
    }

    /// The named recipe, with what is set otherwise in its place.
    fn recipe(&self) -> Result<Recipe> {
        let mut recipe = Recipe::find(&self.recipe)?;
        if let Some(backbone) = &self.backbone {
            recipe = recipe.on(backbone);
        }
        let wrong = |why: serde_json::Error| Error::Usage(format!("settings: {why}"));
        let others: Map<String, Value> = serde_json::from_str(&self.settings).map_err(wrong)?;
        if others.is_empty() {
            return Ok(recipe);
        }
        let mut all = serde_json::to_value(&recipe).map_err(wrong)?;
        let fields = all.as_object_mut().expect("a recipe is an object of JSON");
        fields.extend(others);
        serde_json::from_value(all).map_err(wrong)
    }

    fn own_data(&self) -> Result<Option<Dataset>> {
        if self.files.is_empty() {
            return Ok(None);
        }
        let file = |(path, label, group, split): &File| {
            let split = split.as_deref().map(part).transpose()?;
            Ok(LabelledFile { path: path.clone(), label: *label, split, group: group.clone() })
        };
        let files = self.files.iter().map(file).collect::<Result<_>>()?;
        Dataset::from_files(self.classes.clone(), files).map(Some)
    }
}

fn part(name: &str) -> Result<Split> {
    Split::from_name(name).ok_or_else(|| Error::setting("splits", "train, validation or test", name))
}

/// Trains what the dict `order` says.
#[pyfunction]
#[pyo3(signature = (order, *, progress = None))]
pub fn train(python: Python<'_>, order: Order, progress: Option<&Bound<'_, PyAny>>) -> PyResult<Run> {
    let run = long(python, progress, |observer| {
        let (job, out) = order.job()?;
        Ok(match out {
            Some(folder) => train_into(folder, &job, observer)?,
            None => library::train(&job, observer)?,
        })
    })?;
    Ok(Run { run, model: OnceLock::new() })
}

/// A training that is over: its model, and how it was measured. A notebook shows its curves and its figures.
#[pyclass(frozen, module = "headstart", name = "Run")]
pub struct Run {
    run: library::Run,
    model: OnceLock<Py<Model>>,
}

#[pymethods]
impl Run {
    /// The sealed model.
    #[getter]
    fn model(&self, python: Python<'_>) -> PyResult<Py<Model>> {
        if let Some(model) = self.model.get() {
            return Ok(model.clone_ref(python));
        }
        let bytes = at_once(python, || self.run.model_bytes())?;
        let model = Py::new(python, Model::compile(python, bytes, "the model".into())?)?;
        Ok(self.model.get_or_init(|| model).clone_ref(python))
    }

    /// Metrics by split, as `metrics.json` has them: `validation`, `test` where there are test images, and `stressed`,
    /// the validation images restyled.
    #[getter]
    fn metrics(&self, python: Python<'_>) -> PyResult<Py<PyAny>> {
        plain(python, &self.run.metrics)
    }

    /// One dict for each epoch, as `history.jsonl` has them.
    #[getter]
    fn history(&self, python: Python<'_>) -> PyResult<Py<PyAny>> {
        plain(python, &self.run.classifier.description().history.epochs)
    }

    /// The epoch whose weights were kept, counted from 1.
    #[getter]
    fn kept_epoch(&self) -> Option<usize> {
        self.run.classifier.description().history.kept_epoch
    }

    /// The stress test: a dict for each named change, the images as they are first; empty where none was made.
    #[getter]
    fn stress(&self, python: Python<'_>) -> PyResult<Py<PyAny>> {
        plain(python, &self.run.stress)
    }

    /// Class names, in the order of the scores.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.run.classifier.classes().to_vec()
    }

    /// Of two classes the score of the positive one from which on an image is called positive; else `None`.
    #[getter]
    fn threshold(&self) -> Option<f64> {
        self.run.classifier.deciding_threshold()
    }

    /// What went wrong, and what makes the metrics doubtful, in sentences.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        let doubts = self.run.classifier.description().doubts.iter().map(ToString::to_string);
        self.run.warnings.iter().cloned().chain(doubts).collect()
    }

    /// Path of each file that could not be used, and why.
    #[getter]
    fn set_aside(&self) -> Vec<(String, String)> {
        self.run.set_aside.clone()
    }

    /// Loss and accuracy over the epochs, as SVG.
    #[getter]
    fn curves_svg(&self) -> String {
        curves_svg(&self.run.classifier.description().history)
    }

    /// Writes the run folder, which is new or empty: model, report, curves, metrics, predictions and all else.
    fn save(&self, python: Python<'_>, folder: PathBuf) -> PyResult<()> {
        at_once(python, || self.run.save(folder))?.map_err(error::python)
    }

    fn _repr_html_(&self) -> String {
        html(&self.run)
    }

    fn __repr__(&self) -> String {
        let parts = self.run.metrics.iter().map(|(split, metrics)| {
            format!("{split} accuracy {:.4}, AUC {:.4}", metrics.accuracy.value, metrics.auc.value)
        });
        format!("<headstart.Run {}>", parts.collect::<Vec<_>>().join("; "))
    }
}
