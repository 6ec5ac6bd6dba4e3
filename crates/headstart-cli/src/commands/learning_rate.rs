//! `headstart learning-rate`.

use anyhow::Result;
use headstart::run::write_rate_curve;
use headstart::train::rate_finder::find_rate;

use super::cache::Cache;
use super::job::job;
use crate::cli::TrainArguments;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::{self, out};

pub fn run(arguments: TrainArguments, line: &str) -> Result<()> {
    stop_on_interrupt();
    let quiet = arguments.quiet;
    let (mut job, out) = job(arguments, line)?;
    let cache = Cache::open(Some(job.cache));
    job.cache = cache.folder.clone();
    let curve = find_rate(&job, &mut Terminal::new(quiet))?;
    write_rate_curve(&curve, &out)?;
    match curve.suggestion {
        Some(rate) => out!(
            "the loss falls fastest at {rate:.1e}: try --learning-rate {rate:.0e}; the recipe's is {:.0e}",
            job.recipe.learning_rate
        ),
        None => out!("the loss does not fall at any rate: look at the labels, or unfreeze more"),
    }
    out!("figure and numbers lie in {}", print::path(&out));
    Ok(())
}
