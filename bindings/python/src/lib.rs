//! The extension module of the Python package `headstart`: the library's training, models and features for Python, and
//! the whole command.

// The macros of PyO3 write unsafe code around functions; there is none here.
#![allow(missing_docs, reason = "Python reads the docstrings, Rust never uses this crate")]

mod answer;
mod command;
mod error;
mod features;
mod html;
mod images;
mod model;
mod plain;
mod threads;
mod training;
mod work;

use headstart_kernels::HugePages;
use pyo3::prelude::*;

/// Large blocks alone; whatever Python allocates is its own.
#[global_allocator]
static MEMORY: HugePages = HugePages;

/// The compiled part of headstart. Use the package `headstart`.
#[pymodule]
fn _headstart(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let python = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("HeadstartError", python.get_type::<error::HeadstartError>())?;
    module.add_class::<model::Model>()?;
    module.add_class::<training::Run>()?;
    module.add_class::<features::Extractor>()?;
    module.add_function(wrap_pyfunction!(training::train, module)?)?;
    module.add_function(wrap_pyfunction!(threads::number_of_threads, module)?)?;
    module.add_function(wrap_pyfunction!(features::usual_cache, module)?)?;
    module.add_function(wrap_pyfunction!(command::run_command, module)?)?;
    module.add_function(wrap_pyfunction!(command::isolate, module)?)?;
    module.add_function(wrap_pyfunction!(command::decode_images, module)?)
}
