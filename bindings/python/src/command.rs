//! The command `headstart` inside Python.

use std::ffi::OsString;
use std::process::ExitCode;

use headstart::image::worker;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Runs the command that `arguments` say, of which the first is the program's name, and returns the exit code. A process
/// runs one command.
#[pyfunction]
pub fn run_command(python: Python<'_>, arguments: Vec<OsString>) -> u8 {
    python.detach(|| headstart_cli::run(arguments))
}

/// From now on images are decoded in processes that `command` starts, which must call `decode_images`.
#[pyfunction]
pub fn isolate(command: Vec<OsString>) -> PyResult<()> {
    if command.is_empty() {
        return Err(PyValueError::new_err("expected a program, found nothing"));
    }
    worker::isolate_with(command);
    Ok(())
}

/// Decodes images for another process, from standard input to standard output, and returns the exit code.
#[pyfunction]
pub fn decode_images(python: Python<'_>) -> u8 {
    u8::from(python.detach(worker::work) != ExitCode::SUCCESS)
}
