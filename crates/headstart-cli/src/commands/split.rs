//! `headstart split`.

use std::fs::File;
use std::io::BufWriter;

use anyhow::{Context, Result};
use headstart::Error;
use headstart::dataset::Grouping;
use headstart::train::{Observer, Partition};

use crate::cli::SplitArguments;
use crate::output::{Terminal, stop_on_interrupt};

pub fn run(arguments: SplitArguments) -> Result<()> {
    stop_on_interrupt();
    let (fraction, out) = (arguments.fraction, arguments.out);
    if !(fraction > 0.0 && fraction < 0.5) {
        let problem = format!("--fraction: expected more than 0 and less than 0.5, found {fraction}");
        return Err(Error::Usage(problem).into());
    }
    let partition = Partition {
        data: arguments.data,
        exclude: arguments.exclude,
        train_images: None,
        groups: Grouping::parse(&arguments.groups)?,
        resplit: arguments.resplit,
        fraction,
        seed: arguments.seed,
        cache: (!arguments.names_only).then(|| super::cache(arguments.cache)),
    };
    let mut terminal = Terminal::default();
    let (dataset, _) = partition.cut(&mut terminal)?;
    let folds = arguments.folds.map(|folds| dataset.folds(folds as usize, arguments.seed)).transpose()?;
    let file = File::create(&out).with_context(|| format!("cannot write {}", out.display()))?;
    dataset.write_split(folds.as_deref(), BufWriter::new(file), &out)?;
    terminal.say(&format!("written to {}", out.display()));
    Ok(())
}
