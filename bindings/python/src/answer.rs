//! An answer as a dict of plain values: the columns of a table.

use headstart::Classifier;
use headstart::classifier::{Answer, Verdict};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The names of all columns, in their order, are the same for every answer of a model.
pub fn dict<'py>(
    python: Python<'py>,
    classifier: &Classifier,
    path: Option<&str>,
    answer: &Answer,
) -> PyResult<Bound<'py, PyDict>> {
    let classes = classifier.classes();
    let dict = PyDict::new(python);
    dict.set_item("path", path)?;
    dict.set_item("verdict", answer.verdict.word())?;
    dict.set_item("predicted", answer.decided_class())?;
    dict.set_item("likeliest", &answer.class)?;
    for (class, score) in classes.iter().zip(&answer.scores) {
        dict.set_item(format!("score_{class}"), score)?;
    }
    let names = |set: &Vec<usize>| set.iter().map(|class| classes[*class].clone()).collect::<Vec<_>>();
    dict.set_item("plausible", answer.plausible.as_ref().map(names))?;
    dict.set_item("threshold", classifier.deciding_threshold())?;
    dict.set_item("distance", answer.distance)?;
    dict.set_item("refused", answer.verdict == Verdict::Refused)?;
    dict.set_item("oddness", answer.oddness)?;
    dict.set_item("unusual", answer.unusual)?;
    dict.set_item("frames", answer.frames)?;
    dict.set_item("doubt", answer.doubt())?;
    dict.set_item("error", python.None())?;
    Ok(dict)
}

/// The same of an image that cannot be used: nothing is known but why.
pub fn failed<'py>(
    python: Python<'py>,
    classifier: &Classifier,
    path: Option<&str>,
    why: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(python);
    dict.set_item("path", path)?;
    for name in ["verdict", "predicted", "likeliest"] {
        dict.set_item(name, python.None())?;
    }
    for class in classifier.classes() {
        dict.set_item(format!("score_{class}"), python.None())?;
    }
    let unknown = ["plausible", "threshold", "distance", "refused", "oddness", "unusual", "frames", "doubt"];
    for name in unknown {
        dict.set_item(name, python.None())?;
    }
    dict.set_item("error", why)?;
    Ok(dict)
}
