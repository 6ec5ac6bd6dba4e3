//! The program `headstart`: parses, calls the library, prints.

mod cli;
mod commands;
mod events;
mod output;

use std::process::ExitCode;

use clap::Parser;
use headstart::Error;
use headstart_kernels::HugePages;

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match commands::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let known = error.downcast_ref::<Error>();
            match known {
                // It names its cause itself.
                Some(known) => eprintln!("error: {known}"),
                None => eprintln!("error: {error:#}"),
            }
            match known {
                Some(Error::Usage(_)) => ExitCode::from(2),
                Some(Error::Interrupted) => ExitCode::from(130),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
