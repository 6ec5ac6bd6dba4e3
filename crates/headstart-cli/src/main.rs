//! The program `headstart`: parses, calls the library, prints.

mod cli;
mod commands;
mod events;
mod output;

use std::process::ExitCode;

use clap::Parser;
use headstart::Error;
use headstart::image::worker;
use headstart::visible::visible_lines;
use headstart_kernels::HugePages;

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn main() -> ExitCode {
    if worker::is_wanted() {
        return worker::work();
    }
    worker::isolate();
    let arguments = cli::Arguments::parse();
    match commands::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let known = error.downcast_ref::<Error>();
            match known {
                // It names its cause itself.
                Some(known) => eprintln!("error: {}", visible_lines(&known.to_string())),
                None => eprintln!("error: {}", visible_lines(&format!("{error:#}"))),
            }
            match known {
                Some(Error::Usage(_)) => ExitCode::from(2),
                Some(Error::Interrupted) => ExitCode::from(130),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
