//! `headstart demo`.

use anyhow::Result;
use headstart::explain::Method;
use headstart::phantom;
use headstart::train::{Job, Recipe};

use super::cache::Cache;
use crate::cli::{DemoArguments, DeviceArguments, Format, PredictArguments};
use crate::output::Terminal;
use crate::print::{self, out};

/// Images of each class.
const IMAGES: usize = 150;
/// Images that the web app offers to try the model with, and their seed: not that of the training's.
const EXAMPLES: usize = 4;
const EXAMPLES_SEED: u64 = 8;
/// Enough for pictures this plain.
const EPOCHS: usize = 4;

pub fn run(arguments: DemoArguments) -> Result<()> {
    let out = match arguments.out {
        Some(out) => out,
        None => super::new_folder("demo")?,
    };
    let data = out.join("phantoms");
    let run = out.join("run");
    let cache = Cache::open(arguments.cache.folder);
    out!("drawing {} synthetic chest phantoms (no real patient) into {}", 2 * IMAGES, print::path(&data));
    phantom::write(&data, IMAGES, 7)?;
    let recipe = Recipe { epochs: EPOCHS, ..Recipe::default() };
    let command = format!("headstart demo --out {}", out.display());
    let job = Job { command, ..Job::new(data.clone(), recipe, cache.folder.clone()) };
    super::train::go(&job, &run, Terminal::default())?;
    phantom::write_examples(&run.join("examples"), EXAMPLES, EXAMPLES_SEED)?;
    out!("");
    let first = |class: &str| data.join(class).join("phantom0000.png").display().to_string();
    super::predict::run(&PredictArguments {
        model: run.join("model.safetensors"),
        files: phantom::CLASSES.map(first).to_vec(),
        format: Format::Table,
        explain: None,
        explain_method: Method::GradCam,
        explain_check: false,
        device: DeviceArguments::default(),
    })
}
