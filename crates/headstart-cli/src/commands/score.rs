//! `headstart score`: one shard of a manifest, for a scheduler to start, and to start again.

use anyhow::Result;
use headstart::Error;
use headstart::score::{Counts, Done, Job, Shard, is_temporary, score};

use crate::cli::ScoreArguments;
use crate::ends::Ends;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::out;

/// Another try would fail in the same way.
const FINAL: u8 = 2;
/// Another try may succeed: `EX_TEMPFAIL` of sysexits.
const TEMPORARY: u8 = 75;

pub fn run(arguments: &ScoreArguments) -> Result<()> {
    stop_on_interrupt();
    let (shard, done) = scored(arguments).map_err(|why| {
        let code = ending(why.downcast_ref());
        why.context(code)
    })?;
    match done.counts {
        Some(counts) => out!("shard {shard}: {} in {}", told(counts), done.part),
        None => out!("shard {shard}: was done before, {} rows in {}", done.rows, done.part),
    }
    Ok(())
}

fn scored(arguments: &ScoreArguments) -> Result<(Shard, Done)> {
    let shard = match arguments.shard {
        Some(shard) => shard,
        None => Shard::from_environment()?.unwrap_or(Shard::WHOLE),
    };
    let model = super::model_file(&arguments.model)?;
    let job = Job { manifest: &arguments.manifest, model: &model, shard, out: &arguments.out };
    let mut terminal = Terminal::default();
    let done = score(&job, &mut terminal);
    terminal.clear();
    Ok((shard, done?))
}

/// What an error ends the program with: a scheduler has to know whether to try again.
pub fn ending(why: Option<&Error>) -> Ends {
    Ends(if why.is_some_and(is_temporary) { TEMPORARY } else { FINAL })
}

fn told(counts: Counts) -> String {
    let mut words = vec![format!("{} images", counts.ok)];
    if counts.unusable > 0 {
        words.push(format!("{} unusable", counts.unusable));
    }
    if counts.unreadable > 0 {
        words.push(format!("{} unreadable", counts.unreadable));
    }
    words.join(", ")
}
