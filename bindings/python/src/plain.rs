//! The library's plain values as Python's dicts, lists, numbers and texts.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde::Serialize;
use serde_json::Value;

/// What becomes JSON becomes Python's own values by the same names; what is not a number is `None`.
pub fn plain(python: Python<'_>, value: &impl Serialize) -> PyResult<Py<PyAny>> {
    let value = serde_json::to_value(value).expect("plain structs become JSON");
    object(python, &value)
}

/// A JSON value as Python's own.
pub fn object(python: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    match value {
        Value::Null => Ok(python.None()),
        Value::Bool(value) => value.into_py_any(python),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => whole.into_py_any(python),
            (None, Some(whole)) => whole.into_py_any(python),
            (None, None) => number.as_f64().into_py_any(python),
        },
        Value::String(text) => text.into_py_any(python),
        Value::Array(values) => {
            let values = values.iter().map(|value| object(python, value)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(python, values)?.into_py_any(python)
        }
        Value::Object(fields) => {
            let dict = PyDict::new(python);
            for (name, value) in fields {
                dict.set_item(name, object(python, value)?)?;
            }
            dict.into_py_any(python)
        }
    }
}
