//! `headstart learning-rate`.

use anyhow::Result;
use headstart::train::rate_finder::find_rate;

use super::train::job;
use crate::cli::TrainArguments;
use crate::output::{Terminal, stop_on_interrupt};

pub fn run(arguments: TrainArguments) -> Result<()> {
    stop_on_interrupt();
    let quiet = arguments.quiet;
    let job = job(arguments)?;
    let curve = find_rate(&job, &mut Terminal::new(quiet))?;
    match curve.suggestion {
        Some(rate) => println!(
            "the loss falls fastest at {rate:.1e}: try --learning-rate {rate:.0e}; the recipe's is {:.0e}",
            job.recipe.learning_rate
        ),
        None => println!("the loss does not fall at any rate: look at the labels, or unfreeze more"),
    }
    println!("figure and numbers lie in {}", job.out.display());
    Ok(())
}
