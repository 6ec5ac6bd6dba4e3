//! `headstart demo`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use headstart::dataset::Grouping;
use headstart::phantom;
use headstart::train::{BUDGET, Job, Recipe};

use crate::cli::{Format, PredictArguments};
use crate::output::Terminal;

/// Images of each class.
const IMAGES: usize = 150;
/// Images that the web app offers to try the model with, and their seed: not that of the training's.
const EXAMPLES: usize = 4;
const EXAMPLES_SEED: u64 = 8;
/// Enough for pictures this plain.
const EPOCHS: usize = 4;

pub fn run(out: PathBuf) -> Result<()> {
    let data = out.join("phantoms");
    let run = out.join("run");
    println!("drawing {} synthetic chest phantoms (no real patient) into {}", 2 * IMAGES, data.display());
    phantom::write(&data, IMAGES, 7)?;
    let job = Job {
        data: data.clone(),
        recipe: Recipe { epochs: EPOCHS, ..Recipe::find("default")? },
        weights: None,
        image_size: None,
        seed: 7,
        train_images: None,
        exclude: None,
        groups: Grouping::Automatic,
        resplit: false,
        positive: None,
        cache: super::cache(None),
        cache_limit: None,
        budget: BUDGET,
        out: run.clone(),
        resume: false,
        checkpoint_every: Duration::from_secs(60),
        command: format!("headstart demo --out {}", out.display()),
    };
    super::train::go(&job, Terminal::default())?;
    phantom::write_examples(&run.join("examples"), EXAMPLES, EXAMPLES_SEED)?;
    println!();
    let first = |class: &str| data.join(class).join("phantom0000.png").display().to_string();
    super::predict::run(&PredictArguments {
        model: run.join("model.safetensors"),
        files: phantom::CLASSES.map(first).to_vec(),
        format: Format::Table,
        explain: None,
        explain_method: "grad-cam".into(),
        explain_check: false,
    })
}
