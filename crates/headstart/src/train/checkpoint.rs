//! A training on disk between two epochs, so that it can go on after whatever stopped it, to the same
//! bits as without a stop.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::fit::{Fitted, State};
use super::optimizer::Stepper;
use super::recipe::Recipe;
use super::run::write_whole;
use crate::backbone::weights::{self, Weights};
use crate::error::{Error, Result};
use crate::history::History;
use crate::network::{Parameter, Tail, host};

/// Name in the run folder.
pub(super) const FILE: &str = "checkpoint.safetensors";
/// Key of [`Progress`] in the file's metadata.
const KEY: &str = "headstart-checkpoint";

/// What a checkpoint holds besides tensors.
#[derive(Serialize, Deserialize)]
struct Progress {
    /// Of the training that it belongs to.
    fingerprint: String,
    /// Steps that the optimizer has taken.
    steps: i32,
    history: History,
    warnings: Vec<String>,
}

/// The checkpoint of one training.
pub(super) struct Checkpoint {
    path: PathBuf,
    fingerprint: String,
}

impl Checkpoint {
    /// The one in `folder` of the training that `fingerprint` stands for.
    pub(super) fn new(folder: &Path, fingerprint: String) -> Self {
        Self { path: folder.join(FILE), fingerprint }
    }

    /// Writes where a training stands.
    ///
    /// # Errors
    /// When the disk is full or fails; the last checkpoint stays.
    pub(super) fn save(&self, state: &State, tail: &Tail) -> Result<()> {
        let mut tensors = Weights::default();
        for (name, tensor) in tail.weights(&state.parameters).into_iter() {
            tensors.insert(format!("parameter.{name}"), tensor.shape, tensor.values);
        }
        for (name, moments) in state.stepper.moments() {
            for (number, moment) in moments.iter().enumerate() {
                let values = host(moment.clone());
                tensors.insert(format!("moment.{number}.{name}"), vec![values.len()], values);
            }
        }
        for (name, tensor) in state.fitted.weights.iter() {
            tensors.insert(format!("best.{name}"), tensor.shape.clone(), tensor.values.clone());
        }
        let progress = Progress {
            fingerprint: self.fingerprint.clone(),
            steps: state.stepper.steps(),
            history: state.fitted.history.clone(),
            warnings: state.fitted.warnings.clone(),
        };
        let progress = serde_json::to_string(&progress).expect("a plain struct becomes JSON");
        fs::create_dir_all(self.path.parent().unwrap_or(Path::new(".")))
            .map_err(|why| Error::io("create", &self.path, why))?;
        write_whole(&self.path, &tensors.to_safetensors(BTreeMap::from([(KEY.to_string(), progress)])))
    }

    /// Where the training stood, or `None` without a checkpoint.
    ///
    /// # Errors
    /// A file that is damaged, or of another training.
    pub(super) fn load(&self, tail: &Tail, recipe: &Recipe) -> Result<Option<State>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let path = &self.path;
        let bytes = fs::read(path).map_err(|why| Error::io("read", path, why))?;
        let metadata = weights::metadata(&bytes, path)?;
        let progress = metadata.get(KEY).and_then(|text| serde_json::from_str::<Progress>(text).ok());
        let Some(progress) = progress.filter(|progress| progress.fingerprint == self.fingerprint) else {
            let expected = "a checkpoint of this training: the same data, recipe, seed and headstart";
            return Err(Error::invalid(path, expected, "one of another"));
        };
        let mut parts = Parts::default();
        for (name, tensor) in Weights::from_safetensors(&bytes, path)?.into_iter() {
            parts.take(&name, tensor.shape, tensor.values);
        }
        let layers = || tail.layers().iter();
        let parameters = tail.parameters(&parts.parameters.verify(layers(), path)?);
        let moments = parts.moments.into_iter().filter_map(|(name, moments)| {
            let [first, second] = moments.map(|values| {
                let length = values.len();
                Tensor::<1>::from_data(TensorData::new(values, [length]), tail.device())
            });
            let fits = |parameter: &Parameter| parameter.values.dims() == first.dims();
            parameters.get(&name).is_some_and(fits).then_some((name, [first, second]))
        });
        let stepper = Stepper::resumed(recipe, progress.steps, moments.collect());
        let weights = parts.best.verify(layers(), path)?;
        let fitted = Fitted { weights, history: progress.history, warnings: progress.warnings };
        Ok(Some(State { parameters, stepper, fitted }))
    }

    /// Removes it, when the run is whole or cannot go on.
    pub(super) fn remove(&self) {
        // One that is left behind is refused or overwritten later.
        let _ = fs::remove_file(&self.path);
    }
}

/// A checkpoint's tensors by what they are for.
#[derive(Default)]
struct Parts {
    parameters: Weights,
    best: Weights,
    moments: BTreeMap<String, [Vec<f32>; 2]>,
}

impl Parts {
    fn take(&mut self, name: &str, shape: Vec<usize>, values: Vec<f32>) {
        if let Some(name) = name.strip_prefix("parameter.") {
            self.parameters.insert(name, shape, values);
        } else if let Some(name) = name.strip_prefix("best.") {
            self.best.insert(name, shape, values);
        } else if let Some(name) = name.strip_prefix("moment.0.") {
            self.moments.entry(name.into()).or_default()[0] = values;
        } else if let Some(name) = name.strip_prefix("moment.1.") {
            self.moments.entry(name.into()).or_default()[1] = values;
        }
    }
}
