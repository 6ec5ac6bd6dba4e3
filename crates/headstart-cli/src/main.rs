//! The program `headstart`: its memory, its workers, and the command.

use std::process::ExitCode;

use headstart::image::worker;
use headstart_kernels::HugePages;

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn main() -> ExitCode {
    if worker::is_wanted() {
        return worker::work();
    }
    worker::isolate();
    headstart_cli::run(std::env::args_os()).into()
}
