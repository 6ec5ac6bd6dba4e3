//! A training on disk between two steps, so that it can go on after whatever stopped it, to the same
//! bits as without a stop.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::Job;
use super::optimizer::Stepper;
use super::recipe::Recipe;
use super::run::write_whole;
use super::state::{Fitted, State, Within};
use crate::backbone::Unfreeze;
use crate::backbone::weights::{self, Weights};
use crate::error::{Error, Result};
use crate::history::History;
use crate::network::{Tail, host};

/// What names in the run folder begin with.
const STEM: &str = "checkpoint";
/// Key of [`Progress`] in the file's metadata.
const KEY: &str = "headstart-checkpoint";

/// What a checkpoint holds besides tensors.
#[derive(Serialize, Deserialize)]
struct Progress {
    /// Of the training that it belongs to.
    fingerprint: String,
    /// What is trained: chosen by a stopwatch, perhaps, which would not choose the same again.
    unfreeze: Unfreeze,
    /// Steps that the optimizer has taken.
    steps: i32,
    history: History,
    warnings: Vec<String>,
    within: Within,
}

/// Whether a training that was stopped lies in `folder`.
pub(super) fn lies_in(folder: &Path) -> bool {
    file(folder, 0).exists()
}

/// What the training that was stopped in `folder` trains, if one was.
pub(super) fn unfreeze(folder: &Path) -> Option<Unfreeze> {
    let path = file(folder, 0);
    let bytes = fs::read(&path).ok()?;
    let metadata = weights::metadata(&bytes, &path).ok()?;
    Some(toml::from_str::<Progress>(metadata.get(KEY)?).ok()?.unfreeze)
}

/// Where member `number` of a model, from 0 on, keeps its checkpoint.
fn file(folder: &Path, number: usize) -> PathBuf {
    let suffix = if number == 0 { String::new() } else { format!("-{}", number + 1) };
    folder.join(format!("{STEM}{suffix}.safetensors"))
}

/// Removes what a kill left of checkpoints that were being written.
pub(super) fn remove_unfinished(folder: &Path) {
    for number in 0.. {
        let path = file(folder, number);
        let _ = fs::remove_file(path.with_extension("tmp"));
        if !path.exists() {
            return;
        }
    }
}

/// The checkpoint of one training.
pub(super) struct Checkpoint {
    path: PathBuf,
    fingerprint: String,
    unfreeze: Unfreeze,
}

impl Checkpoint {
    /// The one of the job's training that `fingerprint` stands for, which is member `number` of its model,
    /// from 0 on.
    pub(super) fn new(job: &Job, number: usize, fingerprint: String) -> Self {
        Self { path: file(&job.out, number), fingerprint, unfreeze: job.recipe.unfreeze.clone() }
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
        for (name, tensor) in state.average.iter().flat_map(|mean| tail.weights(mean).into_iter()) {
            tensors.insert(format!("average.{name}"), tensor.shape, tensor.values);
        }
        for (name, tensor) in state.fitted.weights.iter() {
            tensors.insert(format!("best.{name}"), tensor.shape.clone(), tensor.values.clone());
        }
        let progress = Progress {
            fingerprint: self.fingerprint.clone(),
            unfreeze: self.unfreeze.clone(),
            steps: state.stepper.steps(),
            history: state.fitted.history.clone(),
            warnings: state.fitted.warnings.clone(),
            within: state.within.clone(),
        };
        // In TOML each number comes back to the bit.
        let progress = toml::to_string(&progress).expect("a plain struct becomes TOML");
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
        let progress = metadata.get(KEY).and_then(|text| toml::from_str::<Progress>(text).ok());
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
        let average = match recipe.average {
            Some(_) => Some(tail.parameters(&parts.average.verify(layers(), path)?)),
            None => None,
        };
        let moments = parts.moments.into_iter().map(|(name, moments)| {
            let tensor = |values: Vec<f32>| {
                let length = values.len();
                Tensor::<1>::from_data(TensorData::new(values, [length]), tail.device())
            };
            (name, moments.into_values().map(tensor).collect())
        });
        let stepper = Stepper::resumed(recipe, progress.steps, moments.collect());
        let weights = parts.best.verify(layers(), path)?;
        let fitted = Fitted { weights, history: progress.history, warnings: progress.warnings };
        Ok(Some(State { parameters, stepper, average, fitted, within: progress.within }))
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
    average: Weights,
    best: Weights,
    /// Of each parameter, by number.
    moments: BTreeMap<String, BTreeMap<String, Vec<f32>>>,
}

impl Parts {
    fn take(&mut self, name: &str, shape: Vec<usize>, values: Vec<f32>) {
        if let Some(name) = name.strip_prefix("parameter.") {
            self.parameters.insert(name, shape, values);
        } else if let Some(name) = name.strip_prefix("best.") {
            self.best.insert(name, shape, values);
        } else if let Some(name) = name.strip_prefix("average.") {
            self.average.insert(name, shape, values);
        } else if let Some((number, name)) =
            name.strip_prefix("moment.").and_then(|rest| rest.split_once('.'))
        {
            self.moments.entry(name.into()).or_default().insert(number.into(), values);
        }
    }
}
