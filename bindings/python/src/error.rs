//! The library's errors as Python's.

use std::io::ErrorKind;

use headstart::Error;
use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyFileNotFoundError, PyKeyboardInterrupt, PyValueError};

create_exception!(
    headstart,
    HeadstartError,
    PyException,
    "A file, folder, model or image is not what it has to be, or the system refuses something. The message names it, what \
     was expected and what was found."
);

/// Settings and arguments are `ValueError`, missing files `FileNotFoundError`, a stop `KeyboardInterrupt`, and all else
/// `HeadstartError`.
pub fn python(error: Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::Setting { .. } | Error::Usage(_) => PyValueError::new_err(text),
        Error::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            PyFileNotFoundError::new_err(text)
        }
        // What is not there is no folder of the right kind either.
        Error::Invalid { path, found, .. } if found == "nothing there" && !path.exists() => {
            PyFileNotFoundError::new_err(text)
        }
        Error::Interrupted => PyKeyboardInterrupt::new_err(()),
        _ => HeadstartError::new_err(text),
    }
}
