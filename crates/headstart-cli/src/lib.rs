//! The command `headstart`: parses, calls the library, prints. The program and the Python package run it.

// A closed pipe makes `println!` panic: `print` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod commands;
mod ends;
mod epochs;
mod events;
mod metrics_table;
mod output;
mod print;
mod ranks;
mod threads;

use std::ffi::OsString;

use clap::Parser;
use headstart::Error;

/// Runs the command that `arguments` say, of which the first is the program's name, and returns the exit code: 0 done,
/// 1 failed, 2 bad usage, 130 interrupted. It starts the process's threads, so a process runs one command.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match cli::Arguments::try_parse_from(&words) {
        Ok(arguments) => arguments,
        Err(help_or_problem) => {
            // Where nobody reads it there is nobody to tell.
            let _ = help_or_problem.print();
            return help_or_problem.exit_code().try_into().unwrap_or(2);
        }
    };
    let line: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let done = commands::run(arguments, &line.join(" "));
    if let Some(why) = print::problem() {
        print::failure(&format!("cannot write to standard output: {why}"));
        return 1;
    }
    done.map_or_else(|error| failed(&error), |()| 0)
}

fn failed(error: &anyhow::Error) -> u8 {
    if let Some(why) = told(error) {
        print::failure(&why);
    }
    exit_code(error)
}

/// What is said of an error.
fn told(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<Error>() {
        // Whoever pressed Ctrl-C knows.
        Some(Error::Interrupted) => None,
        // On the command line a setting is an option.
        Some(Error::Setting { name, expected, found }) => {
            let option = name.replace('_', "-");
            Some(format!("--{option}: expected {expected}, found {found}"))
        }
        // It names its cause itself.
        Some(known) => Some(known.to_string()),
        None => Some(format!("{error:#}")),
    }
}

/// What the program ends with.
fn exit_code(error: &anyhow::Error) -> u8 {
    match (error.downcast_ref::<Error>(), error.downcast_ref()) {
        (Some(Error::Interrupted), _) => 130,
        (_, Some(ends::Ends(code))) => *code,
        (Some(Error::Usage(_) | Error::Setting { .. }), None) => 2,
        _ => 1,
    }
}
