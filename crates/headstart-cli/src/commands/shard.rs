//! What commands have in common that do one shard of a manifest, for a scheduler to start, and to start again.

use anyhow::Result;
use headstart::Error;
use headstart::score::{Counts, Done, Shard, is_temporary};

use crate::ends::Ends;
use crate::output::Terminal;
use crate::print::out;

/// Another try would fail in the same way.
const FINAL: u8 = 2;
/// Another try may succeed: `EX_TEMPFAIL` of sysexits.
const TEMPORARY: u8 = 75;

/// The shard that was asked for, or else the one that a scheduler's task is.
///
/// # Errors
/// Where the scheduler's variables do not say which it is.
pub fn or_of_scheduler(asked: Option<Shard>) -> Result<Option<Shard>> {
    match asked {
        Some(shard) => Ok(Some(shard)),
        None => ending(Shard::from_environment().map_err(Into::into)),
    }
}

/// Makes a part and says what came of it. An error ends the program so that a scheduler knows whether to try again.
pub fn run(shard: Shard, make: impl FnOnce(&mut Terminal) -> Result<Done>) -> Result<()> {
    let mut terminal = Terminal::default();
    let done = make(&mut terminal);
    terminal.clear();
    let done = ending(done)?;
    match done.counts {
        Some(counts) => out!("shard {shard}: {} in {}", told(counts), done.part),
        None => out!("shard {shard}: was done before, {} rows in {}", done.rows, done.part),
    }
    Ok(())
}

/// Adds what an error ends the program with.
pub fn ending<T>(done: Result<T>) -> Result<T> {
    done.map_err(|why| {
        let is_temporary = why.downcast_ref::<Error>().is_some_and(is_temporary);
        why.context(Ends(if is_temporary { TEMPORARY } else { FINAL }))
    })
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
