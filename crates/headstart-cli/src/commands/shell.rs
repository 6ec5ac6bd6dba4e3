//! `headstart completions` and `headstart man`: what a shell and `man` read.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Arguments;
use crate::print::raw;

/// Prints the script that completes the program's options in a shell.
pub fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "headstart", &mut script);
    let script = String::from_utf8(script)?;
    raw(script);
    Ok(())
}

/// Prints the manual page, with a part for each command.
pub fn manual() -> Result<()> {
    let mut page = Vec::new();
    let mut command = Arguments::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for part in command.get_subcommands() {
        clap_mangen::Man::new(part.clone().disable_help_subcommand(true)).render(&mut page)?;
    }
    let page = String::from_utf8(page)?;
    raw(page);
    Ok(())
}
