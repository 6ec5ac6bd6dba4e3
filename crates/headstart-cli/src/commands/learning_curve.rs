//! `headstart learning-curve`.

use std::time::Duration;

use anyhow::Result;
use headstart::Error;
use headstart::dataset::Grouping;
use headstart::train::learning_curve::{Question, learning_curve};
use headstart::train::{BUDGET, Job, Recipe};

use crate::cli::LearningCurveArguments;
use crate::output::{Terminal, stop_on_interrupt};

pub fn run(arguments: LearningCurveArguments) -> Result<()> {
    stop_on_interrupt();
    let time = Duration::try_from_secs_f64(arguments.minutes * 60.0)
        .map_err(|_| Error::Usage(format!("--minutes: expected a time, found {}", arguments.minutes)))?;
    let question = Question { sizes: arguments.images, seeds: arguments.seeds.max(1), time };
    let job = Job {
        data: arguments.data,
        recipe: Recipe::find(&arguments.recipe)?,
        weights: arguments.weights,
        image_size: Some(arguments.image_size),
        seed: 7,
        train_images: None,
        exclude: None,
        groups: Grouping::Automatic,
        resplit: false,
        positive: arguments.positive,
        cache: super::cache(arguments.cache),
        out: arguments.out,
        resume: false,
        checkpoint_every: Duration::from_secs(60),
        cache_limit: None,
        budget: BUDGET,
        command: std::env::args().collect::<Vec<_>>().join(" "),
    };
    let curve = learning_curve(&job, &question, &mut Terminal::default())?;
    println!("\n{}\n{}", curve.table(), curve.in_words());
    println!("{:.0} s in all; figure, table and numbers lie in {}", curve.seconds, job.out.display());
    Ok(())
}
