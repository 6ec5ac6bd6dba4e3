//! The commands, one file each.

mod backbones;
mod bench;
mod cache;
mod choose;
mod compare;
mod demo;
mod evaluate;
mod explain;
mod export;
mod features;
mod inspect;
mod job;
mod learning_curve;
mod learning_rate;
mod metrics;
mod predict;
#[cfg(feature = "pull")]
mod pull;
mod recipes;
mod score;
mod score_merge;
mod serve;
mod shard;
mod shell;
mod split;
mod stress;
mod summary;
mod train;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use headstart::Error;
use headstart::device::Device;

use crate::cli::{
    Arguments, BackbonesCommand, BackbonesListArguments, Command, DeviceArguments, RecipesCommand,
};
use crate::print::err;

/// Runs what was asked for by the command `line`.
pub fn run(arguments: Arguments, line: &str) -> Result<()> {
    crate::threads::start(arguments.threads).context("cannot start threads")?;
    match arguments.command {
        Command::Train(arguments) => train::run(*arguments, line),
        Command::LearningRate(arguments) => learning_rate::run(*arguments, line),
        Command::LearningCurve(arguments) => learning_curve::run(arguments, line),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::ScoreMerge(arguments) => score_merge::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Summary(arguments) => summary::run(&arguments),
        Command::Features(arguments) => features::run(arguments),
        Command::Choose(arguments) => choose::run(arguments),
        Command::Split(arguments) => split::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Backbones { command: None } => backbones::list(&BackbonesListArguments::default()),
        Command::Backbones { command: Some(BackbonesCommand::List(arguments)) } => {
            backbones::list(&arguments)
        }
        #[cfg(feature = "pull")]
        Command::Backbones { command: Some(BackbonesCommand::Pull(arguments)) } => pull::run(&arguments),
        Command::Recipes { command: RecipesCommand::List } => {
            recipes::list();
            Ok(())
        }
        Command::Recipes { command: RecipesCommand::Show { name } } => recipes::show(&name),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man => shell::manual(),
    }
}

/// Opens what is asked for, and says what it is unless it is the CPU.
fn device(asked: &DeviceArguments) -> Result<Device> {
    let device = Device::open(asked.device)?;
    if !device.class().is_cpu() {
        err!("computing on {}", device.name());
    }
    Ok(device)
}

/// The file of a sealed model: as given, or the one in a run folder.
fn model_file(given: &Path) -> Result<PathBuf> {
    if !given.is_dir() {
        return Ok(given.to_path_buf());
    }
    let file = given.join("model.safetensors");
    match file.is_file() {
        true => Ok(file),
        false => {
            let found = "a folder without model.safetensors";
            Err(Error::invalid(given, "a sealed model, or the run folder of one", found).into())
        }
    }
}

/// A folder under `runs/` that is not there yet: with a number behind its name where that is taken.
fn new_folder(name: &str) -> Result<PathBuf> {
    let numbered = (2u32..).map(|number| format!("{name}-{number}"));
    let mut names = [name.to_string()].into_iter().chain(numbered).map(|name| Path::new("runs").join(name));
    names.find(|path| !path.exists()).context("there is no name left for a run")
}
