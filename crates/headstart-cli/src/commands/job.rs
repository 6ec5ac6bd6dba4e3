//! From the command line to a training, new or one that was stopped.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use headstart::Error;
use headstart::features::usual_cache;
use headstart::train::{Job, Recipe};

use super::new_folder;
use crate::cli::TrainArguments;

/// What the arguments ask for, and the run folder: the stored settings of a training that goes on, or else the defaults,
/// with what is given in their place. `line` is the whole command.
pub fn job(arguments: TrainArguments, line: &str) -> Result<(Job, PathBuf)> {
    let Place { data, out, resume } = Place::of(&arguments)?;
    let stored = if resume { Job::stored(&out)? } else { None };
    let mut job = match (stored, data) {
        (Some(stored), data) => again(stored, data),
        (None, Some(data)) => Job::new(data, Recipe::default(), usual_cache()),
        (None, None) => {
            let found = "none: it was begun by an older headstart, or never. Give DATA and the settings, too";
            return Err(Error::invalid(&out, "the settings of a training that was stopped", found).into());
        }
    };
    job.resume = resume;
    change(&mut job, arguments, line)?;
    Ok((job, out))
}

/// A training that goes on. Its cache may have been a folder for that work only.
fn again(stored: Job, data: Option<PathBuf>) -> Job {
    let cache = if stored.cache.is_dir() { stored.cache.clone() } else { usual_cache() };
    Job { data: data.unwrap_or_else(|| stored.data.clone()), cache, ..stored }
}

/// Where the data lie, where the run goes, and whether it is there already.
struct Place {
    data: Option<PathBuf>,
    out: PathBuf,
    resume: bool,
}

impl Place {
    /// `--resume RUN`, or `--out RUN --resume`. With `--out` given, what follows `--resume` is DATA.
    fn of(arguments: &TrainArguments) -> Result<Self> {
        let TrainArguments { data, out, resume, .. } = arguments;
        let usage = |why: &str| Err(Error::Usage(why.into()).into());
        let (data, out) = match (data.clone(), out.clone(), resume.clone()) {
            (None, Some(out), Some(Some(data))) if data != out => (Some(data), out),
            (data, Some(out), Some(Some(run))) if run == out => (data, out),
            (Some(_), Some(_), Some(Some(_))) => return usage("--resume RUN and --out name two folders"),
            (data, None, Some(Some(run))) => (data, run),
            (data, Some(out), _) => (data, out),
            (_, None, Some(None)) => return usage("--resume: expected the run folder behind it, or --out"),
            (Some(data), None, None) => (Some(data.clone()), run_folder(&data)?),
            (None, None, None) => return usage("expected DATA, the images to train with"),
        };
        Ok(Self { data, out, resume: resume.is_some() })
    }
}

/// Puts what the command line says in its place.
fn change(job: &mut Job, arguments: TrainArguments, line: &str) -> Result<()> {
    change_recipe(&mut job.recipe, &arguments)?;
    if !job.resume {
        job.command = line.into();
    }
    if let Some(seconds) = arguments.checkpoint_every {
        job.checkpoint_every =
            Duration::try_from_secs_f64(seconds).with_context(|| format!("--checkpoint-every {seconds}"))?;
    }
    job.groups = arguments.groups.unwrap_or(std::mem::take(&mut job.groups));
    job.seed = arguments.seed.unwrap_or(job.seed);
    job.budget = arguments.budget.unwrap_or(job.budget);
    job.resplit |= arguments.resplit;
    job.weights = arguments.weights.or(job.weights.take());
    job.image_size = arguments.image_size.or(job.image_size);
    job.train_images = arguments.train_images.or(job.train_images);
    job.exclude = arguments.exclude.or(job.exclude.take());
    job.device = arguments.device.unwrap_or(job.device);
    job.positive = arguments.positive.or(job.positive.take());
    job.cache = arguments.cache.folder.unwrap_or_else(|| std::mem::take(&mut job.cache));
    job.cache_limit = arguments.cache_limit.map(|mebibytes| mebibytes << 20).or(job.cache_limit);
    Ok(())
}

fn change_recipe(recipe: &mut Recipe, arguments: &TrainArguments) -> Result<()> {
    if let Some(name) = &arguments.recipe {
        *recipe = Recipe::find(name)?;
    }
    if let Some(backbone) = &arguments.backbone {
        *recipe = recipe.clone().on(backbone);
    }
    if let Some(unfreeze) = &arguments.unfreeze {
        recipe.unfreeze = unfreeze.clone().into();
    }
    recipe.epochs = arguments.epochs.unwrap_or(recipe.epochs);
    recipe.batch_size = arguments.batch_size.unwrap_or(recipe.batch_size);
    recipe.learning_rate = arguments.learning_rate.unwrap_or(recipe.learning_rate);
    recipe.seeds = arguments.seeds.map_or(recipe.seeds, usize::from);
    recipe.folds = arguments.folds.map(usize::from).or(recipe.folds);
    recipe.threshold = arguments.threshold.unwrap_or(recipe.threshold);
    recipe.calibration = arguments.calibration.unwrap_or(recipe.calibration);
    Ok(())
}

/// `runs/DATA-2026-11-27-194421`, in UTC.
fn run_folder(data: &Path) -> Result<PathBuf> {
    let name = data.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());
    new_folder(&format!("{name}-{}", headstart::date::now().for_names()))
}
