//! `headstart choose`.

use anyhow::{Context, Result, bail};
use headstart::choice::Choice;
use headstart::report::choice_svg;
use headstart::train::choose::{Question, at_hand, choose};

use super::cache::Cache;
use crate::cli::ChooseArguments;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::{self, json, out, text};

pub fn run(arguments: ChooseArguments) -> Result<()> {
    stop_on_interrupt();
    let mut candidates = at_hand(&arguments.weights)?;
    if !arguments.backbones.is_empty() {
        for name in &arguments.backbones {
            let known = headstart::backbone::registry::find(name)?.name;
            if !candidates.iter().any(|(candidate, _)| candidate == known) {
                bail!("the weights of {known} are not at hand: pull them, or give their file with --weights");
            }
        }
        let is_wanted =
            |name: &str| arguments.backbones.iter().any(|wanted| wanted.replace('_', "-") == name);
        candidates.retain(|(name, _)| is_wanted(name));
    }
    let cache = Cache::open(arguments.cache.folder);
    let question = Question {
        data: arguments.data,
        candidates,
        budget: arguments.budget,
        train_images: arguments.train_images,
        image_size: arguments.image_size,
        groups: arguments.groups,
        exclude: arguments.exclude,
        seed: arguments.seed,
        cache: cache.folder.clone(),
    };
    let choice = choose(&question, &mut Terminal::new(arguments.json))?;
    match arguments.json {
        true => json(&choice)?,
        false => show(&choice, &question),
    }
    if let Some(path) = &arguments.out {
        headstart::write_whole(path, choice_svg(&choice).as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn show(choice: &Choice, question: &Question) {
    text(&format!("\n{}", choice.table()));
    out!("{}", choice.in_words());
    out!("Recommended: {}", choice.reason);
    let weights = question.candidates.iter().find(|(name, _)| *name == choice.recommended);
    let weights = match weights {
        Some((_, Some(file))) => format!(" --weights {}", print::path(file)),
        _ => String::new(),
    };
    let data = print::path(&question.data);
    out!("Train it: headstart train {data} --backbone {}{weights}", choice.recommended);
    if choice.tried.len() == 1 {
        out!("`headstart backbones pull NAME` fetches others to compare it with.");
    }
}
