//! The program `headstart`: parses, calls the library, prints.

// A closed pipe makes `println!` panic: `print` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod commands;
mod epochs;
mod events;
mod metrics_table;
mod output;
mod print;
mod threads;

use std::process::ExitCode;

use clap::Parser;
use headstart::Error;
use headstart::image::worker;
use headstart_kernels::HugePages;

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn main() -> ExitCode {
    if worker::is_wanted() {
        return worker::work();
    }
    worker::isolate();
    let arguments = cli::Arguments::parse();
    let done = commands::run(arguments);
    if let Some(why) = print::problem() {
        print::failure(&format!("cannot write to standard output: {why}"));
        return ExitCode::FAILURE;
    }
    done.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<Error>() {
        // Whoever pressed Ctrl-C knows.
        Some(Error::Interrupted) => return ExitCode::from(130),
        // On the command line a setting is an option.
        Some(Error::Setting { name, expected, found }) => {
            let option = name.replace('_', "-");
            print::failure(&format!("--{option}: expected {expected}, found {found}"));
        }
        // It names its cause itself.
        Some(known) => print::failure(&known.to_string()),
        None => print::failure(&format!("{error:#}")),
    }
    match error.downcast_ref::<Error>() {
        Some(Error::Usage(_) | Error::Setting { .. }) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}
