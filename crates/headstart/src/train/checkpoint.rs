//! A training on disk between two steps, so that it can go on after whatever stopped it, to the same
//! bits as without a stop.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::View;
use safetensors::{Dtype, SafeTensorError};
use serde::{Deserialize, Serialize};

use super::Job;
use super::optimizer::Stepper;
use super::recipe::Recipe;
use super::state::{Fitted, State, Within};
use crate::backbone::Unfreeze;
use crate::backbone::weights::{self, Weights, little_endian};
use crate::error::{Error, Result};
use crate::history::History;
use crate::network::{Parameters, Tail, host};
use crate::ranks::Ranks;
use crate::regular;

/// What names in the run folder begin with.
const STEM: &str = "checkpoint";
/// What they end with, and what the folders end with in which they are written.
const ENDING: &str = "safetensors";
const UNFINISHED: &str = "tmp";
/// Bytes of a checkpoint, at most.
const MOST_BYTES: u64 = 32 << 30;
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
pub(crate) fn lies_in(folder: &Path) -> bool {
    !all(folder, ENDING).is_empty()
}

/// What the training that was stopped in `folder` trains, if one was.
pub(super) fn unfreeze(folder: &Path) -> Option<Unfreeze> {
    let path = all(folder, ENDING).into_iter().next()?;
    let bytes = regular::read(&path, MOST_BYTES).ok()?;
    let metadata = weights::metadata(&bytes, &path).ok()?;
    Some(toml::from_str::<Progress>(metadata.get(KEY)?).ok()?.unfreeze)
}

/// Where member `number` of a model, from 0 on, keeps its checkpoint.
fn file(folder: &Path, number: usize) -> PathBuf {
    let suffix = if number == 0 { String::new() } else { format!("-{}", number + 1) };
    folder.join(format!("{STEM}{suffix}.{ENDING}"))
}

/// Those of some members, in order: where ranks share the members, any of them may be there.
fn all(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_prefix(STEM));
        let is_number = |rest: &str| rest.strip_prefix('-').is_some_and(|n| n.parse::<usize>().is_ok());
        path.extension().is_some_and(|found| found == ending)
            && stem.is_some_and(|rest| rest.is_empty() || is_number(rest))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    all.sort();
    all
}

/// Removes what a kill left of checkpoints that were being written.
pub(crate) fn remove_unfinished(folder: &Path) {
    all(folder, UNFINISHED).iter().for_each(|path| _ = fs::remove_dir_all(path));
}

/// Removes the checkpoints of a training that is over.
pub(crate) fn remove_all(folder: &Path) {
    all(folder, ENDING).iter().rev().for_each(|path| _ = fs::remove_file(path));
}

/// The checkpoint of one training.
pub(super) struct Checkpoint {
    path: PathBuf,
    fingerprint: String,
    unfreeze: Unfreeze,
}

impl Checkpoint {
    /// The one of the job's training that `fingerprint` stands for, which is member `number` of its model,
    /// from 0 on; `None` for a job that keeps none.
    pub(super) fn new(job: &Job, number: usize, fingerprint: String) -> Option<Self> {
        let path = file(job.checkpoints.as_ref()?, number);
        Some(Self { path, fingerprint, unfreeze: job.recipe.unfreeze.clone() })
    }

    /// Writes where a training stands.
    ///
    /// # Errors
    /// When the disk is full or fails; the last checkpoint stays.
    pub(super) fn save(&self, state: &State, tail: &Tail) -> Result<()> {
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
        write(&self.path, stored(state, &tail.weights(&Parameters::new())), progress)
    }

    /// Where the training stood, or `None` without a checkpoint. Rank 0 reads it and tells the others.
    ///
    /// # Errors
    /// A file that is damaged, or of another training.
    pub(super) fn load(&self, tail: &Tail, recipe: &Recipe, ranks: &Ranks) -> Result<Option<State>> {
        let path = &self.path;
        let own = match ranks.is_first() && path.exists() {
            true => regular::read(path, MOST_BYTES).map_err(|why| Error::io("read", path, why))?,
            false => vec![],
        };
        let bytes = ranks.broadcast(0, own)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let metadata = weights::metadata(&bytes, path)?;
        let expected = "a checkpoint of this training: the same data, recipe, seed and headstart";
        let other = |found: &str| Error::invalid(path, expected, found);
        let progress = metadata.get(KEY).and_then(|text| toml::from_str::<Progress>(text).ok());
        let progress = progress.ok_or_else(|| other("a file of another kind"))?;
        if progress.fingerprint != self.fingerprint {
            return Err(other(difference(&progress.fingerprint, &self.fingerprint)));
        }
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
                Tensor::<1>::from_data(TensorData::new(values, [length]), tail.device().tensors())
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

/// What the first part of two fingerprints that differs is about.
fn difference(stored: &str, now: &str) -> &'static str {
    let mut parts = stored.split(' ').zip(now.split(' '));
    let part = parts.find(|(stored, now)| stored != now).map_or("", |(_, now)| now);
    match part.split_once('=') {
        Some(("images", _)) => "one of other images: files, labels or splits have changed since",
        Some(("kept", _)) => {
            "one that keeps other features in the cache: give the same cache limit as before, which decides that"
        }
        _ => "one of another",
    }
}

/// Writes in a folder of its own, where `safetensors` has a temporary file that a kill would leave; syncs, renames.
fn write(path: &Path, tensors: Vec<(String, Stored<'_>)>, progress: String) -> Result<()> {
    let folder = unfinished(path);
    let file = folder.join(STEM);
    let metadata = HashMap::from([(KEY.to_string(), progress)]);
    let serialize = || match safetensors::serialize_to_file(tensors, Some(metadata), &file) {
        Ok(()) => File::open(&file)?.sync_all(),
        Err(SafeTensorError::IoError(why)) => Err(why),
        Err(why) => Err(std::io::Error::other(why)),
    };
    let written =
        fs::create_dir_all(&folder).and_then(|()| serialize()).and_then(|()| fs::rename(&file, path));
    let _ = fs::remove_dir_all(&folder);
    written.map_err(|why| Error::io("write", path, why))
}

/// Where a checkpoint is while it is written.
fn unfinished(path: &Path) -> PathBuf {
    path.with_extension(UNFINISHED)
}

/// All tensors of a checkpoint. Parameters, moments and the best weights are four times the net: each is copied out when
/// its turn comes to be written, not all of them before.
fn stored<'a>(state: &'a State, statistics: &'a Weights) -> Vec<(String, Stored<'a>)> {
    let parameters = |prefix: &str, parameters: &'a Parameters| -> Vec<(String, Stored<'a>)> {
        let moving = parameters.iter().map(|(name, parameter)| {
            (format!("{prefix}.{name}"), Stored::new(parameter.shape.clone(), Values::Net(&parameter.values)))
        });
        let fixed = statistics.iter().map(|(name, tensor)| (format!("{prefix}.{name}"), Stored::of(tensor)));
        moving.chain(fixed).collect()
    };
    let mut all = parameters("parameter", &state.parameters);
    all.extend(state.average.iter().flat_map(|mean| parameters("average", mean)));
    for (name, moments) in state.stepper.moments() {
        for (number, moment) in moments.iter().enumerate() {
            let stored = Stored::new(moment.dims().to_vec(), Values::Net(moment));
            all.push((format!("moment.{number}.{name}"), stored));
        }
    }
    let best = state.fitted.weights.iter().map(|(name, tensor)| (format!("best.{name}"), Stored::of(tensor)));
    all.extend(best);
    all
}

/// A tensor as the file takes it.
struct Stored<'a> {
    shape: Vec<usize>,
    values: Values<'a>,
}

enum Values<'a> {
    Net(&'a Tensor<1>),
    Host(&'a [f32]),
}

impl<'a> Stored<'a> {
    fn new(shape: Vec<usize>, values: Values<'a>) -> Self {
        Self { shape, values }
    }

    fn of(tensor: &'a weights::Tensor) -> Self {
        Self::new(tensor.shape.clone(), Values::Host(&tensor.values))
    }
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.values {
            Values::Net(tensor) => Cow::Owned(little_endian(&host(tensor.clone())).into_owned()),
            Values::Host(values) => little_endian(values),
        }
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * size_of::<f32>()
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
