//! `headstart train`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use headstart::Error;
use headstart::classifier::{Description, Worth};
use headstart::dataset::Grouping;
use headstart::evaluate::{Estimate, SplitMetrics};
use headstart::report::summary_table;
use headstart::train::{Job, Observer, Outcome, Recipe, train};

use crate::cli::TrainArguments;
use crate::events::{self, Events};
use crate::output::{Terminal, stop_on_interrupt};

pub fn run(arguments: TrainArguments) -> Result<()> {
    let (json, quiet) = (arguments.json, arguments.quiet);
    let job = job(arguments)?;
    if !json {
        return go(&job, Terminal::new(quiet));
    }
    let outcome = trained(&job, &mut Events::default())?;
    let model = job.out.join("model.safetensors");
    events::emit(&serde_json::json!({"event": "done", "model": model, "metrics": outcome.metrics}));
    Ok(())
}

/// Trains and shows what came of it.
pub fn go(job: &Job, mut terminal: Terminal) -> Result<()> {
    let start = Instant::now();
    let outcome = trained(job, &mut terminal)?;
    if !terminal.is_quiet() {
        show_model(&outcome);
    }
    show_metrics(job, &outcome, start.elapsed().as_secs_f64());
    Ok(())
}

fn trained(job: &Job, observer: &mut dyn Observer) -> Result<Outcome> {
    stop_on_interrupt();
    let outcome = train(job, observer).inspect_err(|error| {
        if matches!(error, Error::Interrupted) {
            eprintln!("stopped; the same command with --out {} --resume goes on", job.out.display());
        }
    })?;
    Ok(outcome)
}

/// What the arguments ask for.
pub fn job(arguments: TrainArguments) -> Result<Job> {
    let mut recipe = Recipe::find(&arguments.recipe)?;
    if let Some(backbone) = &arguments.backbone {
        recipe = recipe.on(backbone);
    }
    recipe.unfreeze = arguments.unfreeze.map_or(recipe.unfreeze, Into::into);
    recipe.epochs = arguments.epochs.unwrap_or(recipe.epochs);
    recipe.batch_size = arguments.batch_size.unwrap_or(recipe.batch_size);
    recipe.learning_rate = arguments.learning_rate.unwrap_or(recipe.learning_rate);
    recipe.seeds = arguments.seeds.map_or(recipe.seeds, usize::from);
    recipe.folds = arguments.folds.map(usize::from).or(recipe.folds);
    if let Some(policy) = &arguments.threshold {
        recipe.threshold = policy.parse()?;
    }
    if let Some(method) = &arguments.calibration {
        recipe.calibration = method.parse()?;
    }
    Ok(Job {
        out: arguments.out.unwrap_or_else(|| new_folder(&arguments.data)),
        resume: arguments.resume,
        checkpoint_every: Duration::try_from_secs_f64(arguments.checkpoint_every)
            .with_context(|| format!("--checkpoint-every {}", arguments.checkpoint_every))?,
        data: arguments.data,
        recipe,
        weights: arguments.weights,
        image_size: arguments.image_size,
        seed: arguments.seed,
        train_images: arguments.train_images,
        exclude: arguments.exclude,
        groups: Grouping::parse(&arguments.groups)?,
        resplit: arguments.resplit,
        positive: arguments.positive,
        cache: super::cache(arguments.cache),
        cache_limit: arguments.cache_limit.map(|mebibytes| mebibytes << 20),
        budget: arguments.budget,
        command: std::env::args().collect::<Vec<_>>().join(" "),
    })
}

/// `runs/DATA-SECONDS`.
fn new_folder(data: &Path) -> PathBuf {
    let name = data.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    PathBuf::from("runs").join(format!("{name}-{seconds}"))
}

fn show_model(outcome: &Outcome) {
    let description = outcome.classifier.description();
    println!("\n{}", summary_table(&description.backbone, &outcome.classifier.layer_rows()));
    let kept = description.history.kept_epoch.map_or("no epoch".into(), |epoch| format!("epoch {epoch}"));
    println!("kept {kept}; threshold {:.4}, chosen on validation\n", description.threshold);
}

fn show_metrics(job: &Job, outcome: &Outcome, seconds: f64) {
    println!("{}", table(outcome.metrics.iter().map(|(split, metrics)| (split.as_str(), metrics))));
    print!("{}", members(outcome.classifier.description()));
    print!("{}", super::stress::short(&outcome.stress));
    println!("{:.1} s in all; the run lies in {}", seconds, job.out.display());
    println!("try it: headstart serve {}", job.out.join("model.safetensors").display());
}

/// What each of several trainings is worth alone, and how much they differ; nothing of a single one.
fn members(description: &Description) -> String {
    let split = if description.test.is_some() { "test" } else { "validation" };
    let row = |name: &str, cells: [String; 4]| {
        format!("{name:<18}  {}\n", cells.map(|cell| format!("{cell:<21}")).concat().trim_end())
    };
    let mut text = String::new();
    for member in &description.members {
        let Some(worth) = member.measured.get(split) else { continue };
        let cells = Worth::MEASURES.map(|(_, measure)| format!("{:.4}", measure(worth)));
        text += &row(&member.name(), cells);
    }
    if text.is_empty() {
        return text;
    }
    let spreads = Worth::MEASURES.map(|(_, measure)| {
        let spread = description.spread(split, measure);
        spread.map_or(String::new(), |spread| format!("{:.4} ± {:.4}", spread.mean, spread.deviation))
    });
    format!("\neach part alone, on {split}\n{text}{}", row("mean ± deviation", spreads))
}

/// Metrics with their intervals, a line for each split.
pub fn table<'a>(rows: impl Iterator<Item = (&'a str, &'a SplitMetrics)>) -> String {
    let cell = |e: Estimate| format!("{:.4} ({:.3}–{:.3})", e.value, e.low, e.high);
    let mut text = format!(
        "{:<11}{:>7}  {:<21}{:<21}{:<21}{:<21}\n",
        "split", "images", "accuracy", "AUC", "sensitivity", "specificity"
    );
    for (split, m) in rows {
        let cells = [m.accuracy, m.auc, m.sensitivity, m.specificity].map(|e| format!("{:<21}", cell(e)));
        text += &format!("{split:<11}{:>7}  {}\n", m.images, cells.concat().trim_end());
    }
    text + "95 % intervals: Wilson, for AUC DeLong"
}
