//! `headstart learning-curve`.

use std::time::Duration;

use anyhow::Result;
use headstart::Error;
use headstart::run::write_learning_curve;
use headstart::train::learning_curve::{Question, learning_curve};
use headstart::train::{Job, Recipe};

use super::cache::Cache;
use crate::cli::LearningCurveArguments;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::{self, out};

pub fn run(arguments: LearningCurveArguments, line: &str) -> Result<()> {
    stop_on_interrupt();
    let time = Duration::try_from_secs_f64(arguments.minutes * 60.0)
        .map_err(|_| Error::Usage(format!("--minutes: expected a time, found {}", arguments.minutes)))?;
    let question = Question { sizes: arguments.images, seeds: arguments.seeds.max(1), time };
    let cache = Cache::open(arguments.cache.folder);
    let recipe = Recipe::find(&arguments.recipe)?;
    let job = Job {
        weights: arguments.weights,
        image_size: Some(arguments.image_size),
        positive: arguments.positive,
        command: line.into(),
        ..Job::new(arguments.data, recipe, cache.folder.clone())
    };
    let curve = learning_curve(&job, &question, &mut Terminal::default())?;
    write_learning_curve(&curve, &arguments.out)?;
    out!("\n{}\n{}", curve.table(), curve.in_words());
    out!("{:.0} s in all; figure, table and numbers lie in {}", curve.seconds, print::path(&arguments.out));
    Ok(())
}
