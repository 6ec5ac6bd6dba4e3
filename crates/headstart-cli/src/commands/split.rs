//! `headstart split`.

use anyhow::Result;
use headstart::ranks::Ranks;
use headstart::train::Partition;
use headstart::{Error, Observer};

use super::cache::Cache;
use crate::cli::SplitArguments;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print;

pub fn run(arguments: SplitArguments) -> Result<()> {
    stop_on_interrupt();
    let (fraction, out) = (arguments.fraction, arguments.out);
    if !(fraction > 0.0 && fraction < 0.5) {
        let problem = format!("--fraction: expected more than 0 and less than 0.5, found {fraction}");
        return Err(Error::Usage(problem).into());
    }
    let cache = (!arguments.names_only).then(|| Cache::open(arguments.cache.folder));
    let partition = Partition {
        own_data: None,
        no_test: false,
        data: arguments.data,
        exclude: arguments.exclude,
        train_images: None,
        groups: arguments.groups,
        resplit: arguments.resplit,
        fraction,
        seed: arguments.seed,
        cache: cache.as_ref().map(|cache| cache.folder.clone()),
        ranks: Ranks::default(),
    };
    let mut terminal = Terminal::default();
    partition.write(arguments.folds.map(|folds| folds as usize), &out, &mut terminal)?;
    terminal.say(&format!("written to {}", print::path(&out)));
    Ok(())
}
