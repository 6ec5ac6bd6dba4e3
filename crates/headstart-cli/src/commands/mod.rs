//! The commands, one file each.

mod backbones;
mod bench;
mod compare;
mod demo;
mod evaluate;
mod explain;
mod features;
mod inspect;
mod learning_curve;
mod learning_rate;
mod predict;
mod recipes;
mod serve;
mod split;
mod stress;
mod summary;
mod train;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cli::{Arguments, BackbonesCommand, Command, RecipesCommand};

/// Runs what was asked for.
pub fn run(arguments: Arguments) -> Result<()> {
    headstart::threads::start(arguments.threads).context("cannot start threads")?;
    match arguments.command {
        Command::Train(arguments) => train::run(*arguments),
        Command::LearningRate(arguments) => learning_rate::run(*arguments),
        Command::LearningCurve(arguments) => learning_curve::run(arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Summary(arguments) => summary::run(&arguments),
        Command::Features(arguments) => features::run(arguments),
        Command::Split(arguments) => split::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Backbones { command: BackbonesCommand::List } => backbones::list(),
        Command::Recipes { command: RecipesCommand::List } => {
            recipes::list();
            Ok(())
        }
        Command::Recipes { command: RecipesCommand::Show { name } } => recipes::show(&name),
        Command::Demo { out } => demo::run(out),
    }
}

/// The feature cache: as given, or in the user's cache folder.
fn cache(given: Option<PathBuf>) -> PathBuf {
    given.unwrap_or_else(|| {
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
        let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let base = base.or_else(|| home.map(|home| home.join(".cache")));
        base.unwrap_or_else(std::env::temp_dir).join("headstart")
    })
}
