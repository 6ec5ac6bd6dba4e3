//! `headstart train`.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use headstart::classifier::{Description, MemberMetrics};
use headstart::evaluate::ThresholdPolicy;
use headstart::run::train_into;
use headstart::train::{Job, Run};
use headstart::{Error, Observer};

use super::cache::Cache;
use super::job::job;
use crate::cli::TrainArguments;
use crate::events::{self, Events};
use crate::metrics_table::table;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::{self, out, text};
use crate::ranks::{Follower, Joined};

pub fn run(arguments: TrainArguments, line: &str) -> Result<()> {
    let joined = Joined::new()?;
    let (json, quiet) = (arguments.json, arguments.quiet);
    let job = job(arguments, line);
    joined.after(job.and_then(|(mut job, out)| {
        let cache = Cache::open(Some(job.cache));
        job.cache = cache.folder.clone();
        job.ranks = joined.ranks().clone();
        match (job.ranks.is_first(), json) {
            (false, _) => assist(&job),
            (true, false) => go(&job, &out, Terminal::new(quiet)),
            (true, true) => tell(&job, &out),
        }
    }))
}

/// Trains, with each event as a line of JSON.
fn tell(job: &Job, out: &Path) -> Result<()> {
    let run = trained(job, out, &mut Events::default());
    let run = run.inspect_err(|error| advise(error, out, &mut Terminal::default()))?;
    let model = out.join("model.safetensors");
    let doubts = &run.classifier.description().doubts;
    let warnings: Vec<String> = doubts.iter().map(ToString::to_string).collect();
    events::emit(&serde_json::json!({"event": "done", "model": model, "metrics": run.metrics,
        "warnings": warnings}));
    Ok(())
}

/// Takes part in what rank 0 trains, shows and writes.
fn assist(job: &Job) -> Result<()> {
    stop_on_interrupt();
    Ok(headstart::run::assist(job, &mut Follower)?)
}

/// Trains and shows what came of it.
pub fn go(job: &Job, out: &Path, mut terminal: Terminal) -> Result<()> {
    let start = Instant::now();
    let run = trained(job, out, &mut terminal).inspect_err(|error| advise(error, out, &mut terminal))?;
    if !terminal.is_quiet() {
        show_model(&run);
    }
    show_metrics(&run, out, start.elapsed().as_secs_f64());
    Ok(())
}

fn trained(job: &Job, out: &Path, observer: &mut dyn Observer) -> Result<Run, Error> {
    stop_on_interrupt();
    train_into(out, job, observer)
}

/// How a training that was stopped goes on, said when the bar is gone.
fn advise(error: &Error, out: &Path, terminal: &mut Terminal) {
    if matches!(error, Error::Interrupted) {
        let folder = quoted(&print::path(out));
        terminal.advise(&format!("stopped. To go on: headstart train --resume {folder}"));
    }
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+:,@".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn show_model(run: &Run) {
    let description = run.classifier.description();
    let kept = description.history.kept_epoch.map_or("no epoch".into(), |epoch| format!("epoch {epoch}"));
    out!("\nkept {kept}; {}\n", how_decided(description));
}

/// From which score on, and who chose it.
fn how_decided(description: &Description) -> String {
    let Description { threshold, threshold_policy, .. } = description;
    match (description.classes.as_slice(), threshold_policy) {
        ([_, _], ThresholdPolicy::Fixed(_)) => format!("threshold {threshold:.4}, fixed before training"),
        ([_, _], _) => format!("threshold {threshold:.4}, chosen on validation"),
        _ => "the class with the largest score is the answer".into(),
    }
}

fn show_metrics(run: &Run, out: &Path, seconds: f64) {
    let description = run.classifier.description();
    let splits: Vec<_> = run.metrics.iter().map(|(split, metrics)| (split.as_str(), metrics)).collect();
    out!("{}", table(&splits));
    // They belong to the numbers, wherever these go.
    description.doubts.iter().for_each(|doubt| out!("warning: {doubt}"));
    if let Some((split, metrics)) = super::metrics::headline(&run.metrics) {
        text(&super::metrics::by_class(split, metrics, &description.classes));
    }
    text(&members(description));
    text(&super::stress::short(&run.stress));
    let folder = quoted(&print::path(out));
    out!("\n{seconds:.1} s in all; the run lies in {folder}");
    out!("try it:      headstart serve {folder}");
    out!("its layers:  headstart summary {folder}");
}

/// What each of several trainings is worth alone, and how much they differ; nothing of a single one.
fn members(description: &Description) -> String {
    let split = if description.test.is_some() { "test" } else { "validation" };
    let row = |name: &str, cells: [String; 4]| {
        format!("{name:<18} {}\n", cells.map(|cell| format!("{cell:<15}")).concat().trim_end())
    };
    let mut text = String::new();
    for member in &description.members {
        let Some(worth) = member.measured.get(split) else { continue };
        let cells = MemberMetrics::MEASURES.map(|(_, measure)| format!("{:.4}", measure(worth)));
        text += &row(&member.name(), cells);
    }
    if text.is_empty() {
        return text;
    }
    let spreads = MemberMetrics::MEASURES.map(|(_, measure)| {
        let spread = description.spread(split, measure);
        spread.map_or(String::new(), |spread| format!("{:.4} ± {:.3}", spread.mean, spread.deviation))
    });
    let names = ["accuracy", "AUC", "sensitivity", "specificity"].map(String::from);
    let means = match description.classes.len() {
        2 => String::new(),
        classes => format!(" (AUC, sensitivity and specificity: means over the {classes} classes)"),
    };
    let head = format!("\neach part alone, on {split}{means}\n{}", row("", names));
    format!("{head}{text}{}", row("mean ± deviation", spreads))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_with_spaces_are_quoted() {
        assert_eq!(quoted("runs/first-2026"), "runs/first-2026");
        assert_eq!(quoted("my runs/d'or"), r"'my runs/d'\''or'");
    }
}
